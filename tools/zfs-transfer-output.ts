import { sshFailure } from '../hosts/ssh-failure.ts';
import { tail } from './result.ts';
import { zfsProblem, type ZfsProblem } from './zfs-problems.ts';

/** Why a step failed. Whether it did is judged by what the target has afterwards. */
export type TransferProblem =
  | Exclude<ZfsProblem, 'incomplete'>
  /** The other host could not be reached, or not any more. Trying again helps. */
  | 'unreachable'
  /** Its identity or our credentials are wrong. */
  | 'refused'
  /** `zfs`, `ssh` or `pv` is not installed. */
  | 'no program'
  /** Either end was killed, and nothing says why. What arrived can be resumed. */
  | 'interrupted'
  /** No text that is known here. */
  | 'unexpected';

export type StepOutcome =
  | { type: 'sent' }
  | { type: 'failed'; problem: TransferProblem; message: string }
  /** A step before it failed, of the same target or of one above it. */
  | { type: 'skipped' }
  /** The job ended in the middle of it. */
  | { type: 'cut off' }
  /** The job ended before it. */
  | { type: 'not begun' };

/** Each step's outcome, from what a job of `transferArgv` has written on its standard output. */
export function readTransfer(stdout: string, steps: number): StepOutcome[] {
  const lines = stdout.split('\n');
  return Array.from({ length: steps }, (_, index) => {
    const prefix = `step ${index + 1} `;
    return readStep(lines.flatMap((line) => (line.startsWith(prefix) ? [line.slice(prefix.length)] : [])));
  });
}

function readStep(lines: readonly string[]): StepOutcome {
  if (lines.includes('skipped')) return { type: 'skipped' };
  const [, send, receive, limit] = lines.map((line) => EXIT.exec(line)).find((match) => match !== null) ?? [];
  if (send === undefined || receive === undefined || limit === undefined)
    return { type: lines.includes('begins') ? 'cut off' : 'not begun' };
  const exits = { send, limit, receive };
  if (Object.values(exits).every((code) => code === '0' || code === '-')) return { type: 'sent' };
  const said = (side: string): string =>
    lines.flatMap((line) => (line.startsWith(`says ${side} `) ? [line.slice(`says ${side} `.length)] : [])).join('\n');
  const texts = { send: said('send'), limit: said('limit'), receive: said('receive') };
  const message = tail(Object.values(texts).filter(Boolean).join('\n'));
  return { type: 'failed', problem: problemOf(exits, texts), message };
}

/** `-` where there was no such side. */
const EXIT = /^exit (\S+) (\S+) (\S+)$/;

type OfSides = Record<'send' | 'limit' | 'receive', string>;

/** The receiver refuses with a reason; that the sender's pipe broke, or the stream had no end, only follows from another thing. */
function problemOf(exits: OfSides, texts: OfSides): TransferProblem {
  if (Object.values(exits).includes('127')) return 'no program';
  for (const side of ['receive', 'send'] as const) {
    const found = zfsProblem(texts[side])?.type;
    if (found !== undefined && found !== 'incomplete') return found;
  }
  for (const side of ['receive', 'send'] as const)
    if (exits[side] === '255') return sshFailure(texts[side], 255).type === 'Refused' ? 'refused' : 'unreachable';
  const isCut = zfsProblem(texts.receive)?.type === 'incomplete' || SIGNALS.test(Object.values(exits).join(' '));
  return isCut ? 'interrupted' : 'unexpected';
}

/** 128 and the number of a signal. */
const SIGNALS = /\b1[2-9]\d\b/;

/** How far the step is that is being made. */
export interface TransferProgress {
  /** From 0 on. */
  step: number;
  bytes: number;
  /** As far as ZFS could estimate. Of a resumed step it is the rest, as `bytes` are. */
  ofBytes?: number;
  /** Over the lines that were kept. */
  bytesPerSecond?: number;
  secondsLeft?: number;
}

/** From the last lines of a running job; undefined while nothing was sent. */
export function readProgress(lines: readonly string[]): TransferProgress | undefined {
  const all = lines.flatMap((line) => readSent(line) ?? []);
  const last = all.at(-1);
  if (last === undefined) return undefined;
  const first = all.find(({ step }) => step === last.step) ?? last;
  const seconds = (last.second - first.second + DAY) % DAY;
  const rate = seconds > 0 ? (last.bytes - first.bytes) / seconds : 0;
  const known = last.of === undefined || last.of < last.bytes ? undefined : last.of;
  return {
    step: last.step - 1,
    bytes: last.bytes,
    ...(known === undefined ? {} : { ofBytes: known }),
    ...(rate > 0 ? { bytesPerSecond: Math.round(rate) } : {}),
    ...(rate > 0 && known !== undefined ? { secondsLeft: Math.ceil((known - last.bytes) / rate) } : {}),
  };
}

const DAY = 24 * 60 * 60;
const SENT = /^step (\d+) sent (\d\d):(\d\d):(\d\d) (\d+) (\S+)$/;

function readSent(line: string): { step: number; second: number; bytes: number; of: number | undefined } | undefined {
  const match = SENT.exec(line);
  if (match === null) return undefined;
  const [step = 0, hours = 0, minutes = 0, seconds = 0, bytes = 0] = match.slice(1, 6).map(Number);
  const of = match[6] === '-' ? undefined : Number(match[6]);
  return { step, second: hours * 3600 + minutes * 60 + seconds, bytes, of };
}
