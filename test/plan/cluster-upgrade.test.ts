import { describe, expect, it } from '@jest/globals';
import { planClusterUpgrade, type ClusterUpgradePlan } from '../../plan/cluster-upgrade.ts';
import type { Closure, MemberState, SystemState, UpgradeObservation } from '../../plan/observation.ts';
import type { UpgradeScope } from '../../plan/safe-upgrade.ts';

const OLD = '/nix/store/0-system-old';
const NEW = '/nix/store/1-system-new';
const NAMES = ['m1', 'm2', 'm3'];

const system = (path: string): SystemState => ({
  profilePath: path,
  generation: 2,
  runningPath: path,
  nixosVersion: '26.05',
  bootId: 'b',
  failedUnits: [],
  activations: [],
});
const member = (name: string, rest: Partial<MemberState> = {}): MemberState => ({
  name,
  status: 'Online',
  message: '',
  incusVersion: '6.0.4',
  clockSkewMs: 0,
  ...rest,
});
const silent = (name: string): MemberState => ({
  name,
  status: 'Offline',
  message: '',
  problem: 'dial unix: connection refused',
});

/** The cluster as every one of its members tells it. */
function plan(members: MemberState[], systems: (string | undefined)[], built = true): ClusterUpgradePlan {
  const scopes = NAMES.map((node): UpgradeScope => ({
    node,
    kind: 'member',
    member: node,
    targets: [
      { node, kind: 'member', deploys: true, containers: false, probes: 0, snapshotRollback: 'never', project: '' },
    ],
    policy: POLICY,
  }));
  const observations = NAMES.map((node, at): UpgradeObservation => {
    const path = systems[at];
    const target = { node, kind: 'member' as const };
    return {
      at: '2026-01-01T00:00:00Z',
      node,
      kind: 'member',
      member: node,
      members,
      targets: [path === undefined ? { ...target, problem: 'No route to host' } : { ...target, system: system(path) }],
      instances: [],
      pools: [],
      backups: [],
      health: [],
      uncommitted: [],
    };
  });
  const closure: Closure = { path: NEW, nixosVersion: '26.11', incusVersions: ['7.0.2'] };
  return planClusterUpgrade(scopes, observations, built ? Object.fromEntries(NAMES.map((n) => [n, closure])) : {});
}

const POLICY: UpgradeScope['policy'] = {
  reboot: 'ask',
  backup: 'off',
  backupMaxAge: '26h',
  minFreeSpace: 10,
  maxClockSkew: '2s',
  soak: '30s',
  snapshotExpiry: '7d',
  keepRuns: 3,
  approvalTimeout: '8h',
  confirmTimeout: '30s',
  activationTimeout: '10m',
  betweenMembers: 'continue',
};

describe('the plan of a cluster-upgrade', () => {
  it('changes every member at once, with a snapshot before', () => {
    const { refusals, from, to, deployments, halfWay, alreadySo } = plan(
      NAMES.map((name) => member(name)),
      [OLD, OLD, OLD],
    );
    expect({ refusals, from, to, halfWay, alreadySo }).toEqual({
      refusals: [],
      from: ['6.0.4'],
      to: '7.0.2',
      halfWay: false,
      alreadySo: false,
    });
    expect(deployments.map(({ node, mode }) => [node, mode])).toEqual(NAMES.map((node) => [node, 'switch']));
  });

  const upgraded = { incusVersion: '7.0.2' };
  const dead = [member('m1', upgraded), member('m2', upgraded), silent('m3')];

  it('goes on where all have the new system and one Incus died in its database patch', () => {
    const { refusals, halfWay, alreadySo } = plan(dead, [NEW, NEW, NEW]);
    expect({ refusals, halfWay, alreadySo }).toEqual({ refusals: [], halfWay: true, alreadySo: false });
  });

  it('does not judge a silent Incus on a reachable host before its new system is known', () => {
    const { gates, refusals } = plan(dead, [NEW, NEW, NEW], false);
    expect(refusals).toEqual([]);
    expect(gates).toContainEqual(expect.objectContaining({ name: 'members', verdict: 'warning' }));
  });

  it.each([
    ['a silent Incus of the former version', [OLD, OLD, OLD], true],
    ['a silent Incus on a host that is away', [OLD, OLD, undefined], false],
  ])('refuses %s', (_, systems, built) => {
    const { refusals } = plan([member('m1'), member('m2'), silent('m3')], systems, built);
    expect(refusals.map(({ message }) => message)).toContainEqual(
      expect.stringMatching(/^m3 did not tell its Incus version: dial unix/),
    );
  });

  it('has nothing to do where all are there and answer', () => {
    expect(
      plan(
        NAMES.map((name) => member(name, upgraded)),
        [NEW, NEW, NEW],
      ).alreadySo,
    ).toBe(true);
  });
});
