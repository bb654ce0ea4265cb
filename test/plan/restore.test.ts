import { describe, expect, it } from '@jest/globals';
import {
  isReceived,
  planRestore,
  type DestinationSeen,
  type ReplicaSeen,
  type RestoreObservation,
  type RestoreScope,
} from '../../plan/restore.ts';

const NOW = '2026-11-28T12:00:00.000Z';
const RUN = 'runbook-20261128-1200-3f9c';
const at = (createdAt: string, guid = '7') => ({ name: 'snapshot-a', guid, createdAt });

const replica = (host: string, createdAt: string, more: Partial<ReplicaSeen['found']> = {}): ReplicaSeen => ({
  ...{ host, dataset: 'tank/replicas/data' },
  found: {
    ...{ kind: 'filesystem', encrypted: false, usedBytes: 1e9, snapshots: 1 },
    ...{ oldestAt: createdAt, newestAt: createdAt, fitting: at(createdAt) },
    ...more,
  },
});
const place = (host: string, ...guests: string[]) => ({ host, dataset: 'tank/replicas/data', guests });
const scope = (change: Partial<RestoreScope> = {}): RestoreScope => ({
  ...{ wish: { project: 'default', volume: 'data' }, places: [place('nuc', 'g1'), place('attic', 'g1')] },
  ...{ member: 'n1', minFreePercent: 10, stallTimeout: '10m', approvalTimeout: '8h' },
  ...change,
});
const destination = (change: Partial<DestinationSeen> = {}): DestinationSeen => ({
  ...{ member: 'n1', pool: { name: 'local', dataset: 'tank/incus' }, room: 1e12 },
  ...{ isListed: false, others: [], isKnown: true },
  ...change,
});
const plan = (seen: Partial<RestoreObservation>, declared = scope()) =>
  planRestore(
    declared,
    { replicas: [replica('nuc', '2026-11-27T01:00:00Z')], destination: destination(), ...seen },
    { run: RUN, now: NOW },
  );
const refusals = (seen: Partial<RestoreObservation>, declared?: RestoreScope): string[] =>
  plan(seen, declared).refusals.map(({ name }) => name);

describe('what restore does', () => {
  it('takes the newest that fits, of two of one age the first of the fleet file', () => {
    const old = replica('nuc', '2026-11-26T01:00:00Z');
    const young = replica('attic', '2026-11-27T01:00:00Z');
    expect(plan({ replicas: [old, young] }).restoration?.from.host).toBe('attic');
    expect(plan({ replicas: [replica('nuc', '2026-11-27T01:00:00Z'), young] }).restoration?.from.host).toBe('nuc');
  });

  it('makes a volume that is called after the run, or as was said', () => {
    expect(plan({}).restoration).toMatchObject({
      ...{ name: 'data-restored-20261128-1200-3f9c', member: 'n1', pool: 'local', sourceMember: 'n1' },
      dataset: 'tank/incus/custom/default_data-restored-20261128-1200-3f9c',
    });
    const named = scope({ wish: { project: 'work', volume: 'data', to: 'found' } });
    expect(plan({}, named).restoration?.dataset).toBe('tank/incus/custom/work_found');
  });

  it('goes on where one place does not answer, and warns', () => {
    const silent: ReplicaSeen = {
      ...{ host: 'attic', dataset: 'tank/replicas/data' },
      problem: { type: 'Unreachable', message: 'no route', whatToDo: 'see' },
    };
    const { gates, refusals: refused } = plan({ replicas: [silent, replica('nuc', '2026-11-27T01:00:00Z')] });
    expect(refused).toEqual([]);
    expect(gates.filter(({ verdict }) => verdict === 'warning').map(({ name }) => name)).toEqual(['copy']);
    expect(refusals({ replicas: [silent] })).toEqual(['copy']);
  });

  it('sends what is encrypted as it is, and says that its key is needed', () => {
    const seen = plan({ replicas: [replica('nuc', '2026-11-27T01:00:00Z', { encrypted: true })] });
    expect(seen.refusals).toEqual([]);
    expect(seen.restoration?.raw).toBe(true);
    expect(seen.gates.find(({ name }) => name === 'key')).toMatchObject({ verdict: 'warning' });
    expect(plan({}).restoration?.raw).toBe(false);
  });

  it.each<[string, Partial<RestoreObservation>, string[]]>([
    ['there is no replica', { replicas: [{ host: 'nuc', dataset: 'tank/replicas/data' }] }, ['copy']],
    ['the member does not answer', { destination: { ...destination(), problem: noRoute() } }, ['member']],
    ['the name is taken', { destination: destination({ isListed: true }) }, ['name']],
    [
      'its own dataset has the name',
      { destination: destination({ target: { guids: ['7'], readonly: false, locked: false } }) },
      ['name'],
    ],
    ['there is no room', { destination: destination({ room: 1e8 }) }, ['space']],
    ['Incus would take in more', { destination: destination({ others: ['by-hand'] }) }, ['recovery']],
  ])('refuses where %s', (_, seen, gates) => {
    expect(refusals(seen)).toEqual(gates);
  });

  it('refuses where nobody says on which member, or of which guest', () => {
    const { member, ...nowhere } = scope();
    expect(member).toBe('n1');
    const { replicas } = { replicas: [replica('nuc', '2026-11-27T01:00:00Z')] };
    expect(planRestore(nowhere, { replicas }, { run: RUN, now: NOW }).refusals.map(({ name }) => name)).toEqual([
      'member',
    ]);
    const two = { ...nowhere, places: [place('nuc', 'g1'), place('attic', 'g2')] };
    const both = [replica('nuc', '2026-11-27T01:00:00Z'), replica('attic', '2026-11-27T01:00:00Z')];
    expect(planRestore(two, { replicas: both }, { run: RUN, now: NOW }).refusals.map(({ name }) => name)).toEqual([
      'copy',
      'member',
    ]);
  });

  it('goes on with what was received of that snapshot, and with nothing else', () => {
    expect(isReceived({ guids: [], readonly: true, locked: false, token: '1-a' }, '7')).toBe(true);
    expect(isReceived({ guids: ['7'], readonly: true, locked: false }, '7')).toBe(true);
    expect(isReceived({ guids: ['8'], readonly: true, locked: false }, '7')).toBe(false);
    expect(isReceived({ guids: ['7'], readonly: false, locked: false }, '7')).toBe(false);
    expect(isReceived({ guids: ['8'], readonly: true, locked: false, token: '1-a' }, '7')).toBe(false);
    expect(isReceived({ guids: [], readonly: true, locked: false }, undefined)).toBe(false);
    expect(
      refusals({ destination: destination({ target: { guids: [], readonly: true, locked: false, token: '1-a' } }) }),
    ).toEqual([]);
  });

  it('goes on with what a run has taken further and not verified, listed by Incus or not', () => {
    const target = { guids: ['7'], readonly: false, locked: false, restored: '7' };
    for (const isListed of [false, true])
      expect(refusals({ destination: destination({ isListed, target, room: 0 }) })).toEqual([]);
    const others = [
      { ...target, restored: '8' },
      { ...target, guids: ['8'] },
      { ...target, restored: RUN },
    ];
    for (const other of others)
      expect(refusals({ destination: destination({ isListed: true, target: other }) })).toEqual(['name']);
  });

  it('says how old the copies are where none is old enough', () => {
    const { fitting, ...found } = replica('nuc', '2026-11-27T01:00:00Z').found ?? { fitting: undefined };
    expect(fitting).toBeDefined();
    const seen = { replicas: [{ host: 'nuc', dataset: 'tank/replicas/data', found }] } as Partial<RestoreObservation>;
    const wish = { project: 'default', volume: 'data', until: '2026-11-20T23:59:59.999Z' };
    const [gate] = plan(seen, scope({ wish })).refusals;
    expect(gate?.message).toContain('begins with 2026-11-27 01:00 UTC');
  });
});

function noRoute() {
  return { type: 'Unreachable' as const, message: 'no route', whatToDo: 'see' };
}
