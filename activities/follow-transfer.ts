import type { Jobs, JobState } from '../hosts/host.ts';
import { formatAge } from '../plan/duration.ts';
import { readProgress, type TransferProgress } from '../tools/zfs-transfer-output.ts';
import type { ActivityContext } from './guard.ts';

/** So often its progress is told; its end is noticed at once. */
const LOOK_MS = 1_000;

/**
 * Follows a transfer to its end. One that moves no byte for `stallMs` is stopped: what arrived stays and is gone on from.
 * Undefined where no such job is there (any more).
 */
export async function followTransfer(
  jobs: Jobs,
  name: string,
  { signal, report }: Pick<ActivityContext, 'signal' | 'report'>,
  { stallMs, titles }: { stallMs: number; titles: readonly string[] },
): Promise<(JobState & { type: 'ended' }) | undefined> {
  let seen = '';
  let movedAt = performance.now();
  for (;;) {
    const state = await jobs.status(name, { signal, waitMs: LOOK_MS });
    if (state.type === 'ended') return state;
    if (state.type === 'absent') return undefined;
    const progress = readProgress(state.lines);
    // The time of day in a line of progress moves also where nothing else does.
    const said = state.lines.findLast((line) => !/^step \d+ sent /.test(line));
    const now = `${progress?.step ?? ''} ${progress?.bytes ?? ''} ${said ?? ''}`;
    if (now !== seen) movedAt = performance.now();
    else if (performance.now() - movedAt > stallMs) await jobs.stop(name, { signal });
    seen = now;
    if (progress !== undefined) report(shown(progress, titles));
  }
}

function shown(
  { step, bytes, ofBytes, bytesPerSecond, secondsLeft }: TransferProgress,
  titles: readonly string[],
): { progress: string; bytes: number; totalBytes?: number } {
  const rate = bytesPerSecond === undefined ? '' : `, ${megabytes(bytesPerSecond)}/s`;
  const left = secondsLeft === undefined ? '' : `, ${formatAge(secondsLeft * 1000)} left`;
  const of = ofBytes === undefined ? '' : ` of ${megabytes(ofBytes)}`;
  return {
    progress: `${titles[step] ?? ''}: ${megabytes(bytes)}${of}${rate}${left}`,
    bytes,
    ...(ofBytes === undefined ? {} : { totalBytes: ofBytes }),
  };
}

const megabytes = (bytes: number): string => `${(bytes / 1_000_000).toFixed(1)} MB`;
