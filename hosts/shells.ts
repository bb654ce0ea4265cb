import { type ChildProcess, spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';

/** Where the shell's builtins are specified by POSIX; every Linux has it, NixOS included. */
export const SHELL = '/bin/sh';

/**
 * A shell that reads what it does from its standard input becomes, by this, the leader of a process group that ends with
 * us, also when we are killed: a watcher in the group reads a pipe whose other end only we hold, and kills the group when
 * it is closed. (`setpriv --pdeathsig` reaches the child alone, not what the child started.)
 */
const LEASH = `(trap '' HUP INT TERM; read -r _; kill -KILL -$$) <&3 4<&- >/dev/null 2>&1 &
exec 3<&-
`;

/** A shell on a leash that waits to be told its command. */
export interface Shell {
  child: ChildProcess;
  /** What the shell reads and does: one compound command, since its own standard input is the command's then no more. */
  script: Writable;
  /** What the command reads: its descriptor 4, until it says otherwise. */
  input: Writable;
  stdout: Readable;
  stderr: Readable;
  /** As long as this is open, the group lives. */
  held: Readable;
}

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
function discard({ held, script, input, stdout, stderr }: Shell): void {
  for (const stream of [held, script, input, stdout, stderr]) stream.destroy();
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

/** By Node.js alone: of all that execa would do, nothing is needed here, and it takes as long as the rest. */
function startShell(): Shell {
  const child = spawn(SHELL, ['-s'], { detached: true, stdio: ['pipe', 'pipe', 'pipe', 'pipe', 'pipe'] });
  const [script, stdout, stderr, held, input] = child.stdio as [Writable, Readable, Readable, Readable, Writable];
  for (const stream of [script, held, input]) stream.on('error', ignore);
  script.write(LEASH);
  return { child, script, input, stdout, stderr, held };
}

/** A program may end without reading its input (EPIPE); its exit code says what that means. */
function ignore(): void {
  return;
}
