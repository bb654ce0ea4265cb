import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { DAYS, clockChanges, timesBetween, type Calendar } from '../../fleet/calendar.ts';
import type { RunView } from '../../plan/run.ts';
import { referenceFleetFile } from '../../simulator/reference-fleet.ts';
import { SEARCH_ATTRIBUTES, TASK_QUEUE, workflowId } from '../../workflows/messages.ts';
import type { nightlyBackup } from '../../workflows/nightly-backup.ts';
import { startTimeSkippingServer } from './environment.ts';
import { startSimulatedFleet, viewOf, type SimulatedFleet } from './simulated-fleet.ts';

const DAY_MS = 86_400_000;
const CALENDAR: Calendar = { at: '02:30', days: DAYS, timeZone: 'Europe/Berlin' };
const KEEP = { last: 2, hourly: 0, daily: 5, weekly: 3, monthly: 2, yearly: 0 };
const KEPT_DAYS = 3;

/** Nights in which the receiver is off: for longer than the source keeps anything, and once more near the end. */
const OFF = new Set([6, 7, 8, 9, 10, 27]);

const FLEET = `${referenceFleetFile().replace(/^backups:\n(?: {2}.*\n)+/m, '')}backups:
  edge-data:
    guest: edge-vm
    volumes: [edge-data]
    keepSnapshots: ${KEPT_DAYS}d
    to: [{ type: zfs, member: nuc-1, dataset: tank/replica, keep: ${JSON.stringify(KEEP)} }]
`;

const RealDate = Date;

/** Gives this process, and with it the activities, the time of the server; answers with how far that is ahead. */
function goTo(ms: number): number {
  const ahead = ms - RealDate.now();
  globalThis.Date = class extends RealDate {
    constructor(...args: [] | [string | number | Date]) {
      super(args.length === 0 ? RealDate.now() + ahead : args[0]);
    }
    static override now = (): number => RealDate.now() + ahead;
  } as DateConstructor;
  return ahead;
}

/** The fifteen nights before the next change of the clocks, and those after it. */
function nightsOf(now: number): number[] {
  const [change] = clockChanges(CALENDAR, now + 20 * DAY_MS, now + 300 * DAY_MS);
  if (change === undefined) throw new Error('The clocks of Berlin change twice a year.');
  const midnight = Date.parse(change.date);
  return timesBetween(CALENDAR, midnight - 15 * DAY_MS, midnight + 15 * DAY_MS);
}

interface Made {
  name: string;
  at: number;
}

/** By the words of the documentation, and not by the planner: the newest, and the newest of each of the newest periods. */
function wanted(made: readonly Made[]): string[] {
  const newestFirst = made.toSorted((a, b) => b.at - a.at);
  const newestOfEach = (count: number, periodOf: (at: number) => number): Made[] => {
    const periods = [...new Set(newestFirst.map(({ at }) => periodOf(at)))].slice(0, count);
    return periods.flatMap((period) => newestFirst.find(({ at }) => periodOf(at) === period) ?? []);
  };
  const day = (at: number): number => Math.floor(at / DAY_MS);
  // 1 January 1970 was a Thursday, and a week begins with Monday.
  const week = (at: number): number => Math.floor((day(at) + 3) / 7);
  const month = (at: number): number => new Date(at).getUTCFullYear() * 12 + new Date(at).getUTCMonth();
  const kept = [
    ...newestFirst.slice(0, KEEP.last),
    ...newestOfEach(KEEP.daily, day),
    ...newestOfEach(KEEP.weekly, week),
    ...newestOfEach(KEEP.monthly, month),
  ];
  return [...new Set(kept.map(({ name }) => name))].sort();
}

describe('a month of nights, over the simulated fleet and skipped time', () => {
  let env: TestWorkflowEnvironment;
  let fleet: SimulatedFleet;
  beforeAll(async () => {
    env = await startTimeSkippingServer();
    const searchAttributes = Object.fromEntries(SEARCH_ATTRIBUTES.map((name) => [name, KEYWORD]));
    await env.connection.operatorService.addSearchAttributes({ namespace: 'default', searchAttributes });
  }, 60_000);
  beforeEach(async () => {
    fleet = await startSimulatedFleet(env, { fleetFile: FLEET });
  }, 60_000);
  afterEach(async () => {
    globalThis.Date = RealDate;
    await fleet.dispose();
  }, 60_000);
  afterAll(async () => {
    await env.teardown();
  }, 60_000);

  const ours = (snapshots: Record<string, unknown> | undefined): string[] =>
    Object.keys(snapshots ?? {})
      .filter((name) => name.startsWith('snapshot-backup-'))
      .sort();
  const source = () => {
    const found = Object.values(fleet.simulation.readState().cluster.volumes).find(({ name }) => name === 'edge-data');
    if (found === undefined) throw new Error('edge-data is always there.');
    return found;
  };
  const replica = () => fleet.simulation.readState().machines['nuc-1']?.datasets['tank/replica/edge-data'];

  async function backUp(): Promise<RunView> {
    const handle = await env.client.workflow.start<typeof nightlyBackup>('nightlyBackup', {
      taskQueue: TASK_QUEUE,
      workflowId: workflowId('nightly-backup', 'all'),
      args: [{ fleet: { revision: fleet.simulation.revision() }, actor: 'schedule', planOnly: false }],
    });
    return viewOf(handle);
  }

  const allGoTo = (ms: number): Promise<unknown> => {
    const clockOffsetMs = goTo(ms);
    return fleet.simulation.store.update(({ machines }) => {
      for (const machine of Object.values(machines)) machine.clockOffsetMs = clockOffsetMs;
    });
  };

  /** As Incus does, which cannot remove what is held. */
  const expire = (): Promise<unknown> =>
    fleet.simulation.store.update(({ cluster }) => {
      for (const { snapshots, dataset } of Object.values(cluster.volumes))
        for (const [name, { expiresAt }] of Object.entries(snapshots)) {
          const onDisk = dataset?.snapshots[`snapshot-${name}`];
          if (expiresAt.startsWith('0001') || Date.parse(expiresAt) > Date.now() || onDisk?.tags?.length) continue;
          Reflect.deleteProperty(snapshots, name);
          Reflect.deleteProperty(dataset?.snapshots ?? {}, `snapshot-${name}`);
        }
    });

  it('ends with what the policy asks for, and never begins anew', async () => {
    const made: Made[] = [];
    const received: Made[] = [];
    const nights = nightsOf(Date.now());
    for (const [night, at] of nights.entries()) {
      await env.sleep(at - (await env.currentTimeMs()));
      await allGoTo(await env.currentTimeMs());
      await expire();
      const isOff = OFF.has(night);
      await fleet.simulation.power('nuc-1', isOff ? 'off' : 'on');
      const view = await backUp();
      made.push({ name: view.name.replace('runbook-', 'snapshot-backup-'), at });
      const there = ours(source().dataset?.snapshots);
      const isNew = ({ name }: Made): boolean => there.includes(name) && !received.some((each) => each.name === name);
      if (!isOff) received.push(...made.filter(isNew));
      expect({
        outcome: view.result?.outcome,
        copies: view.copies?.map(({ outcome, newestAt }) => [outcome, newestAt?.slice(0, 16)]),
        replica: ours(replica()?.snapshots),
      }).toEqual({
        outcome: isOff ? 'Failed' : 'Done',
        copies: [isOff ? ['failed', undefined] : ['copied', new Date(at).toISOString().slice(0, 16)]],
        replica: wanted(received),
      });
    }
    // What was made in the first nights without a receiver had expired when that was back.
    expect(made.length - received.length).toBe(OFF.size - 1 - KEPT_DAYS);
    // In one of thirty nights the clocks do not show that time.
    expect(nights).toHaveLength(29);
    const sent = fleet.simulation.journal().filter(({ tool, args }) => tool === 'zfs' && args[0] === 'send');
    expect(sent.filter(({ args }) => !args.some((word) => /^-[iI]/.test(word)))).toEqual([]);
  }, 600_000);
});

/** `temporal.api.enums.v1.IndexedValueType`. */
const KEYWORD = 2;
