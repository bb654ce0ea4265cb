import { describe, expect, it } from '@jest/globals';
import {
  planRemoval,
  whatRemains,
  withoutRecorded,
  type RemovalObservation,
  type RemovalPlan,
  type RemovalScope,
} from '../../plan/member-removal.ts';

const SCOPE: RemovalScope = {
  member: 'n4',
  members: ['n1', 'n2', 'n3', 'n4'],
  guests: [],
  replicas: [],
  groups: [],
  canJoin: true,
  approvalTimeout: '8h',
};

const listed = (name: string, status = 'Online') => ({
  name,
  url: `https://10.0.0.1${name.slice(1)}:8443`,
  status,
  message: status === 'Online' ? 'Fully operational' : '',
  roles: [],
});

const members = (own: string, others: readonly string[] = ['Online', 'Online', 'Online']) => [
  ...others.map((status, at) => listed(`n${at + 1}`, status)),
  listed('n4', own),
];

const SILENT = { answers: false, sign: 'its host gave no sign of life for 20 s', silentForSeconds: 20 };

/** An empty member that lives. */
const observed = (overrides: Partial<RemovalObservation> = {}): RemovalObservation => ({
  via: 'n1',
  members: members('Online'),
  instances: [],
  volumes: [],
  host: { answers: true, sign: 'it answers by ssh', silentForSeconds: 0 },
  own: { clustered: true },
  places: [{ pool: 'local', source: 'tank/incus', foreign: [], isThere: true }],
  ...overrides,
});

/** One that is dead, with what was on it. */
const dead = (overrides: Partial<RemovalObservation> = {}): RemovalObservation => ({
  via: 'n1',
  members: members('Offline'),
  host: SILENT,
  places: [],
  instances: [{ project: 'default', name: 'edge-vm', status: 'Error' }],
  volumes: [{ project: 'home', pool: 'local', name: 'photos' }],
  ...overrides,
});

const plan = (observation: RemovalObservation, scope: Partial<RemovalScope> = {}): RemovalPlan =>
  planRemoval({ ...SCOPE, ...scope }, observation);
const refusals = (observation: RemovalObservation, scope: Partial<RemovalScope> = {}): string[] =>
  plan(observation, scope).refusals.map(({ name, message }) => `${name}: ${message}`);
const warnings = (observation: RemovalObservation, scope: Partial<RemovalScope> = {}): string[] =>
  plan(observation, scope)
    .gates.filter(({ verdict }) => verdict === 'warning')
    .map(({ message }) => message);

describe('the plan of a removal', () => {
  it('lets an empty member that lives leave', () => {
    expect(plan(observed())).toMatchObject({ mode: 'clean', refusals: [], via: 'n1', forgets: [] });
    expect(plan(observed()).gates.map(({ verdict }) => verdict)).not.toContain('warning');
    expect(plan(observed()).steps.map(({ title }) => title)).toEqual([
      'n4 leaves the cluster',
      'members, and what is left',
    ]);
  });

  it('lets one leave that is out of service and lives', () => {
    expect(plan(observed({ members: members('Evacuated') }))).toMatchObject({ mode: 'clean', refusals: [] });
  });

  it('has nothing to do for one that the cluster does not list', () => {
    const away = observed({ members: members('Online').slice(0, 3), own: { clustered: false }, places: [] });
    expect(plan(away)).toMatchObject({ mode: 'none', gates: [], steps: [] });
  });

  it('has the others forget one that is dead, and tells what they forget by name', () => {
    const { mode, forgets, refusals: none, steps } = plan(dead());
    expect({ mode, none }).toEqual({ mode: 'forced', none: [] });
    expect(forgets).toEqual(['instance edge-vm', 'volume local/photos (project home)']);
    expect(steps[0]?.title).toBe('the cluster forgets n4');
    expect(warnings(dead())[0]).toBe(
      'n4 is dead: it is Offline, and its host gave no sign of life for 20 s. The cluster can only forget it.',
    );
  });

  it('has them forget it also where another is away', () => {
    const both = dead({ members: members('Offline', ['Online', 'Offline', 'Online']) });
    expect(plan(both)).toMatchObject({ mode: 'forced', refusals: [] });
    expect(warnings(both)).toContain('n2 is Offline, too.');
  });

  it('takes one that was switched off while it was out of service for dead', () => {
    expect(plan(dead({ members: members('Evacuated') }))).toMatchObject({ mode: 'forced', refusals: [] });
  });
});

describe('a removal is refused', () => {
  const lives = { host: { answers: true, sign: 'it answers by ssh', silentForSeconds: 0 } };
  it.each<[string, RemovalObservation, RegExp]>([
    [
      'with an instance',
      observed({ instances: [{ project: 'default', name: 'g4', status: 'Running' }] }),
      /^instances: It has 1 instance: g4 \(Running\)\./,
    ],
    [
      'with a custom volume',
      observed({ volumes: [{ project: 'default', pool: 'local', name: 'data' }] }),
      /^volumes: It has 1 custom volume: local\/data\./,
    ],
    [
      'with something of others in the place of a pool',
      observed({ places: [{ pool: 'local', source: '/data/incus', foreign: ['photos'], isThere: true }] }),
      /^pool: \/data\/incus on n4, .* has more than Incus put there: photos\. Incus would delete it/,
    ],
    [
      'where the places could not be seen',
      observed({ places: [], placesProblem: 'zfs is broken' }),
      /^pool: .*could not be seen: zfs is broken\./,
    ],
    [
      'where another is Offline',
      observed({ members: members('Online', ['Online', 'Offline', 'Online']) }),
      /^members: n2 is Offline/,
    ],
    [
      'where another is Evacuated',
      observed({ members: members('Online', ['Online', 'Evacuated', 'Online']) }),
      /^members: n2 is Evacuated/,
    ],
    [
      'where another is Blocked',
      observed({ members: members('Online', ['Online', 'Blocked', 'Online']) }),
      /^members: n2 is Blocked/,
    ],
    ['of the last one', observed({ members: [listed('n4')] }), /^quorum: n4 is the last member/],
    [
      'without quorum',
      observed({ noQuorum: 'incus on n1 gave no answer', members: [] }),
      /^quorum: The cluster has no quorum: incus on n1 gave no answer\./,
    ],
    [
      'where the orchestrator is',
      observed({ orchestratorHere: 'This worker runs on n4 itself.' }),
      /^orchestrator: This worker runs on n4 itself\./,
    ],
    [
      'by force of one whose host answers',
      dead({ ...lives, ownProblem: 'no answer' }),
      /^member: n4 is Offline, its host answers, and its Incus could not be asked/,
    ],
    [
      'of one that is Offline and takes itself for well',
      dead({ ...lives, own: { clustered: true } }),
      /^member: n4 is Offline, and its host answers: it lives/,
    ],
    [
      'of one that is silent while the cluster hears it',
      dead({ members: members('Online') }),
      /^member: n4 is Online in the cluster, but its host gave no sign of life/,
    ],
    [
      'of one that is silent and Blocked',
      dead({ members: members('Blocked') }),
      /^member: n4 is Blocked in the cluster, but/,
    ],
    [
      'of one that is out on its own side only',
      observed({ own: { clustered: false } }),
      /^member: The cluster lists n4 \(Online\), which is a server of its own/,
    ],
  ])('%s', (_, observation, refusal) => {
    expect(refusals(observation)).toContainEqual(expect.stringMatching(refusal));
  });

  it('for every reason at once', () => {
    const all = observed({
      members: members('Online', ['Online', 'Offline']),
      instances: [{ project: 'default', name: 'g4', status: 'Running' }],
      volumes: [{ project: 'default', pool: 'local', name: 'data' }],
      places: [{ pool: 'local', source: 'tank/incus', foreign: ['tank/incus@mine'], isThere: true }],
      orchestratorHere: 'The orchestrator runs on n4 (orchestrator in runbook.yaml).',
    });
    expect(plan(all).refusals.map(({ name }) => name)).toEqual([
      'members',
      'instances',
      'volumes',
      'pool',
      'orchestrator',
    ]);
  });

  it('with the commands that move what is there, and no longer than a person reads', () => {
    const instances = Array.from({ length: 9 }, (_, at) => ({
      project: at === 0 ? 'home' : 'default',
      name: `g${at}`,
      status: 'Running',
    }));
    const [gate] = plan(observed({ instances })).refusals;
    expect(gate?.message).toMatch(/^It has 9 instances: g0 .* and 4 more\.$/);
    expect(gate?.whatToDo).toBe(
      'Stop and move each, best by Terraform: incus move g0 --target n1 --project home, incus move g1 --target n1, incus move g2 --target n1 and 6 more',
    );
    const volumes = [{ project: 'default', pool: 'local', name: 'data' }];
    expect(plan(observed({ volumes })).refusals[0]?.whatToDo).toContain(
      'incus storage volume move local/data local/data --target n4 --destination-target n1',
    );
  });
});

describe('a removal warns', () => {
  it.each([
    [['Online', 'Online'], /^Only 2 members stay \(n1, n2\), and one of them holds the database/],
    [['Online'], /^n1 stays alone/],
  ])('where %j stay', (others, warning) => {
    expect(warnings(observed({ members: members('Online', others) }))).toEqual([expect.stringMatching(warning)]);
  });

  it('of what the fleet file declares there', () => {
    expect(warnings(observed(), { guests: ['edge-vm'], replicas: ['edge at tank/replicas'] })).toEqual([
      'runbook.yaml declares guest edge-vm on n4.',
      'n4 holds the replicas of edge at tank/replicas: they stay on its disk, and no new ones come.',
    ]);
  });
});

describe('what remains', () => {
  const scope = { ...SCOPE, guests: ['edge-vm'], replicas: ['edge at tank/replicas'], groups: ['small'] };
  it('is named: the monorepo, and what Incus took with it', () => {
    const after = observed({
      own: { clustered: false },
      places: [{ pool: 'local', source: 'tank/incus', foreign: [], isThere: false }],
    });
    expect(whatRemains(scope, plan(observed()), after)).toEqual([
      'Incus has removed tank/incus with pool local of n4.',
      'runbook.yaml declares n4 still: take it out, if it is not to come back.',
      'runbook.yaml declares guest edge-vm on n4: change its member, or take it out.',
      'runbook.yaml declares n4 in group small.',
      'runbook.yaml sends the replicas of edge at tank/replicas on n4.',
      expect.stringMatching(/^Terraform: take n4 out of every target/),
    ]);
  });

  it('is the data disk of one that was dead', () => {
    expect(whatRemains(SCOPE, plan(dead()), dead())).toContainEqual(
      expect.stringMatching(/^The data disk of n4 is as it was/),
    );
  });

  it('is an Incus that still takes itself for a member', () => {
    expect(whatRemains(SCOPE, plan(dead()), observed())).toContainEqual(
      expect.stringMatching(/^The Incus of n4 still takes itself for a member/),
    );
  });
});

describe('what is in the place of a pool', () => {
  const records = {
    instances: [
      { project: 'default', name: 'g1', status: 'Running' },
      { project: 'home', name: 'vm', status: 'Running' },
    ],
    volumes: [{ project: 'default', pool: 'local', name: 'data' }],
  };
  it.each([
    [
      '/data/incus',
      ['containers/g1', 'virtual-machines/home_vm', 'custom/default_data', 'custom-snapshots/default_data'],
      [],
    ],
    ['/data/incus', ['photos', 'containers/g2', 'virtual-machines/vm', 'custom/data'], 'all'],
    ['tank/incus', ['tank/incus/containers/g1@snapshot-x', 'tank/incus/virtual-machines/home_vm.block'], []],
    ['tank/incus', ['tank/incus@mine', 'tank/incus/photos', 'tank/incus/deleted/containers/g1'], 'all'],
  ])('at %s is apart from what is on record: %j', (source, foreign, left) => {
    expect(withoutRecorded({ source, foreign }, records)).toEqual(left === 'all' ? foreign : left);
  });
});
