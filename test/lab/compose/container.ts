import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { run, until } from '../../../lab/shell.ts';

/** What a service of Compose is made of, without an engine. */
export interface Container {
  name: string;
  uid: number;
  /** Where there is a file or a folder → where the service has it, in /run or /etc. */
  mounts: Record<string, string>;
  /** The shell of its image knows `pipefail`, as Alpine’s does and Debian’s does not. */
  hasPipefail?: boolean;
  cwd: string;
  env: Record<string, string>;
  argv: readonly string[];
}

/**
 * As root in namespaces of its own: /run and what is written in /etc are memory, services are known by name. Root stays
 * process 1, so that its end is that of all.
 */
const SETUP = `
set -eu
name=$1 uid=$2 cwd=$3 shell=$4
shift 4
hostname "$name"
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /run/upper /run/work /run/secrets
install -d -m 1777 /run/postgresql
mount -t overlay -o lowerdir=/etc,upperdir=/run/upper,workdir=/run/work overlay /etc
echo "127.0.0.1 localhost $name postgresql temporal worker" >/etc/hosts
[ "$uid" = 0 ] || echo "service:x:$uid:$uid::/tmp:/bin/sh" >>/etc/passwd
while [ "$1" != -- ]; do
  mkdir -p "$(dirname "$2")"
  if [ -d "$1" ]; then mkdir "$2"; else : >"$2"; fi
  mount --bind "$1" "$2"
  shift 2
done
shift
[ "$shell" = sh ] || mount --bind "/bin/$shell" /bin/sh
cd "$cwd"
setpriv "--reuid=$uid" "--regid=$uid" --clear-groups -- "$@"
exit $?
`;

/** A network with nothing but a loopback, until `leave()`. Programs in it are started with `inside(argv)`. */
export async function aNetwork(): Promise<{ inside: (argv: readonly string[]) => string[]; leave: () => void }> {
  const holder = spawn('unshare', ['--net', 'sh', '-c', 'ip link set lo up && echo up && exec cat'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  await once(holder.stdout, 'data');
  return {
    inside: (argv) => ['nsenter', `--net=/proc/${holder.pid}/ns/net`, '--', ...argv],
    leave: () => holder.stdin.end(),
  };
}

/** Starts it; killing the process ends all that is in it. `inside`: of its network. */
export function startContainer(
  { name, uid, mounts, hasPipefail = false, cwd, env, argv }: Container,
  inside: (argv: readonly string[]) => string[],
): ChildProcess & { stdout: Readable; stderr: Readable } {
  const own = [
    'unshare',
    '--mount',
    '--propagation',
    'private',
    '--uts',
    '--pid',
    '--fork',
    '--kill-child',
    '--mount-proc',
  ];
  const [program = '', ...args] = [
    ...['setpriv', '--pdeathsig', 'KILL', '--'],
    ...inside([...own, 'sh', '-c', SETUP, 'sh', name, String(uid), cwd, hasPipefail ? 'bash' : 'sh']),
    ...Object.entries(mounts).flat(),
    ...['--', ...argv],
  ];
  return spawn(program, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
}

/** Runs a command in a container, as its user, as `docker exec` does. Answers with its exit code. */
export async function execIn(running: ChildProcess, { uid, env }: Container, argv: readonly string[]): Promise<number> {
  const first = await until('the container has a process', () => {
    const pid = readFileSync(`/proc/${running.pid}/task/${running.pid}/children`, 'utf8').trim();
    return Promise.resolve(pid === '' ? { not: 'none yet' } : { value: pid });
  });
  const user = ['setpriv', `--reuid=${uid}`, `--regid=${uid}`, '--clear-groups', '--'];
  const entered = ['nsenter', '--target', first, '--mount', '--net', '--uts', '--pid', '--', ...user, ...argv];
  return (await run(entered, { env, timeoutMs: 10_000 })).exitCode;
}
