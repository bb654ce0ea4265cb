/**
 * A machine that commands can be run on. `local` and `ssh` implement it; `tools/` knows nothing else.
 * No implementation decides what an exit code means: that is the tool's knowledge.
 */
export interface Host {
  /** As the fleet file names it, or `local`. Used in messages only. */
  readonly name: string;

  /**
   * Runs a short command and resolves for *any* exit code.
   * Throws only when it could not be run or seen through: {@link HostError}.
   * Not idempotent by itself: the caller looks before it acts.
   */
  run(argv: readonly string[], options: RunOptions): Promise<RunResult>;

  /** Writes a file by way of a temporary name beside it, so that it is there whole or not at all. Idempotent. */
  putFile(path: string, content: string | Uint8Array, options?: { mode?: number; signal?: AbortSignal }): Promise<void>;

  /** Jobs that outlive this process. */
  readonly jobs: Jobs;

  /** Closes what the host keeps open (its multiplexed connection). Jobs go on. */
  close(): Promise<void>;
}

export interface RunOptions {
  /** Milliseconds. Every command has one: an `incus` call without quorum hangs for ever. */
  timeoutMs: number;
  /** What the command reads. Without it standard input is closed, never inherited. */
  input?: string | Uint8Array;
  /** Environment variables added for this command. Never secrets: `/proc/PID/environ` and ssh's argv are readable. */
  env?: Readonly<Record<string, string>>;
  /** Ends the command (and its whole process group, here and on the host). */
  signal?: AbortSignal;
  /** Bytes kept of stdout and stderr each; the middle of what is over is left out. Default 1 MiB. */
  maxOutputBytes?: number;
  /** Called per line of stdout or stderr as it comes. */
  onLine?: (line: string, stream: 'stdout' | 'stderr') => void;
}

export interface RunResult {
  /** What the program exited with; 128 + N where signal N ended it. */
  exitCode: number;
  stdout: string;
  stderr: string;
  durationMs: number;
  /** True where stdout or stderr was longer than `maxOutputBytes`. */
  truncated: boolean;
}

/**
 * `Unreachable`: no connection, or it broke; whether the command ran is unknown.
 * `NotRun`: the machine was reached and the program could not be started there (not found, not executable).
 * `TimedOut`: ended by us after `timeoutMs`. `Cancelled`: ended by us through `signal`.
 * `Interrupted`: ended by somebody else, as by Ctrl-C in the terminal of the worker; trying again is right.
 * `Refused`: the machine's identity or our credentials are wrong; trying again does not help.
 */
export type HostErrorType = 'Unreachable' | 'Refused' | 'NotRun' | 'TimedOut' | 'Interrupted' | 'Cancelled';

export class HostError extends Error {
  override readonly name = 'HostError';
  readonly type: HostErrorType;
  readonly host: string;
  /** What the command had printed until then, capped. */
  readonly output: string;

  constructor(type: HostErrorType, host: string, message: string, options: { output?: string; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.type = type;
    this.host = host;
    this.output = options.output ?? '';
  }
}

export interface JobSpec {
  /** Unique per run and step, of `[a-z0-9-]`, at most 180 characters. The name is the mutex: the same name is the same job. */
  name: string;
  argv: readonly string[];
  /** Ended by the supervisor after this many milliseconds, whoever watches. */
  timeoutMs: number;
  cwd?: string;
  env?: Readonly<Record<string, string>>;
  /**
   * Two jobs with the same fence never run at the same time on this machine, whatever their names: `deploy-elitedesk-1`.
   * The later one is refused as `fenced` until the first has ended.
   */
  fence?: string;
}

export type StartedJob =
  | { type: 'started' }
  /** A job of that name exists, running or ended: it is the one asked for. */
  | { type: 'attached' }
  /** Another job holds the fence. Retryable. */
  | { type: 'fenced'; holder: string };

export type JobState =
  | { type: 'absent' }
  | { type: 'running'; startedAt: string; lines: readonly string[] }
  /** `how` says whether the program exited by itself. `lost`: the machine or supervisor died before a result was written. */
  | {
      type: 'ended';
      how: 'exited' | 'signalled' | 'timed out' | 'stopped' | 'lost';
      exitCode: number;
      stdout: string;
      stderr: string;
      truncated: boolean;
      startedAt: string;
      durationMs: number;
    };

export interface Jobs {
  /** Starts the job, or attaches to the one of that name. Idempotent. */
  start(spec: JobSpec, options?: { signal?: AbortSignal }): Promise<StartedJob>;
  /**
   * Where it is; `lines` are the last of its output (both streams, at most 50). Changes nothing.
   * `waitMs`: of a running one, once it has ended or so long has passed.
   */
  status(name: string, options?: { signal?: AbortSignal; waitMs?: number }): Promise<JobState>;
  /** Ends the job with SIGTERM, then SIGKILL, to its whole group or unit, and waits until it is over. Idempotent. */
  stop(name: string, options?: { signal?: AbortSignal }): Promise<void>;
  /** Forgets an ended job and its files. A running one is left alone. Idempotent. */
  remove(name: string, options?: { signal?: AbortSignal }): Promise<void>;
  /** Names of the jobs that begin with `prefix`. */
  list(prefix: string, options?: { signal?: AbortSignal }): Promise<string[]>;
}
