import { describe, expect, it } from '@jest/globals';
import { CliError } from '../../cli/errors.ts';
import type { WatchState } from '../../cli/run-state.ts';
import { observe, type ObserveOptions } from '../../cli/temporal/observe.ts';
import { aRun, at, aView } from './run-fixture.ts';

/** Looks in this order; the test's clock moves a second with each pause. */
async function watched(looks: ObserveOptions['read'][], rest: Partial<ObserveOptions> = {}): Promise<WatchState[]> {
  let now = Date.parse(at(0));
  const states: WatchState[] = [];
  const options: ObserveOptions = {
    read: () => (looks.shift() ?? (() => Promise.reject(new Error('looked too often'))))(),
    pollers: () => Promise.resolve([]),
    signal: new AbortController().signal,
    now: () => now,
    pause: () => {
      now += 1000;
      return Promise.resolve();
    },
    ...rest,
  };
  for await (const state of observe(options)) states.push(state);
  return states;
}

const run = aRun();
const closed = aRun({ status: 'Failed', closedAt: at(99) });
const look = (state: typeof run) => (): Promise<typeof run> => Promise.resolve(state);
const lost = (): Promise<never> =>
  Promise.reject(new Error('14 UNAVAILABLE', { cause: new Error('connect ECONNREFUSED') }));

describe('watching', () => {
  it('ends with the run', async () => {
    expect(await watched([look(run), look(closed)])).toEqual([{ run }, { run: closed }]);
  });

  it('keeps trying while the server does not answer, and keeps what it knows', async () => {
    const since = at(1);
    expect(await watched([look(run), lost, lost, look(closed)])).toEqual([
      { run },
      { run, lost: { since, message: 'connect ECONNREFUSED' } },
      { run, lost: { since, message: 'connect ECONNREFUSED' } },
      { run: closed },
    ]);
  });

  it('says after five seconds that no worker takes the work, and who was there last', async () => {
    const waiting = aRun({ unclaimedSince: at(0) });
    const looks = Array.from({ length: 6 }, () => look(waiting));
    const pollers = (): Promise<{ identity: string; lastAskedAt: string }[]> =>
      Promise.resolve([{ identity: 'runbook@edge-1', lastAskedAt: at(-9) }]);
    const states = await watched([...looks, look(closed)], { pollers });
    expect(states.map(({ noWorker }) => noWorker !== undefined)).toEqual([
      false,
      false,
      false,
      false,
      false,
      true,
      false,
    ]);
    expect(states[5]?.noWorker).toEqual({
      since: at(0),
      taskQueue: 'runbook',
      lastSeen: { identity: 'runbook@edge-1', at: at(-9) },
    });
  });

  it('keeps the last view of a run that was terminated', async () => {
    const terminated = aRun({ status: 'Terminated', closedAt: at(9) });
    delete terminated.view;
    const states = await watched([look(run), look(terminated)]);
    expect(states[1]?.run).toEqual({ ...terminated, view: aView() });
  });

  it('follows a run that continued as new', async () => {
    const continued = aRun({ status: 'ContinuedAsNew', closedAt: at(9) });
    expect(await watched([look(continued), look(closed)])).toHaveLength(2);
  });

  it('ends at once where there is no such run', async () => {
    const missing = new CliError('failed', 'There is no run x.');
    await expect(watched([() => Promise.reject(missing)])).rejects.toBe(missing);
  });

  it('ends when the person leaves, without a word on the look that was cut short', async () => {
    const leave = new AbortController();
    const cutShort = (): Promise<never> => {
      leave.abort();
      return Promise.reject(new Error('1 CANCELLED'));
    };
    expect(await watched([look(run), cutShort], { signal: leave.signal })).toEqual([{ run }]);
  });
});
