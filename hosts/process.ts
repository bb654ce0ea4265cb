import { once } from 'node:events';
import { randomBytes } from 'node:crypto';
import { setImmediate as nextRound, setTimeout as delay } from 'node:timers/promises';
import { CappedOutput } from './capped-output.ts';
import type { RunOptions, RunResult } from './host.ts';
import { type LeashedProcess, startLeashed } from './leashed-process.ts';
import { LineSplitter } from './line-splitter.ts';
import type { HostLogger } from './logger.ts';
import { MarkerFilter } from './marker-filter.ts';
import { displayArgv, refuseNul } from './quote.ts';
import { redact } from './redact.ts';

const DEFAULT_OUTPUT_BYTES = 1024 * 1024;
/** From the polite signal to the certain one. */
const GRACE_MS = 2000;
/**
 * How long to wait for the last output after the end: something that left the group may hold the pipe for ever.
 * Long, because on a busy machine what was printed takes its time, and none of it may be lost.
 */
const LAST_OUTPUT_MS = 2000;

/** A Ctrl-C reaches a child too, in the instant before it is in a session of its own: that is no answer of the program. */
const TERMINAL_SIGNALS: ReadonlySet<NodeJS.Signals> = new Set(['SIGINT', 'SIGHUP', 'SIGQUIT']);

/** Node fires a longer timer at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** How a process went. What an exit code means is the caller's knowledge. */
export type ProcessEnd =
  | { type: 'exited'; result: RunResult }
  /** It could not be started. */
  | { type: 'not run'; reason: string; durationMs: number }
  | { type: 'timed out' | 'cancelled' | 'interrupted'; output: string; durationMs: number };

export interface ProcessOptions extends RunOptions {
  /** Host named in the log. */
  host: string;
  logger: HostLogger;
  /** The command to log where `argv` is only its carrier. */
  shown?: readonly string[];
  /** For a carrier that talks with a wrapper on the other side. */
  carrier?: Carrier;
}

export interface Carrier {
  nonce: string;
  onMark(mark: string): void;
  /** Called once, before anything is read. Standard input stays open after `input`: its end ends the command. */
  attach(link: CarrierLink): void;
  /** Asks the other side to end the command politely; false where it has not begun. */
  askToStop(): boolean;
}

export interface CarrierLink {
  write(text: string): void;
  /** The command is over: closes standard input, and ends the carrier itself if it stays. */
  over(): void;
}

/** What one run collects while it goes on. */
interface Collected {
  stdout: CappedOutput;
  stderr: CappedOutput;
  notRun: boolean;
  /** Settles when both streams have ended. */
  done: Promise<unknown>;
}

/**
 * Runs a local program in its own process group: no shell interprets `argv`, standard input is closed unless `input` is
 * given, and the group ends with the program, with `timeoutMs`, with `signal`, and with this process.
 * Resolves soon after the program ended, also where something that left its group still holds the output.
 * @throws {TypeError} where a word has a NUL.
 * Logs at `info` whatever the exit code is: whether it is an error is for the layer above to say.
 */
export async function runProcess(argv: readonly string[], options: ProcessOptions): Promise<ProcessEnd> {
  argv.forEach(refuseNul);
  const start = performance.now();
  const end = options.signal?.aborted === true ? cancelledBefore() : await runToEnd(argv, options, start);
  const { exitCode, durationMs } =
    end.type === 'exited' ? end.result : { exitCode: undefined, durationMs: end.durationMs };
  const command = displayArgv(options.shown ?? argv);
  options.logger.info({ host: options.host, command, end: end.type, exitCode, durationMs }, 'ran a command');
  return end;
}

function cancelledBefore(): ProcessEnd {
  return { type: 'cancelled', output: '', durationMs: 0 };
}

async function runToEnd(argv: readonly string[], options: ProcessOptions, start: number): Promise<ProcessEnd> {
  const { carrier } = options;
  const nonce = carrier?.nonce ?? newNonce();
  const stdin = carrier !== undefined || options.input !== undefined;
  const child = startLeashed(argv, { nonce, stdin, env: options.env });
  const collected = collect(child, nonce, options);
  const stopper = stopOnDemand(child, options);
  feed(child, options, stopper);
  const exit = await child.exited;
  stopper.ended();
  child.release();
  await Promise.race([collected.done, lastOutput()]);
  child.stdout.destroy();
  child.stderr.destroy();
  const durationMs = Math.round(performance.now() - start);
  const [stdout, stderr] = [collected.stdout.toString(), collected.stderr.toString()];
  if (stopper.why !== undefined) return { type: stopper.why, output: redact(`${stdout}${stderr}`), durationMs };
  if (exit.type === 'not run') return { type: 'not run', reason: redact(exit.reason), durationMs };
  if (exit.signal !== null && TERMINAL_SIGNALS.has(exit.signal))
    return { type: 'interrupted', output: redact(`${stdout}${stderr}`), durationMs };
  if (collected.notRun) return { type: 'not run', reason: redact(stderr.trim()), durationMs };
  const truncated = collected.stdout.truncated || collected.stderr.truncated || stopper.cutOff;
  return { type: 'exited', result: { exitCode: exit.exitCode, stdout, stderr, durationMs, truncated } };
}

/** A timer fires before what arrived meanwhile is read: that is read first. */
async function lastOutput(): Promise<void> {
  await delay(LAST_OUTPUT_MS, undefined, { ref: false });
  for (let rounds = 0; rounds < 3; rounds += 1) await nextRound();
}

/** A word that no output has by chance. */
export function newNonce(): string {
  return randomBytes(12).toString('hex');
}

function collect(child: LeashedProcess, nonce: string, options: ProcessOptions): Collected {
  const maxBytes = options.maxOutputBytes ?? DEFAULT_OUTPUT_BYTES;
  const { onLine } = options;
  const collected = { stdout: new CappedOutput(maxBytes), stderr: new CappedOutput(maxBytes), notRun: false };
  const filter = new MarkerFilter(nonce, (mark) => {
    if (mark === 'notrun') collected.notRun = true;
    else options.carrier?.onMark(mark);
  });
  const streams = (['stdout', 'stderr'] as const).map(async (name) => {
    const lines =
      onLine === undefined
        ? undefined
        : new LineSplitter((line) => {
            onLine(line, name);
          });
    const take = (bytes: Buffer): void => {
      collected[name].push(bytes);
      lines?.push(bytes);
    };
    const stream = child[name];
    stream.on('data', (chunk: Buffer) => {
      take(name === 'stderr' ? filter.push(chunk) : chunk);
    });
    stream.on('error', () => undefined);
    await once(stream, 'close');
    if (name === 'stderr') take(filter.end());
    lines?.end();
  });
  return Object.assign(collected, { done: Promise.allSettled(streams) });
}

function feed({ stdin }: LeashedProcess, { input, carrier }: ProcessOptions, stopper: Stopper): void {
  if (stdin === undefined) return;
  carrier?.attach({
    write: (text) => stdin.write(text),
    over: () => {
      stdin.end();
      stopper.killAfter(LAST_OUTPUT_MS);
    },
  });
  if (input !== undefined) stdin.write(input);
  if (carrier === undefined) stdin.end();
}

interface Stopper {
  why: 'timed out' | 'cancelled' | undefined;
  /** It was killed, so the end of its output may be missing. */
  cutOff: boolean;
  /** Kills the group unless it ends before. */
  killAfter(ms: number): void;
  ended(): void;
}

function stopOnDemand(child: LeashedProcess, { timeoutMs, signal, carrier }: ProcessOptions): Stopper {
  let certain: NodeJS.Timeout | undefined;
  const stop = (why: 'timed out' | 'cancelled'): void => {
    if (certain !== undefined) return;
    stopper.why = why;
    if (carrier?.askToStop() !== true) child.signalGroup('SIGTERM');
    stopper.killAfter(GRACE_MS);
  };
  const timer = setTimeout(stop, Math.min(timeoutMs, LONGEST_TIMER_MS), 'timed out');
  const onAbort = (): void => {
    stop('cancelled');
  };
  signal?.addEventListener('abort', onAbort, { once: true });
  const stopper: Stopper = {
    why: undefined,
    cutOff: false,
    killAfter: (ms) => {
      certain ??= setTimeout(() => {
        stopper.cutOff = true;
        child.signalGroup('SIGKILL');
      }, ms);
    },
    ended: () => {
      clearTimeout(timer);
      clearTimeout(certain);
      signal?.removeEventListener('abort', onAbort);
    },
  };
  return stopper;
}
