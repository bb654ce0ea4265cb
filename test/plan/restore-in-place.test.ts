import { describe, expect, it } from '@jest/globals';
import { planRestore, restoreSteps, type ReplicaSeen, type RestoreScope } from '../../plan/restore.ts';
import { unexpectedUsers, whatIsReplaced, type OriginalSeen, type VolumeUser } from '../../plan/restore-in-place.ts';

const RUN = 'runbook-20261128-1200-3f9c';
const AT = '2026-11-27T01:00:00Z';
const user = (name: string, status = 'Running'): VolumeUser => ({ project: 'default', name, status, isDeclared: true });
const replica = (host: string, guid: string, newestAt = AT): ReplicaSeen => ({
  ...{ host, dataset: 'tank/replicas/data' },
  found: {
    ...{ kind: 'filesystem', encrypted: false, usedBytes: 1e9, snapshots: 2, oldestAt: AT, newestAt },
    fitting: { name: 'snapshot-a', guid, createdAt: AT },
  },
});
const found = { kind: 'filesystem', encrypted: false, usedBytes: 2 ** 30, snapshots: 3 } as const;
const original = (change: Partial<OriginalSeen> = {}): OriginalSeen => ({
  ...{ dataset: 'tank/incus/custom/default_data', users: [user('g1'), user('g2', 'Stopped')], found },
  ...change,
});
const scope: RestoreScope = {
  ...{ wish: { project: 'default', volume: 'data', inPlace: true }, minFreePercent: 10 },
  ...{ places: [], member: 'n1', stallTimeout: '10m', approvalTimeout: '8h' },
};
const plan = (
  seen: { original?: OriginalSeen; replicas?: ReplicaSeen[]; pool?: string; isListed?: boolean; isGone?: true } = {},
) =>
  planRestore(
    scope,
    {
      replicas: seen.replicas ?? [replica('nuc', '7')],
      destination: {
        ...{ member: 'n1', room: 1e12, isListed: seen.isListed ?? false, others: ['by-hand'], isKnown: true },
        pool: { name: 'local', dataset: seen.pool ?? 'tank/incus' },
        ...(seen.isGone === true ? {} : { original: seen.original ?? original() }),
      },
    },
    { run: RUN, now: '2026-11-28T12:00:00.000Z' },
  );

describe('a restore in place', () => {
  it('sets the original aside under the name of the run, and what arrives has one of its own', () => {
    const { restoration, refusals } = plan();
    expect(refusals).toEqual([]);
    expect(restoration).toMatchObject({
      ...{ volume: 'data', name: 'data-restored-20261128-1200-3f9c' },
      inPlace: { dataset: 'tank/incus/custom/default_data', aside: `tank/incus-data-${RUN}`, resolve: [] },
    });
    expect(restoreSteps(plan()).map(({ id }) => id)).toEqual([
      ...['copy', 'ready', 'health-before', 'stop', 'swap', 'start', 'verify', 'settle'],
    ]);
  });

  it('is made anew under its own name where the cluster knows it no more', () => {
    const { restoration } = plan({ isGone: true });
    expect(restoration).toMatchObject({ name: 'data', dataset: 'tank/incus/custom/default_data' });
    expect(restoration?.inPlace).toBeUndefined();
  });

  it.each<[string, Parameters<typeof plan>[0], string[]]>([
    ['a guest is frozen', { original: original({ users: [user('g1', 'Frozen')] }) }, ['guests']],
    ['it is encrypted', { original: original({ found: { ...found, encrypted: true } }) }, ['original']],
    ['its copy is of another kind', { original: original({ found: { ...found, kind: 'volume' } }) }, ['original']],
    ['its pool is a whole zpool', { pool: 'tank' }, ['original']],
    ['Incus has what it would arrive under', { isListed: true }, ['name']],
    [
      'Incus knows it, and nothing is there',
      { original: { dataset: 'tank/incus/custom/default_data', users: [] } },
      [],
    ],
  ])('refuses or not where %s', (_, seen, gates) => {
    expect(plan(seen).refusals.map(({ name }) => name)).toEqual(gates);
  });

  it('says of each replica whether copies go on, and how a person decides where they do not', () => {
    const { gates, restoration } = plan({
      replicas: [replica('nuc', '7'), replica('attic', '7', '2026-11-28T01:00:00Z'), replica('shed', '8')],
    });
    const copies = gates.filter(({ name }) => name === 'copies');
    expect(copies.map(({ verdict }) => verdict)).toEqual(['passed', 'warning', 'warning']);
    expect(restoration?.inPlace?.resolve.map(({ command }) => command)).toEqual([
      'runbook backups resolve --volume data --target attic --dataset tank/replicas',
      'runbook backups resolve --volume data --target shed --dataset tank/replicas',
    ]);
  });

  it('names what is stopped and what stays, and stops nobody else', () => {
    const { inPlace } = plan().restoration ?? {};
    if (inPlace === undefined) throw new Error('Expected a place.');
    const lines = whatIsReplaced(inPlace, { from: '2026-11-27 01:00 UTC', member: 'n1' }).join('\n');
    expect(lines).toContain('Stopped meanwhile, and started again: g1.');
    expect(lines).toContain(`(1.0 GiB, 3 snapshots) stays as tank/incus-data-${RUN}`);
    expect(unexpectedUsers(inPlace.users, [user('g2'), user('g3')]).map(({ name }) => name)).toEqual(['g3']);
  });
});
