import type { Store } from './store.ts';
import type { State } from './state.ts';

/** Where `nix` and `deploy` run; it has no machine in the state. */
export const WORKER = 'worker';

/** One command that runs in the simulation. */
export interface Call {
  readonly store: Store;
  /** The machine's name, or {@link WORKER}. */
  readonly machine: string;
  /** Where the machine's files are. */
  readonly root: string;
  readonly tool: string;
  /** The path that it was started by, as the machine knows it; the tool's name where it was found in PATH. */
  readonly self: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  /** Throws {@link BrokenPipe} where nobody reads any more. */
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  readonly update: <T>(change: (state: State) => T) => Promise<T>;
  /** Notes in the journal what was changed apart from the state. */
  readonly changed: (what: string) => void;
  /** Runs another command on a machine, with this one's streams unless others are given. */
  readonly exec: (command: Command) => Promise<number>;
  readonly runProgram: RunProgram;
}

/**
 * Runs a real program among a machine's files; for a tool it is the last thing that it does. `remote`: as under sshd, the
 * leader of a session, and our death is the end of its input. Resolves with 128 + N where signal N ended it.
 */
export type RunProgram = (
  path: string,
  command: Command,
  root: string,
  options?: { remote: boolean },
) => Promise<number>;

export interface Command {
  machine: string;
  argv: readonly string[];
  env?: Readonly<Record<string, string>>;
  cwd?: string;
  out?: (text: string) => void;
  err?: (text: string) => void;
}

/** Returns the exit code. */
export type Tool = (call: Call) => Promise<number> | number;

/** What the simulation does not know. It ends with exit code 64 and is kept in `unknown.log`, never shrugged off. */
export class Unknown extends Error {
  override readonly name = 'Unknown';
}

/** The tool fails as the real one does: this text on standard error, this exit code. */
export class ToolError extends Error {
  override readonly name = 'ToolError';
  readonly exitCode: number;
  constructor(message: string, exitCode = 1) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** 128 + SIGPIPE. */
export const BROKEN_PIPE_EXIT_CODE = 141;

/** As SIGPIPE: the reader is gone. */
export class BrokenPipe extends Error {
  override readonly name = 'BrokenPipe';
}
