import { describe, expect, it } from '@jest/globals';
import { followTransfer } from '../../activities/follow-transfer.ts';
import type { Jobs, JobState } from '../../hosts/host.ts';

const ENDED: JobState = {
  ...{ type: 'ended', how: 'stopped', exitCode: 143, stdout: 'step 1 begins\n', stderr: '', truncated: false },
  ...{ startedAt: '2026-11-28T02:14:00.000Z', durationMs: 1 },
};

/** A job that says these lines, look after look, until it is stopped; then it has ended. */
function jobsSaying(lines: (look: number) => string[], endsAt = Infinity): { jobs: Jobs; stops: () => number } {
  let looks = 0;
  let stops = 0;
  const status = async (): Promise<JobState> => {
    looks += 1;
    await new Promise((resolve) => setTimeout(resolve, 10));
    return stops > 0 || looks > endsAt
      ? ENDED
      : { type: 'running', startedAt: '2026-11-28T02:14:00.000Z', lines: lines(looks) };
  };
  const stop = (): Promise<void> => {
    stops += 1;
    return Promise.resolve();
  };
  return { jobs: { status, stop } as unknown as Jobs, stops: () => stops };
}
const sent = (second: number, bytes: number): string =>
  `step 1 sent 02:14:${String(second % 60).padStart(2, '0')} ${bytes} 1000`;
const follow = (jobs: Jobs): ReturnType<typeof followTransfer> =>
  followTransfer(
    jobs,
    'job',
    { signal: new AbortController().signal, report: () => undefined },
    { stallMs: 200, titles: ['a'] },
  );

describe('a transfer that is followed', () => {
  it('is stopped where it moves no byte, though its clock goes on', async () => {
    const { jobs, stops } = jobsSaying((look) => ['step 1 begins', sent(look, 500)]);
    expect(await follow(jobs)).toEqual(ENDED);
    expect(stops()).toBe(1);
  });

  it('goes on while it moves', async () => {
    const { jobs, stops } = jobsSaying((look) => [sent(look, look * 10)], 60);
    expect(await follow(jobs)).toEqual(ENDED);
    expect(stops()).toBe(0);
  });

  it('is no more where there is no such job', async () => {
    const jobs = { status: () => Promise.resolve({ type: 'absent' }) } as unknown as Jobs;
    expect(await follow(jobs)).toBeUndefined();
  });
});
