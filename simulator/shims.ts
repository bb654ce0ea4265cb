import { accessSync, constants, existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { OWN_FOLDERS } from './core/paths.ts';
import type { Machine } from './core/state.ts';
import { REAL_GIT } from './hosts/git.ts';
import { REAL_PROGRAMS } from './real-programs.ts';
import { WORKER } from './core/call.ts';
import { PORT, PROCESSES } from './server.ts';

/** Where real programs are looked for, beside PATH: what every Linux has. What simulated machines have is none. */
const FOLDERS = [
  ...(process.env['PATH'] ?? '').split(delimiter),
  '/usr/bin',
  '/bin',
  '/run/current-system/sw/bin',
].filter((folder) => folder.startsWith('/') && !existsSync(join(folder, '.shim')));

/** Fills a machine's `bin`: one script under the names of all simulated programs, and links to the real ones. */
export function writeMachinePrograms(
  dir: string,
  root: string,
  name: Machine['name'],
  program: string,
  simulated: readonly string[],
): void {
  const bin = join(root, 'bin');
  mkdirSync(bin, { recursive: true });
  const shim = join(bin, '.shim');
  writeFileSync(shim, shimScript(dir, name, program), { mode: 0o755 });
  for (const tool of simulated) link('.shim', join(bin, tool));
  if (name === WORKER) {
    link(findProgram('git') ?? 'git', join(root, REAL_GIT));
    return;
  }
  for (const tool of REAL_PROGRAMS) {
    const path = findProgram(tool);
    if (path !== undefined && !simulated.includes(tool)) link(path, join(bin, tool));
  }
  for (const shell of ['sh', 'bash']) {
    const real = findProgram(shell);
    if (real !== undefined) writeFileSync(join(bin, shell), shellScript(root, real), { mode: 0o755 });
  }
  for (const folder of [
    'usr/bin',
    'run/systemd/system',
    'tmp',
    'root',
    'var/lib',
    'proc/sys/kernel/random',
    'etc',
    'data',
  ])
    mkdirSync(join(root, folder), { recursive: true });
  link(join(bin, 'env'), join(root, 'usr/bin/env'));
  // It goes on as it should; the rest of /proc is the machine's own.
  link('/proc/uptime', join(root, 'proc/uptime'));
}

/**
 * Asks the simulation's server, or runs Node.js itself where there is none. Node.js starts in half the time without the
 * certificates that some environments add. It is bash, which needs no other program to ask over a socket, nor to print.
 */
function shimScript(dir: string, name: string, program: string): string {
  return `#!${findProgram('bash') ?? '/bin/bash'}
alone() {
unset NODE_EXTRA_CA_CERTS NODE_OPTIONS
exec ${quote(process.execPath)} ${quote(program)} at ${quote(dir)} ${quote(name)} "$@"
}
case \${0##*/} in ${PROCESSES.join('|')}) alone "$0" "$@";; esac
{ read -r port <${quote(join(dir, PORT))} && exec 5<>"/dev/tcp/127.0.0.1/$port"; } 2>/dev/null || alone "$0" "$@"
printf '%s\\0' "$#" ${quote(dir)} ${quote(name)} "$0" "$PWD" "$@" >&5
read -r answer errors output <&5 || exit 70
[ "$answer" != alone ] || { exec 5>&-; alone "$0" "$@"; }
LC_ALL=C
IFS= read -r -N "$errors" errors <&5
IFS= read -r -N "$output" output <&5
exec 5>&-
[ "$answer" != script ] || eval "$output"
printf %s "$errors" >&2
printf %s "$output"
exit "$answer"
`;
}

/**
 * The shell itself, as a script: where it is given a file to run, the absolute paths in there are put under the root first,
 * because a job's script comes over standard input and was not seen by ssh. A connection that is tried by bash itself is one of
 * the simulated network.
 */
function shellScript(root: string, real: string): string {
  const escaped = root.replace(/[\\.[\]*^$+?(){}|#&]/g, '\\$&');
  // Twice, since a path may begin where the one before it ended.
  const put = `-e 's#(^|[^][A-Za-z0-9_./~@%+,-])/(${OWN_FOLDERS})([^A-Za-z0-9_.-]|$)#\\1@@root@@/\\2\\3#g'`;
  const name = `-e 's#@@root@@#${root.replace(/[\\#&]/g, '\\$&')}#g'`;
  return `#!/bin/sh
case $2-$3 in *'"/dev/tcp/$1/$2"'-connect) exec ${quote(join(root, 'bin/.connect'))} "$4" "$5";; esac
case $1 in -*|'') exec ${quote(real)} "$@";; esac
script=$1; shift
sed -E -e 's#${escaped}/#/#g' ${put} ${put} ${name} "$script" >"$script.in-root" || exit 1
exec ${quote(real)} "$script.in-root" "$@"
`;
}

function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

function link(target: string, path: string): void {
  rmSync(path, { force: true });
  symlinkSync(target, path);
}

function findProgram(name: string): string | undefined {
  return FOLDERS.map((folder) => join(folder, name)).find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
