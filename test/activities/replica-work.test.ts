import { describe, expect, it } from '@jest/globals';
import type { ReplicaFacts } from '../../activities/replica-facts.ts';
import { ReplicaWork } from '../../activities/replica-work.ts';
import { fleetSchema } from '../../fleet/schema.ts';
import type { ReplicaPair } from '../../plan/nightly-backup.ts';
import { planReplication, type DatasetFacts, type SnapshotFact } from '../../plan/replication.ts';
import type { StepOutcome, TransferProblem } from '../../tools/zfs-transfer-output.ts';

const backup = { guest: 'g', to: [{ type: 'zfs', member: 'n3', dataset: 'tank/r' }] };
const [target] = fleetSchema.shape.backups.parse({ it: backup })['it']?.to ?? [];
const PAIR = { id: 'n1-to-n3-1', sender: 'n1', target, volumes: [] } as unknown as ReplicaPair;
const snapshots = (number: number): SnapshotFact[] =>
  Array.from({ length: number }, (_, index) => ({
    ...{ name: `snapshot-${index + 1}`, guid: String(index + 1), createtxg: String(index + 1) },
  }));
const dataset = (name: string, number: number, more: Partial<DatasetFacts> = {}): DatasetFacts => ({
  ...{ name, kind: 'filesystem', snapshots: snapshots(number), bookmarks: [], encrypted: false, keyLoaded: true },
  ...{ usedBytes: 1, writtenBytes: 0, ...more },
});

/** A volume with so many snapshots, of which so many have arrived. */
function facts(name: string, sent: number, of: number, more: Partial<DatasetFacts> = {}): ReplicaFacts {
  const source = dataset(`z/custom/default_${name}`, of);
  const there = sent > 0 || more.resumeToken !== undefined ? { target: dataset(`tank/r/${name}`, sent, more) } : {};
  const [decision] = planReplication({
    pairs: [{ source, targetName: `tank/r/${name}`, ...there }],
    policy: { encrypted: 'raw' },
  });
  if (decision === undefined) throw new Error('Expected a decision.');
  return { volume: { project: 'default', pool: 'local', name }, source, ...there, decision };
}
const failed = (problem: TransferProblem): StepOutcome => ({ type: 'failed', problem, message: 'as ZFS says' });
const aWork = (own: { snapshot?: string; patient?: boolean } = {}): ReplicaWork =>
  new ReplicaWork(PAIR, { snapshot: 'snapshot-3', patient: false, ...own });
const never = (): Promise<never> => Promise.reject(new Error('Expected nothing to be given up.'));

describe('the work on replicas', () => {
  it('sends what is missing, and then says what came', async () => {
    const work = aWork();
    const steps = await work.stepsFor([facts('a', 1, 3)], never);
    expect(steps.map(({ to }) => to.name)).toEqual(['snapshot-2', 'snapshot-3']);
    expect(work.note(steps, [{ type: 'sent' }, { type: 'sent' }])).toBe('go on');
    const after = [facts('a', 3, 3), facts('b', 3, 3)];
    expect(await work.stepsFor(after, never)).toEqual([]);
    expect(work.outcomes(after, new Map([['tank/r/a', '2026-11-28T02:14:00.000Z']]))).toEqual([
      { volume: 'a', place: 'n3 tank/r', outcome: 'copied', newestAt: '2026-11-28T02:14:00.000Z', snapshots: 2 },
      { volume: 'b', place: 'n3 tank/r', outcome: 'up to date' },
    ]);
  });

  it('gives a job no more than it takes, and calls nothing stuck that had no turn', async () => {
    const work = aWork();
    for (let sent = 0; sent < 800; sent += 200) {
      const steps = await work.stepsFor([facts('a', sent, 800), facts('b', 0, 150), facts('c', 0, 150)], never);
      expect(steps.map(({ target: name }) => name)).toEqual(Array(200).fill('tank/r/a'));
    }
    const rest = await work.stepsFor([facts('a', 800, 800), facts('b', 0, 150), facts('c', 0, 150)], never);
    expect(rest.filter(({ target: name }) => name === 'tank/r/b')).toHaveLength(150);
    expect(rest.filter(({ target: name }) => name === 'tank/r/c')).toHaveLength(50);
  });

  it('leaves a replica that does not move, with what was in its way, and goes on with the others', async () => {
    const work = aWork();
    for (let tries = 0; tries < 3; tries += 1) {
      const steps = await work.stepsFor([facts('a', 1, 2)], never);
      expect(steps).toHaveLength(1);
      expect(work.note(steps, [failed('busy')])).toBe('wait');
    }
    const now = [facts('a', 1, 2), facts('b', 1, 2)];
    const steps = await work.stepsFor(now, never);
    expect(steps.map(({ target: name }) => name)).toEqual(['tank/r/b']);
    expect(work.outcomes(now, new Map())[0]).toMatchObject({
      ...{ outcome: 'failed', problem: { type: 'Busy' } },
    });
  });

  it('waits for what is busy where nothing else is left, and leaves it where it has waited for long', async () => {
    const stillBusy = (): Promise<string> => Promise.resolve('it is still received');
    const part = facts('a', 1, 2, { resumeToken: { type: 'unreadable', token: '1-b' } });
    const work = aWork({ patient: true });
    expect(await work.stepsFor([part, facts('b', 1, 2)], stillBusy)).toMatchObject([{ target: 'tank/r/b' }]);
    await expect(work.stepsFor([part], stillBusy)).rejects.toMatchObject({ type: 'Busy', nonRetryable: false });
    const last = aWork();
    expect(await last.stepsFor([part], stillBusy)).toEqual([]);
    expect(last.outcomes([part], new Map())).toMatchObject([{ outcome: 'failed', problem: { type: 'Busy' } }]);
  });

  it('takes nothing for a copy that has not what this run has made', () => {
    const work = aWork({ snapshot: 'snapshot-4' });
    expect(work.outcomes([facts('a', 3, 3)], new Map())).toMatchObject([
      { outcome: 'failed', problem: { type: 'NothingToSend' } },
    ]);
  });

  it('takes a part that has grown for a move', async () => {
    const work = aWork();
    for (let bytes = 1; bytes < 10; bytes += 1) {
      const token = { token: '1-a', toGuid: '2', toName: 'z/custom/default_a@snapshot-2', fromGuid: '1', bytes };
      const flags = { raw: false, compressed: true, largeBlocks: true, embedded: false };
      const now = facts('a', 1, 2, { resumeToken: { ...token, ...flags } });
      const steps = await work.stepsFor([now], never);
      expect(steps).toMatchObject([{ resume: '1-a' }]);
      work.note(steps, [{ type: 'cut off' }]);
    }
  });

  it('gives up a part of no use before it sends', async () => {
    const given: string[] = [];
    const now = facts('a', 1, 2, { resumeToken: { type: 'unreadable', token: '1-b' } });
    await aWork().stepsFor([now], (name) => {
      given.push(name);
      return Promise.resolve(undefined);
    });
    expect(given).toEqual(['tank/r/a']);
  });

  it.each([
    ['no space', 'NoSpace'],
    ['key not loaded', 'KeyNotLoaded'],
    ['raw broken', 'SendModeChanged'],
    ['modified', 'ReplicaModified'],
    ['no program', 'NotRun'],
    ['unexpected', 'Unexpected'],
  ] as const)('tries nothing again after: %s', async (problem, type) => {
    const work = aWork();
    const now = [facts('a', 1, 2)];
    const steps = await work.stepsFor(now, never);
    expect(work.note(steps, [failed(problem)])).toBe('go on');
    expect(await work.stepsFor(now, never)).toEqual([]);
    expect(work.outcomes(now, new Map())).toMatchObject([{ outcome: 'failed', problem: { type } }]);
  });

  it('fails as Unreachable where a host is away, to be tried again', async () => {
    const work = aWork();
    const steps = await work.stepsFor([facts('a', 1, 2)], never);
    expect(() => work.note(steps, [failed('unreachable')])).toThrow(
      expect.objectContaining({ type: 'Unreachable', nonRetryable: false }),
    );
  });

  it('sends nothing to a replica that has diverged', async () => {
    const work = aWork();
    const now = facts('a', 3, 2);
    expect(await work.stepsFor([now], never)).toEqual([]);
    expect(work.outcomes([now], new Map())).toMatchObject([{ outcome: 'failed', problem: { type: 'Diverged' } }]);
  });
});
