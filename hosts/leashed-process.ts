import type { Readable, Writable } from 'node:stream';
import { constants } from 'node:os';
import { quoteArgv, quoteExport } from './quote.ts';
import { takeShell } from './shells.ts';

/**
 * Becomes "$@", or prints the mark that says that the program could not be started: an exit code of 126 or 127 may as
 * well be the program's own. `shopt` keeps bash alive after a failed exec (but not in a subshell), so that the trap
 * speaks; other shells run the trap without it.
 */
export const reportNotRun = (nonce: string): string => `shopt -s execfail 2>/dev/null
trap 'echo "${nonce} notrun" >&2' EXIT
exec "$@"
exit`;

export interface LeashedProcess {
  stdin: Writable | undefined;
  stdout: Readable;
  stderr: Readable;
  /** The exit code (128 + N for signal N), the signal, or why it could not be started. Never rejects. */
  exited: Promise<
    { type: 'exited'; exitCode: number; signal: NodeJS.Signals | null } | { type: 'not run'; reason: string }
  >;
  /** Signals the whole group. */
  signalGroup(signal: 'SIGTERM' | 'SIGKILL'): void;
  /** Kills what is left of the group. */
  release(): void;
}

/** Starts a program, its arguments as they are, in a process group of its own. */
export function startLeashed(
  argv: readonly string[],
  options: { nonce: string; stdin: boolean; env?: Readonly<Record<string, string>> | undefined },
): LeashedProcess {
  const text = commandText(argv, options);
  const { child, script, input, stdout, stderr, held } = takeShell();
  script.end(text);
  if (!options.stdin) input.destroy();
  const exited = new Promise<Awaited<LeashedProcess['exited']>>((resolve) => {
    child.once('exit', (code: number | null, signal: NodeJS.Signals | null) => {
      resolve({ type: 'exited', exitCode: code ?? 128 + (signal === null ? 0 : constants.signals[signal]), signal });
    });
    // Of a kill that came too late there is one as well.
    child.on('error', (error) => {
      if (child.pid === undefined) resolve({ type: 'not run', reason: error.message });
    });
  });
  return {
    stdin: options.stdin ? input : undefined,
    stdout,
    stderr,
    exited,
    signalGroup: (signal) => {
      signalGroup(child.pid, signal);
    },
    release: () => {
      held.destroy();
      script.destroy();
    },
  };
}

/** What the shell does, as one command, so that a text that was cut off runs nothing and nothing is read after it. */
function commandText(
  argv: readonly string[],
  { nonce, stdin, env = {} }: { nonce: string; stdin: boolean; env?: Readonly<Record<string, string>> | undefined },
): string {
  const exports = Object.entries(env).map(([name, value]) => quoteExport(name, value));
  const input = stdin ? 'exec <&4 4<&-' : 'exec </dev/null 4<&-';
  return ['{', input, ...exports, `set -- ${quoteArgv(argv)}`, reportNotRun(nonce), '}\n'].join('\n');
}

function signalGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch (error) {
    // ESRCH: the group has ended by itself.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
