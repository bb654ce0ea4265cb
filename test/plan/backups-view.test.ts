import { describe, expect, it } from '@jest/globals';
import { fleetSchema } from '../../fleet/schema.ts';
import type { ObservedVolume } from '../../plan/backup-selection.ts';
import { judgeBackups, type SeenBackups } from '../../plan/backups-view.ts';
import { allPairs, volumeKey, type ReplicaState } from '../../plan/nightly-backup.ts';
import { problemOf } from '../../plan/problem.ts';

const NOW = '2026-11-28T06:00:00.000Z';
const EDGE: ObservedVolume = {
  ...{ project: 'default', pool: 'local', member: 'n1', name: 'edge-data', contentType: 'filesystem', config: {} },
  guests: ['edge'],
};
const backups = fleetSchema.shape.backups.parse({
  edge: { guest: 'edge', to: [{ type: 'zfs', member: 'n3', dataset: 'tank/r' }] },
});
const scope = { backups, policy: fleetSchema.shape.policies.parse({}).backup };
const base = {
  selection: { selected: [{ backup: 'edge', volume: EDGE, why: [] }], leftOut: [], unmet: [], problems: [] },
  datasets: { [volumeKey(EDGE)]: 'z/custom/default_edge-data' },
};
const [PAIR] = allPairs(scope, base);
const state = (own: Partial<ReplicaState>): ReplicaState => ({
  ...{ pair: PAIR?.id ?? '', volume: 'edge-data', relation: 'incremental', warnings: [], ...own },
});
const seen = (replicas: ReplicaState[], own: Partial<SeenBackups['observation']> = {}): SeenBackups => ({
  scope,
  observation: { ...base, away: {}, unfit: [], replicas, ...own },
  resticScope: { repositories: [] },
  restic: { repositories: [] },
  proofs: {},
});
const judged = (of: SeenBackups) => judgeBackups(of, { now: NOW, maxAge: '26h' });
const outcome = (of: SeenBackups): string | undefined => judged(of).copies[0]?.outcome;
const repository = (completeAt?: string): Pick<SeenBackups, 'resticScope' | 'restic'> => {
  const place = { node: 'edge', repository: 'rest:x', passwordFile: '/p' };
  const source = {
    ...{ id: 's', title: '/srv of edge', guest: 'edge', place, reads: { type: 'paths' as const, paths: ['/srv'] } },
    ...{ tags: ['runbook'], backupEvery: '1d', forgetEvery: '1d', maxAge: '26h' },
  };
  const sources = [{ id: 's', ...(completeAt === undefined ? {} : { completeAt }) }];
  return {
    resticScope: {
      repositories: [
        {
          ...{ id: 'r', repository: 'rest:x', sources: [source], maintenance: place },
          ...{ pruneEvery: '7d', checkEvery: '7d', checkSubsets: 10, maxAge: '26h' },
        },
      ],
    },
    restic: { repositories: [{ id: 'r', sources, maintenance: { forgets: {}, prune: NOW } }] },
  };
};

describe('how copies are', () => {
  it.each([
    ['fresh', '2026-11-28T02:00:00.000Z'],
    ['stale', '2026-11-26T02:00:00.000Z'],
    ['never', undefined],
  ])('%s: by the newest snapshot that was seen at the place', (expected, newestAt) => {
    expect(outcome(seen([state(newestAt === undefined ? {} : { newestAt })]))).toBe(expected);
  });

  it('failed, whatever their age, where the next one cannot be made', () => {
    const newestAt = '2026-11-28T02:00:00.000Z';
    const problem = problemOf('Diverged', 'It has others.');
    expect(outcome(seen([state({ newestAt, problem })]))).toBe('failed');
    expect(outcome(seen([state({ newestAt })], { unfit: [{ pair: PAIR?.id ?? '', problem }] }))).toBe('failed');
  });

  it('failed and of no age where the place does not answer; of the age that is there where only the source does not', () => {
    expect(judged(seen([], { away: { n3: 'no route' } })).copies[0]).toMatchObject({
      ...{ outcome: 'failed', newest: { type: 'unseen' } },
    });
    const newestAt = '2026-11-28T02:00:00.000Z';
    expect(
      judged(seen([state({ newestAt, relation: 'unseen' })], { away: { n1: 'no route' } })).copies[0],
    ).toMatchObject({
      ...{ outcome: 'failed', newest: { type: 'copy', at: newestAt }, ageMs: 4 * 3_600_000 },
    });
  });

  it('in a repository: by its newest complete backup, and with what it needs', () => {
    const of = (completeAt?: string): SeenBackups => ({ ...seen([]), ...repository(completeAt) });
    expect(judged(of('2026-11-28T02:00:00.000Z')).copies[1]).toMatchObject({ of: '/srv of edge', outcome: 'fresh' });
    expect(judged(of('2026-11-20T02:00:00.000Z')).copies[1]).toMatchObject({ outcome: 'stale' });
    expect(judged(of()).copies[1]).toMatchObject({ outcome: 'never' });
    expect(judged(of()).upkeep).toEqual([{ repository: 'rest:x', message: 'check: never done' }]);
  });
});
