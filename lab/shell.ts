import { execa } from 'execa';

export interface Ran {
  exitCode: number;
  stdout: string;
  stderr: string;
}

export interface RunOptions {
  /** What the program reads; without it standard input is empty. */
  input?: string;
  cwd?: string;
  env?: Readonly<Record<string, string>>;
  /** Milliseconds; the program is killed when they are over, and `exitCode` is 124. */
  timeoutMs?: number;
}

/** Runs a program and resolves for any exit code. Throws where it cannot be started. */
export async function run(argv: readonly string[], options: RunOptions = {}): Promise<Ran> {
  const [program = '', ...args] = argv;
  const child = execa(program, args, {
    reject: false,
    stripFinalNewline: false,
    // A group of its own: what it started (nsenter forks) has to die with it, or its pipes stay open.
    detached: options.timeoutMs !== undefined,
    stdin: options.input === undefined ? 'ignore' : 'pipe',
    ...(options.input === undefined ? {} : { input: options.input }),
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...(options.env === undefined ? {} : { env: options.env }),
  });
  const ended = new AbortController();
  const end = (): void => {
    ended.abort();
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
  };
  const timer = options.timeoutMs === undefined ? undefined : setTimeout(end, options.timeoutMs);
  const result = await child;
  clearTimeout(timer);
  if (result.exitCode === undefined && result.signal === undefined)
    throw new Error(`${program} cannot be started: ${result.shortMessage}`);
  return {
    exitCode: ended.signal.aborted ? 124 : (result.exitCode ?? 128),
    stdout: result.stdout,
    stderr: result.stderr,
  };
}

/** Runs a program that has to succeed, and returns its output. Throws with both its outputs where it does not. */
export async function check(argv: readonly string[], options: RunOptions = {}): Promise<string> {
  const { exitCode, stdout, stderr } = await run(argv, options);
  if (exitCode !== 0) throw new Error(`${argv.join(' ')}: exit code ${exitCode}\n${stdout}${stderr}`.trimEnd());
  return stdout;
}

/** Runs a script of the lab, passing on what it prints line by line. Throws with its last output where it fails. */
export async function narrate(argv: readonly string[], progress: (line: string) => void): Promise<void> {
  const [program = '', ...args] = argv;
  const child = execa(program, args, { stdin: 'ignore', all: true });
  for await (const line of child) progress(line);
  await child;
}

/**
 * Waits until `look` gives something, looking every `everyMs`. Throws what the last look said was missing.
 * @param look returns the thing, or the reason why it is not there yet
 */
export async function until<T>(
  what: string,
  look: () => Promise<{ value: T } | { not: string }>,
  { timeoutMs = 60_000, everyMs = 100 }: { timeoutMs?: number; everyMs?: number } = {},
): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const seen = await look();
    if ('value' in seen) return seen.value;
    if (Date.now() > deadline) throw new Error(`${what}: not within ${timeoutMs / 1000} s: ${seen.not}`);
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}
