import type { Host, JobSpec } from '../hosts/host.ts';
import { quoteArgv } from '../hosts/quote.ts';
import type { NotFound, Unexpected } from './result.ts';
import { datasetName, shortName } from './zfs-names.ts';
import { TRANSFER_SCRIPT } from './zfs-transfer-script.ts';
import { withSignal, type ToolOptions } from './tool-options.ts';
import { readZfsError } from './zfs.ts';

/** What a pair of datasets is sent with, always the same: a raw stream takes no increment that is not, and the other way round. */
export interface TransferFlags {
  raw: boolean;
  compressed: boolean;
  largeBlocks: boolean;
}

/** One snapshot on its way to one replica. */
export interface Transfer {
  source: string;
  target: string;
  from?: { name: string; kind: 'snapshot' | 'bookmark' };
  to: { name: string };
  flags: TransferFlags;
  /** The token of an interrupted receive, which knows all the rest. */
  resume?: string;
  /** The target is not there yet. */
  initial: boolean;
  kind: 'filesystem' | 'volume';
}

type Sent = Pick<Transfer, 'source' | 'to' | 'flags'> & { from?: Transfer['from'] | undefined };

/** How the job reaches both ends: the words that a quoted command follows, as {@link directSshArgv} makes them. */
export interface TransferWay {
  /** Absent: the job runs where the sources are. */
  send?: readonly string[];
  /** Absent: it runs where the targets are. */
  receive?: readonly string[];
  /** Absent: as fast as it goes. Needs `pv` where the job runs. */
  bytesPerSecond?: number;
}

/** Of one job: every step brings its whole command lines along. */
export const MOST_STEPS = 200;
/** Estimates look at every block's birth, from memory or from the disk. */
const ESTIMATE_TIMEOUT_MS = 5 * 60_000;

/** `zfs send …` of one step. @throws {TypeError} for a name that ZFS would take for something else. */
export function sendArgv({ source, from, to, flags, resume }: Transfer): string[] {
  if (resume !== undefined) return ['zfs', 'send', '-vP', '-t', resume];
  return ['zfs', 'send', '-vP', ...sendWords({ source, from, to, flags })];
}

/** `zfs receive …` of one step: resumable, never mounted, never over what is there. @throws {TypeError} as {@link sendArgv}. */
export function receiveArgv({ target, initial, kind }: Transfer): string[] {
  const own = kind === 'volume' ? ['-o', 'volmode=none'] : ['-o', 'canmount=noauto', '-o', 'mountpoint=none'];
  const properties = initial ? ['-o', 'readonly=on', ...own] : [];
  return ['zfs', 'receive', '-s', '-u', ...properties, datasetName(target)];
}

/** The command of a job that makes these steps in their order. @throws {TypeError} for more than {@link MOST_STEPS}. */
export function transferArgv(steps: readonly Transfer[], way: TransferWay = {}): string[] {
  if (steps.length === 0 || steps.length > MOST_STEPS)
    throw new TypeError(`Expected 1 to ${MOST_STEPS} steps in a transfer, got ${steps.length}.`);
  const limit = way.bytesPerSecond === undefined ? [] : ['pv', '-q', '-L', bytesPerSecond(way.bytesPerSecond)];
  const lists = steps.flatMap((step) => [
    datasetName(step.target),
    ...counted(reached(way.send, sendArgv(step))),
    ...counted(limit),
    ...counted(reached(way.receive, receiveArgv(step))),
  ]);
  return ['sh', '-c', TRANSFER_SCRIPT, 'sh', ...lists];
}

/** A job of that command. It ends by itself when either end does; the time-out is for what can't be foreseen. */
export function transferJob(
  name: string,
  fence: string,
  timeoutMs: number,
  steps: readonly Transfer[],
  way?: TransferWay,
): JobSpec {
  return { name, fence, timeoutMs, argv: transferArgv(steps, way) };
}

/** How many bytes a step would send, compressed as they are; `unknown` where ZFS gives no size. Changes nothing. */
export async function estimateTransfer(
  host: Host,
  { source, from, to, flags }: Sent,
  options: ToolOptions = {},
): Promise<{ type: 'size'; bytes: number } | { type: 'unknown' } | NotFound | Unexpected> {
  const argv = ['zfs', 'send', '-nvP', ...sendWords({ source, from, to, flags })];
  const ran = { argv, result: await host.run(argv, { timeoutMs: ESTIMATE_TIMEOUT_MS, ...withSignal(options) }) };
  if (ran.result.exitCode !== 0) return readZfsError('zfs', ran);
  const bytes = Number(/^size\t(\d+)$/m.exec(ran.result.stdout)?.[1] ?? NaN);
  return Number.isSafeInteger(bytes) ? { type: 'size', bytes } : { type: 'unknown' };
}

function sendWords({ source, from, to, flags }: Sent): string[] {
  const dataset = datasetName(source);
  // Raw is compressed and has large blocks by itself.
  const words = flags.raw ? ['-w'] : [];
  if (flags.largeBlocks && !flags.raw) words.push('-L');
  if (flags.compressed && !flags.raw) words.push('-c');
  if (from !== undefined) words.push('-i', `${dataset}${from.kind === 'snapshot' ? '@' : '#'}${shortName(from.name)}`);
  return [...words, `${dataset}@${shortName(to.name)}`];
}

const counted = (words: readonly string[]): string[] => [String(words.length), ...words];

/** Over ssh the command is one word, for the shell of the other side. */
const reached = (way: readonly string[] | undefined, argv: readonly string[]): readonly string[] =>
  way === undefined ? argv : [...way, quoteArgv(argv)];

function bytesPerSecond(rate: number): string {
  if (Number.isSafeInteger(rate) && rate > 0) return String(rate);
  throw new TypeError(`Expected a rate in whole bytes per second, got ${rate}.`);
}
