import type { Readable, Writable } from 'node:stream';
import { execa, type ResultPromise } from 'execa';

/** Where the shell's builtins are specified by POSIX; every Linux has it, NixOS included. */
export const SHELL = '/bin/sh';

/**
 * Becomes the command that it reads, as the leader of a process group that ends with us, also when we are killed: a
 * watcher in the group reads a pipe whose other end only we hold, and kills the group when it is closed.
 * (`setpriv --pdeathsig` reaches the child alone, not what the child started.)
 */
const LEASH = `(trap '' HUP INT TERM; read -r _; kill -KILL -$$) <&3 4<&- >/dev/null 2>&1 &
exec 3<&-
eval "$(cat <&4)"`;

/** A shell on a leash that waits to be told its command. */
export interface Shell {
  child: ResultPromise<typeof OPTIONS>;
  /** As long as this is open, the group lives. */
  held: Readable | undefined;
  /** What it reads to its end, and then does. */
  command: Writable | undefined;
}

const OPTIONS = {
  detached: true,
  reject: false,
  buffer: false,
  cleanup: false,
  stripFinalNewline: false,
  stdio: ['pipe', 'pipe', 'pipe', 'pipe', 'pipe'],
} as const;

const ready: Shell[] = [];
let wanted = 0;
let starting = false;

/**
 * Has so many shells started ahead of their commands. Starting a process means copying the page tables of this one,
 * which takes 20 ms where it is as large as a worker; ahead, that is done while other commands run.
 */
export function keepShellsReady(count: number): void {
  wanted = count;
  ready.splice(count).forEach(discard);
  startAhead();
}

/** One that was started ahead, or a new one. */
export function takeShell(): Shell {
  const shell = ready.shift();
  startAhead();
  if (shell === undefined) return startShell();
  if (shell.child.exitCode === null && shell.child.signalCode === null) return shell;
  discard(shell);
  return takeShell();
}

/** Without its leash it ends. */
function discard({ child, held, command }: Shell): void {
  for (const stream of [held, command, child.stdin, child.stdout, child.stderr]) stream?.destroy();
}

/** One at a time, so that what has arrived meanwhile is read between. */
function startAhead(): void {
  if (starting || ready.length >= wanted) return;
  starting = true;
  setImmediate(() => {
    starting = false;
    if (ready.length >= wanted) return;
    ready.push(startShell());
    startAhead();
  });
}

function startShell(): Shell {
  const child = execa(SHELL, ['-c', LEASH], OPTIONS);
  const [, , , held, command] = child.stdio as unknown as [unknown, unknown, unknown, Readable?, Writable?];
  for (const stream of [child.stdin, held, command]) stream?.on('error', ignore);
  return { child, held, command };
}

/** A program may end without reading its input (EPIPE); its exit code says what that means. */
function ignore(): void {
  return;
}
