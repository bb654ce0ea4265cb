import { describe, expect, it } from '@jest/globals';
import { planFormation, type FormationPlan } from '../../plan/cluster-bootstrap.ts';
import type { ClusterContents, FormationScope, MemberFormation } from '../../plan/formation.ts';
import { handOver } from '../../plan/hand-over.ts';

const NOW = '2026-06-01T00:00:00.000Z';
const SCOPE: FormationScope = {
  members: ['m1', 'm2', 'm3'].map((name, at) => ({ name, address: `10.0.0.${at + 1}` })),
  maxClockSkew: '5s',
  cluster: {
    port: 8443,
    pools: { tank: { type: 'zfs', dataset: 'tank/incus' } },
    networks: { br: { description: '', config: { 'ipv4.address': 'auto' } } },
    profiles: { default: { description: '', config: { 'cluster.evacuate': 'stop' }, devices: {} } },
    groups: { small: { description: '', members: ['m2'] } },
    config: { 'cluster.offline_threshold': '25' },
    waitForMembers: '6h',
    trialImage: 'images:alpine/edge',
  },
};

const bare = (name: string, rest: Partial<MemberFormation> = {}): MemberFormation => ({
  name,
  interrupted: false,
  version: '6.0.4',
  clockSkewMs: 0,
  clustered: false,
  serverName: name,
  fingerprint: name,
  certificate: { from: '2026-01-01T00:00:00.000Z', until: '2036-01-01T00:00:00.000Z' },
  instances: [],
  pools: [],
  networks: [],
  volumes: [],
  sources: [{ pool: 'tank', source: 'tank/incus', state: 'empty', found: [] }],
  unresolved: [],
  unreachable: [],
  ...rest,
});
const LISTED = ['m1', 'm2', 'm3'].map((name, at) => ({
  name,
  url: '',
  status: 'Online',
  message: '',
  roles: at === 0 ? ['database-leader', 'database'] : ['database'],
}));
const joined = (name: string, rest: Partial<MemberFormation> = {}): MemberFormation =>
  bare(name, { clustered: true, fingerprint: 'cluster', sources: [], cluster: LISTED, ...rest });
const CONTENTS: ClusterContents = {
  sources: { 'm1/tank': 'tank/incus', 'm2/tank': 'tank/incus', 'm3/tank': 'tank/incus' },
  pools: [{ name: 'tank', driver: 'zfs', status: 'Created' }],
  networks: [{ name: 'br', kind: 'bridge', description: '', config: { 'ipv4.address': '10.1.1.1/24' } }],
  profiles: [{ name: 'default', description: '', config: { 'cluster.evacuate': 'stop' }, devices: {} }],
  groups: [{ name: 'small', description: '', members: ['m2'] }],
  config: { 'cluster.offline_threshold': '25' },
};

const plan = (members: MemberFormation[], contents?: ClusterContents): FormationPlan =>
  planFormation(SCOPE, { members, ...(contents && { contents }) }, NOW);
const stepsOf = ({ steps }: FormationPlan): string[] =>
  steps.map((step) =>
    [step.type, 'member' in step ? step.member : '', 'name' in step ? step.name : ''].join(' ').trim(),
  );
const refusalsOf = ({ refusals }: FormationPlan): string[] =>
  refusals.map(({ name, message }) => `${name}: ${message}`);

describe('the plan of a cluster', () => {
  it('of bare hosts: the first forms it, the others join one by one, each is tried', () => {
    const planned = plan([bare('m1'), bare('m2'), bare('m3')]);
    expect(planned.refusals).toEqual([]);
    expect(stepsOf(planned)).toEqual([
      'listen m1',
      'pool m1 tank',
      'network m1 br',
      'form m1',
      'join m2',
      'join m3',
      'config',
      'profile  default',
      'group  small',
      'trial m1',
      'trial m2',
      'trial m3',
      'roles',
    ]);
  });

  it('has nothing to do where all is as declared', () => {
    expect(plan([joined('m1'), joined('m2'), joined('m3')], CONTENTS)).toMatchObject({
      alreadySo: true,
      steps: [],
      drift: [],
      refusals: [],
    });
  });

  it('lets one join that is new, through a member that answers', () => {
    const listed = LISTED.slice(0, 2);
    const planned = plan([joined('m1', { cluster: listed }), joined('m2', { cluster: listed }), bare('m3')], CONTENTS);
    expect(stepsOf(planned)).toEqual(['join m3', 'trial m3', 'roles']);
    expect(planned.steps[0]).toMatchObject({ via: 'm1', interrupted: false });
  });

  it('tries a member that an earlier run let join and did not try', () => {
    const planned = plan([joined('m1'), joined('m2', { untried: true }), joined('m3')], CONTENTS);
    expect(stepsOf(planned)).toEqual(['trial m2', 'roles']);
    expect(planned.alreadySo).toBe(false);
  });

  it('waits for roles that are not yet as they are to be, and says what they are', () => {
    const listed = LISTED.map((member) => (member.name === 'm3' ? { ...member, roles: ['database-standby'] } : member));
    const planned = plan([joined('m1', { cluster: listed }), joined('m2'), joined('m3')], CONTENTS);
    expect(planned.steps).toEqual([
      { type: 'roles', via: 'm1', problem: expect.stringContaining('m3 database-standby') },
    ]);
    expect(planned.alreadySo).toBe(false);
    const more = { ...CONTENTS, limits: { voters: 5, standbys: 0 } };
    expect(plan([joined('m1'), joined('m2'), joined('m3')], more).alreadySo).toBe(true);
  });

  it('goes on where an earlier run made the pool and no more', () => {
    const first = bare('m1', {
      pools: [{ name: 'tank', driver: 'zfs', source: 'tank/incus' }],
      sources: [{ pool: 'tank', source: 'tank/incus', state: 'of the pool', found: [] }],
    });
    const planned = plan([first, bare('m2'), bare('m3')]);
    expect(planned.refusals).toEqual([]);
    expect(stepsOf(planned).slice(0, 3)).toEqual(['listen m1', 'network m1 br', 'form m1']);
  });

  it('takes up a member whose join a run began, also one that answers nobody', () => {
    const listed = LISTED.slice(0, 2);
    const planned = plan(
      [
        joined('m1', { cluster: listed }),
        joined('m2', { cluster: listed }),
        bare('m3', { interrupted: true, problem: 'no answer', sources: [] }),
      ],
      CONTENTS,
    );
    expect(planned.refusals).toEqual([]);
    expect(planned.steps[0]).toEqual({ type: 'join', member: 'm3', via: 'm1', interrupted: true });
  });

  it.each<[string, MemberFormation, RegExp]>([
    ['that cannot be read', bare('m2', { problem: 'no route' }), /^members: m2 could not be read: no route\./],
    [
      'with instances',
      bare('m2', { instances: ['default/a'] }),
      /^members: m2 is not bare: it has 1 instance \(default\/a\)/,
    ],
    [
      'with volumes',
      bare('m2', { volumes: ['tank/v'] }),
      /^members: m2 is not bare: it has 1 custom volume \(tank\/v\)/,
    ],
    ['of another version', bare('m2', { version: '7.0.2' }), /^versions: .*m2 7\.0\.2/],
    ['whose clock is late', bare('m2', { clockSkewMs: -9000 }), /^clocks: The clock of m2 is 9 s behind/],
    [
      'whose certificate is over',
      bare('m2', { certificate: { from: '2020-01-01T00:00:00.000Z', until: '2021-01-01T00:00:00.000Z' } }),
      /^certificates: The certificate of Incus on m2 /,
    ],
    [
      'without the place of a pool',
      bare('m2', { sources: [{ pool: 'tank', source: 'tank/incus', state: 'missing', found: [] }] }),
      /^pool: tank\/incus is not there on m2/,
    ],
    [
      'whose place is taken',
      bare('m2', { sources: [{ pool: 'tank', source: 'tank/incus', state: 'holds', found: ['tank/incus/x'] }] }),
      /^pool: tank\/incus on m2 is not empty: it has tank\/incus\/x/,
    ],
    [
      'that cannot resolve',
      bare('m2', { unresolved: [{ address: 'm1.lan', reason: 'it cannot' }] }),
      /^network: m2 cannot use/,
    ],
    [
      'behind a wall',
      bare('m2', { unreachable: [{ member: 'm1', reason: 'nothing' }] }),
      /^network: m2 does not reach/,
    ],
    [
      'of a cluster with strangers',
      joined('m2', { cluster: [...LISTED, { name: 'x9', url: '', status: 'Online', message: '', roles: [] }] }),
      /^cluster: m2 belongs to a cluster with members that runbook\.yaml does not declare: x9 \(Online\)/,
    ],
    ['under another name', joined('m2', { serverName: 'other' }), /^cluster: m2 is called other/],
  ])('refuses one %s', (_, member, message) => {
    expect(refusalsOf(plan([bare('m1'), member, bare('m3')]))).toEqual([expect.stringMatching(message)]);
  });

  it('refuses members of two clusters, and a join that nobody here began', () => {
    const two = plan([joined('m1'), joined('m2', { fingerprint: 'another' }), joined('m3')], CONTENTS);
    expect(refusalsOf(two)).toEqual([expect.stringMatching(/^cluster: Members belong to 2 different clusters/)]);
    const foreign = plan([joined('m1'), joined('m2'), bare('m3')], CONTENTS);
    expect(refusalsOf(foreign)).toEqual([expect.stringMatching(/^cluster: The cluster lists m3, which is not part/)]);
  });

  it('takes a setting that Incus does not list for its default', () => {
    const config = { 'cluster.offline_threshold': '20', 'cluster.max_voters': '5' };
    const scope = { ...SCOPE, cluster: { ...SCOPE.cluster, config } };
    const members = [joined('m1'), joined('m2'), joined('m3')];
    const planned = (listed: Record<string, string>): FormationPlan =>
      planFormation(scope, { members, contents: { ...CONTENTS, config: listed } }, NOW);
    expect(planned({ 'cluster.max_voters': '5' })).toMatchObject({ steps: [], drift: [], alreadySo: true });
    expect(planned({}).steps[0]).toEqual({ type: 'config', via: 'm1', keys: ['cluster.max_voters'] });
    expect(planned({ 'cluster.offline_threshold': '30', 'cluster.max_voters': '5' }).drift).toEqual([
      'cluster: cluster.offline_threshold is 30, declared is 20',
    ]);
  });

  it('names what was set otherwise, and leaves it', () => {
    const planned = plan([joined('m1'), joined('m2'), joined('m3')], {
      ...CONTENTS,
      config: { 'cluster.offline_threshold': '30' },
      profiles: [{ name: 'default', description: '', config: { 'limits.cpu': '1' }, devices: {} }],
      sources: { ...CONTENTS.sources, 'm2/tank': 'other/incus' },
    });
    expect(planned.steps).toEqual([]);
    expect(planned.alreadySo).toBe(false);
    expect(planned.drift).toEqual([
      'pool tank on m2: source is other/incus, declared is tank/incus',
      'profile default: cluster.evacuate is not set, declared is stop',
      'cluster: cluster.offline_threshold is 30, declared is 25',
    ]);
  });

  it.each<[string, Partial<ClusterContents>, string]>([
    ['a pool that is gone', { pools: [] }, 'pool tank is not there'],
    [
      'a pool of another driver',
      { pools: [{ name: 'tank', driver: 'dir', status: 'Created' }] },
      'pool tank: driver is dir, declared is zfs',
    ],
    [
      'a pool that is broken',
      { pools: [{ name: 'tank', driver: 'zfs', status: 'Errored' }] },
      'pool tank: status is Errored, declared is Created',
    ],
    ['a network that is gone', { networks: [] }, 'network br is not there'],
    [
      'a network of another kind',
      { networks: [{ name: 'br', kind: 'macvlan', description: '', config: { 'ipv4.address': '10.1.1.1/24' } }] },
      'network br: kind is macvlan, declared is bridge',
    ],
    [
      'a network without a setting',
      { networks: [{ name: 'br', kind: 'bridge', description: '', config: {} }] },
      'network br: ipv4.address is not set, declared is auto',
    ],
    [
      'a profile with another setting',
      { profiles: [{ name: 'default', description: '', config: { 'cluster.evacuate': 'auto' }, devices: {} }] },
      'profile default: cluster.evacuate is auto, declared is stop',
    ],
    [
      'a group with one more',
      { groups: [{ name: 'small', description: '', members: ['m1', 'm2'] }] },
      'group small: m1 is in it, and not declared',
    ],
    [
      'a setting of the cluster',
      { config: { 'cluster.offline_threshold': '60' } },
      'cluster: cluster.offline_threshold is 60, declared is 25',
    ],
  ])('says of %s that it is not as declared', (_, change, line) => {
    const planned = plan([joined('m1'), joined('m2'), joined('m3')], { ...CONTENTS, ...change });
    expect(planned).toMatchObject({ steps: [], drift: [line], alreadySo: false });
  });

  it('compares descriptions where they are declared, and devices', () => {
    const described = { description: 'Ours.' };
    const disk = { type: 'disk', path: '/', pool: 'tank' };
    const scope = {
      ...SCOPE,
      cluster: {
        ...SCOPE.cluster,
        networks: { br: { ...described, config: {} } },
        profiles: { default: { ...described, config: {}, devices: { root: disk, gpu: {} } } },
        groups: { small: { ...described, members: ['m2'] } },
      },
    };
    const contents: ClusterContents = {
      ...CONTENTS,
      profiles: [
        { name: 'default', description: 'Theirs.', config: {}, devices: { root: { ...disk, pool: 'other' } } },
      ],
    };
    const { drift } = planFormation(scope, { members: [joined('m1'), joined('m2'), joined('m3')], contents }, NOW);
    expect(drift).toEqual([
      'network br: description is not set, declared is Ours.',
      'profile default: description is Theirs., declared is Ours.',
      'profile default, device root: pool is other, declared is tank',
      'profile default: device gpu is not there',
      'group small: description is not set, declared is Ours.',
    ]);
  });

  it('hands over names that Terraform takes for identifiers', () => {
    const [terraform] = handOver({
      ...SCOPE,
      cluster: { ...SCOPE.cluster, profiles: { '2.small': { description: '', config: {}, devices: {} } } },
    });
    expect(terraform?.text).toContain('  to = incus_profile._2_small\n  id = "2.small"\n');
    expect(terraform?.text).toContain('incus_pools = ["tank"]');
  });
});
