import { describe, expect, it } from '@jest/globals';
import { problemOf } from '../../plan/problem.ts';
import {
  approvedOf,
  beyondApproval,
  planResolve,
  resolveCommand,
  whatResolves,
  type LostSnapshot,
  type ResolveObservation,
} from '../../plan/replica-resolve.ts';

const REPLICA = 'tank/replicas/edge-data';

const lost = (name: string, more: Partial<LostSnapshot> = {}): LostSnapshot => ({
  ...{ name, guid: `guid of ${name}`, createdAt: '2026-11-27T02:14:00.000Z', bytes: 2 ** 20, clones: [], holds: [] },
  ...more,
});

const seen = (more: Partial<ResolveObservation> = {}): ResolveObservation => ({
  ...{ volume: 'edge-data', place: 'nuc-1 tank/replicas', receiver: 'nuc-1', replica: REPLICA },
  ...{ aside: `${REPLICA.replace('/edge', '-edge')}-run`, isThere: true, relation: 'diverged' },
  problem: problemOf('Diverged', `${REPLICA} has @by-hand, which its source has not.`),
  ...{ common: { name: 'snapshot-a', guid: '1' }, lost: [lost('by-hand')], newerBookmarks: [], stay: 4 },
  ...{ writtenBytes: 0, usedBytes: 2 ** 30, sourceBytes: 2 ** 30, freeBytes: 2 ** 31 },
  ...more,
});

const sound = (more: Partial<ResolveObservation> = {}): ResolveObservation => {
  const all = seen({ relation: 'up to date', lost: [], ...more });
  delete all.problem;
  return all;
};

const refusals = (way: 'keep aside' | 'roll back', observation: ResolveObservation): string[] =>
  planResolve(way, observation).refusals.map(({ name }) => name);

describe('a replica that copies cannot go on with', () => {
  it('is kept aside, or rolled back where both sides have something', () => {
    for (const way of ['keep aside', 'roll back'] as const) {
      expect(planResolve(way, seen()).settled).toBeUndefined();
      expect(refusals(way, seen())).toEqual([]);
    }
  });

  it.each([
    ['it is not there', sound({ isThere: false }), 'There is no'],
    ['it is up to date', sound(), 'is up to date'],
    ['it waits for its next copy', sound({ relation: 'incremental' }), 'as its source knows it'],
  ])('is left alone where %s', (_, observation, sentence) => {
    expect(planResolve('roll back', observation)).toMatchObject({
      settled: expect.stringContaining(sentence) as unknown,
      gates: [],
    });
  });

  it('is one also where all snapshots are the source’s, and something was written', () => {
    expect(planResolve('roll back', sound({ writtenBytes: 4096 })).settled).toBeUndefined();
  });

  it.each([
    ['nothing in common', 'roll back', { common: undefined }, ['common']],
    ['nothing in common, kept aside', 'keep aside', { common: undefined }, []],
    ['another way of sending', 'roll back', { problem: problemOf('SendModeChanged', 'x') }, ['common']],
    ['a hold of somebody else', 'roll back', { lost: [lost('a', { holds: ['mine'] })] }, ['holds']],
    ['a bookmark in the way', 'roll back', { newerBookmarks: ['mark'] }, ['bookmarks']],
    ['a bookmark, kept aside', 'keep aside', { newerBookmarks: ['mark'] }, []],
    ['a clone', 'roll back', { lost: [lost('a', { clones: ['tank/x'] })] }, ['clones']],
    ['no place beside the replicas', 'keep aside', { aside: undefined }, ['aside']],
    ['what is not the replica’s', 'keep aside', { problem: problemOf('NotFound', 'no source') }, ['replica']],
  ] as const)('with %s: %s', (_, way, more, names) => {
    expect(refusals(way, { ...seen(), ...more } as ResolveObservation)).toEqual(names);
  });

  it('warns where a whole new copy has no room', () => {
    const { gates } = planResolve('keep aside', seen({ freeBytes: 2 ** 20 }));
    expect(gates.find(({ name }) => name === 'room')).toMatchObject({ verdict: 'warning' });
  });

  it('names each snapshot that would go, and how many stay', () => {
    const text = whatResolves('roll back', seen({ lost: [lost('a'), lost('b')], writtenBytes: 2048 })).join('\n');
    expect(text).toContain('2 snapshots that only the replica has (2.0 MiB)');
    expect(text).toContain('since the newest one (2.0 KiB)');
    expect(text).toContain('@snapshot-a is its newest one then, and 4 snapshots stay');
    expect(text).toMatch(/^@a, 2026-11-27T02:14Z, 1\.0 MiB$/m);
    expect(text).toMatch(/^@b, /m);
    const many = Array.from({ length: 300 }, (_, at) => lost(`s-${at}`));
    expect(whatResolves('roll back', seen({ lost: many })).join('\n')).toMatch(/^@s-299, /m);
  });

  it('loses nothing that was written after the approval, and goes on where it was cut off', () => {
    const approved = approvedOf(seen({ writtenBytes: 4096 }));
    expect(beyondApproval(seen({ writtenBytes: 4096 }), approved)).toBeUndefined();
    expect(beyondApproval(seen({ writtenBytes: 8192 }), approved)).toContain('8.0 KiB, 4.0 KiB when it was asked');
    expect(beyondApproval(seen({ lost: [], writtenBytes: 2 ** 20 }), approved)).toBeUndefined();
  });

  it('is resolved by a command that names its dataset, of which its host may have two', () => {
    expect(resolveCommand(seen())).toBe(
      'runbook backups resolve --volume edge-data --target nuc-1 --dataset tank/replicas',
    );
  });

  it('loses nothing that was not approved', () => {
    const approved = approvedOf(seen());
    expect(beyondApproval(seen(), approved)).toBeUndefined();
    expect(beyondApproval(seen({ lost: [] }), approved)).toBeUndefined();
    expect(beyondApproval(seen({ lost: [lost('by-hand'), lost('newer')] }), approved)).toContain('@newer');
    expect(beyondApproval(seen({ common: { name: 'snapshot-b', guid: '2' } }), approved)).toContain('another snapshot');
  });
});
