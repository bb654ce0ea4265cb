import { describe, expect, it } from '@jest/globals';
import { driftRows } from '../../plan/drift.ts';
import type {
  ClusterSeen,
  DriftGuest,
  DriftObservation,
  DriftScope,
  SeenInstance,
  SeenVolume,
  SystemSeen,
} from '../../plan/drift-seen.ts';
import { sameExpiry, sameSchedule } from '../../plan/drift-snapshots.ts';
import type { PlannedInfra } from '../../plan/infra.ts';
import type { Closure, MemberState, SystemState } from '../../plan/observation.ts';
import { problemOf } from '../../plan/problem.ts';

const EDGE: DriftGuest = {
  ...{ name: 'edge-vm', project: 'default', member: 'm1', type: 'virtual-machine', snapshots: {} },
  volumes: [{ pool: 'zpool', name: 'edge-data' }],
};
const SCOPE: DriftScope = {
  ...{ members: ['m1', 'm2'], guests: [EDGE], elsewhere: [], systems: [], infra: [], snapshots: {}, secrets: false },
};
const KEPT = { schedule: '@daily', expiry: '7d' };
const INSTANCE: SeenInstance = {
  ...{ name: 'edge-vm', project: 'default', type: 'virtual-machine', status: 'Running', location: 'm1', ...KEPT },
  volumes: [{ pool: 'zpool', name: 'edge-data' }],
};
const VOLUME: SeenVolume = { pool: 'zpool', name: 'edge-data', project: 'default', location: 'm1', ...KEPT };
const member = (name: string, more: Partial<MemberState> = {}): MemberState => ({
  ...{ name, status: 'Online', message: '', incusVersion: '6.0.4', ...more },
});
const CLUSTER: ClusterSeen = { members: [member('m1'), member('m2')], instances: [INSTANCE], volumes: [VOLUME] };

const rows = (cluster: Partial<ClusterSeen>, scope: Partial<DriftScope> = {}, more: Partial<DriftObservation> = {}) =>
  driftRows(
    { ...SCOPE, ...scope },
    {
      ...{ revision: '3f9c1e2', at: '2026-11-28T00:00:00Z', systems: [], infra: [] },
      cluster: { ...CLUSTER, ...cluster },
      ...more,
    },
  );
const words = (...args: Parameters<typeof rows>): string[] =>
  rows(...args).map(({ kind, subject, declared, found }) => `${kind} ${subject}: ${declared} ≠ ${found}`);
const instance = (more: Partial<SeenInstance>): string[] => words({ instances: [{ ...INSTANCE, ...more }] });

describe('a guest that is not there', () => {
  const what = (more: Partial<ClusterSeen>): string[] =>
    rows({ instances: [], volumes: [], ...more }, { infra: ['m1'] }).map(({ whatToDo }) => whatToDo);

  it('is made by infra-apply, but not while a rejoin may bring it back', () => {
    expect(what({})).toEqual(['runbook start infra-apply --node m1']);
    expect(what({ onTheirWay: { m1: 'A node-rejoin of m1 has not come to its end.' } })).toEqual([
      'A node-rejoin of m1 has not come to its end. runbook start node-rejoin --node m1',
    ]);
    expect(what({ onTheirWay: { m2: 'as above' } })).toEqual(['runbook start infra-apply --node m1']);
  });
});

describe('drift of members', () => {
  it('is none where all is as declared', () => {
    expect(words({})).toEqual([]);
  });

  it('is a member that is evacuated, of another version, not in the cluster, or declared by nobody', () => {
    const members = [
      member('m1', { status: 'Evacuated' }),
      member('m2', { status: 'Not in the cluster', incusVersion: '7.0' }),
      member('m3', { status: 'Offline', message: 'No heartbeat' }),
    ];
    expect(words({ members })).toEqual([
      'cluster m1: Online ≠ Evacuated',
      'cluster m2: a member of the cluster ≠ Not in the cluster',
      'cluster m3: no such member ≠ Offline',
      'cluster Incus: one version on every member ≠ m1 6.0.4, m2 7.0, m3 6.0.4',
    ]);
  });

  it('is unknown where it does not answer, with the look that says why', () => {
    const silent = { name: 'm2', status: 'Offline', message: '', problem: 'no route' };
    expect(rows({ members: [member('m1'), silent] })).toEqual([
      {
        ...{ kind: 'unknown', subject: 'm2', where: 'm2', declared: '?', found: 'no route' },
        whatToDo: 'runbook doctor --node m2',
      },
    ]);
  });

  it('is unknown in one row for each list that nobody tells', () => {
    const problem = problemOf('Unreachable', 'No member answers.');
    expect(rows({ members: problem, instances: problem, volumes: problem })).toMatchObject(
      ['members', 'guests', 'volumes'].map((subject) => ({ kind: 'unknown', subject, whatToDo: 'runbook doctor' })),
    );
    expect(rows({}, {}, { cluster: problem })).toMatchObject([{ kind: 'unknown', subject: 'members and guests' }]);
  });
});

describe('drift of guests', () => {
  it.each<[string, Partial<SeenInstance>, string[]]>([
    ['stopped', { status: 'Stopped' }, ['guest edge-vm: Running ≠ Stopped']],
    ['a container', { type: 'container' }, ['guest edge-vm: virtual-machine ≠ container']],
    ['without its volume', { volumes: [] }, ['guest edge-vm: volume zpool/edge-data attached ≠ not attached']],
    ['on another member', { location: 'm2' }, ['guest edge-vm: on m1 ≠ on m2']],
    [
      'of another project',
      { project: 'work' },
      ['guest edge-vm: on m1 ≠ not there', 'guest edge-vm: no such guest ≠ Running'],
    ],
    ['on a member that is away', { status: 'Error' }, ['unknown edge-vm: ? ≠ Incus on m1 does not answer']],
  ])('is one that is %s', (_, more, expected) => {
    expect(instance(more)).toEqual(expected);
  });

  it('is none where an evacuation has stopped it', () => {
    const members = [member('m1', { status: 'Evacuated' }), member('m2')];
    expect(words({ members, instances: [{ ...INSTANCE, status: 'Stopped' }] })).toEqual([
      'cluster m1: Online ≠ Evacuated',
    ]);
  });

  it('is made by Terraform where it has a folder for that member', () => {
    expect(rows({ instances: [] }, { infra: ['m1'] })).toMatchObject([
      { whatToDo: 'runbook start infra-apply --node m1' },
    ]);
  });

  it('of one member leaves what is on others, and what is declared for others', () => {
    const other = { ...INSTANCE, name: 'other', location: 'm2' };
    const guest = { ...INSTANCE, name: 'guest', location: 'm1' };
    const scope = { node: 'm1', members: ['m1'], elsewhere: ['default/guest'] };
    expect(words({ instances: [INSTANCE, other, guest] }, scope)).toEqual([]);
    expect(words({ instances: [INSTANCE, other, guest] })).toEqual([
      'guest other: no such guest ≠ Running',
      'guest guest: no such guest ≠ Running',
    ]);
  });
});

describe('drift of snapshots', () => {
  it('is a key that is not set, or set otherwise than declared', () => {
    expect(instance({ schedule: '' })).toEqual(['snapshots edge-vm: schedule set ≠ schedule not set']);
    expect(words({}, { snapshots: { expiry: '4w' } })).toEqual([]);
    expect(words({ volumes: [{ ...VOLUME, location: 'm2' }] }, { snapshots: { expiry: '4w' } })).toEqual([
      'snapshots volume zpool/edge-data: expiry 4w ≠ expiry 7d',
    ]);
    const guests = [{ ...EDGE, snapshots: { schedule: '@hourly' } }];
    expect(words({}, { guests })).toEqual([
      'snapshots edge-vm: schedule @hourly ≠ schedule @daily',
      'snapshots volume zpool/edge-data: schedule @hourly ≠ schedule @daily',
    ]);
  });

  it('has a command that can be typed', () => {
    const guests = [{ ...EDGE, snapshots: { schedule: '0 6 * * *', expiry: '7d' } }];
    const [row] = rows({}, { guests }).filter(({ kind, subject }) => kind === 'snapshots' && subject === 'edge-vm');
    expect(row?.whatToDo).toBe("incus config set edge-vm snapshots.schedule='0 6 * * *'");
  });

  it('is none where somebody has said that there are to be none, unless others are declared', () => {
    const never = { ...INSTANCE, schedule: '@never', expiry: '' };
    expect(words({ instances: [never] })).toEqual([]);
    expect(words({ instances: [never] }, { guests: [{ ...EDGE, snapshots: { schedule: '@daily' } }] })).toEqual([
      'snapshots edge-vm: schedule @daily, expiry set ≠ schedule @never, expiry not set',
    ]);
  });

  it('knows what is the same by other names', () => {
    expect(sameSchedule('@midnight', '@daily')).toBe(true);
    expect(sameSchedule('@hourly,@daily', '@daily, @hourly')).toBe(true);
    // Incus chooses the minute of a name by itself.
    expect(sameSchedule('@daily', '0 0 * * *')).toBe(false);
    expect(sameExpiry('1w 1d', '8d')).toBe(true);
    expect(sameExpiry('120M', '2H')).toBe(true);
    expect(sameExpiry('1m', '30d')).toBe(false);
    expect(sameExpiry('soon', 'late')).toBe(false);
  });
});

describe('drift of systems', () => {
  const path = (hash: string): string => `/nix/store/${hash.repeat(32)}-nixos-system-m1-26.05.1`;
  const parts = (kernel: string) => ({ kernel, initrd: 'i', kernelModules: 'm' });
  const SYSTEM: SystemState = {
    ...{ profilePath: path('a'), runningPath: path('a'), generation: 7, nixosVersion: '26.05.1', bootId: 'b' },
    ...{ booted: parts('k'), failedUnits: [], activations: [] },
  };
  const CLOSURE: Closure = { path: path('a'), parts: parts('k'), nixosVersion: '26.05.1', incusVersions: [] };
  const of = (more: Partial<SystemState>, closure: SystemSeen['closure'] = CLOSURE): string[] =>
    words({}, {}, { systems: [{ node: 'm1', system: { ...SYSTEM, ...more }, closure }] });

  it('is none where all three are the same', () => {
    expect(of({})).toEqual([]);
  });

  it('is another generation, another running system, another kernel', () => {
    expect(of({}, { ...CLOSURE, path: path('b') })).toEqual([
      'nixos m1: generation: nixos-system-m1-26.05.1 (bbbbbbb), revision 3f9c1e2 ≠ nixos-system-m1-26.05.1 (aaaaaaa), generation 7',
    ]);
    expect(of({ runningPath: path('c') })).toEqual([
      expect.stringMatching(
        /^nixos m1: running system: .*\(aaaaaaa\), generation 7, which boots next ≠ .*\(ccccccc\)$/,
      ),
    ]);
    expect(of({ booted: parts('old') })).toEqual([expect.stringMatching(/^nixos m1: kernel: /)]);
  });

  it('is unknown while an activation is at work, and where nothing could be built', () => {
    expect(of({ activations: ['switch-to-configuration switch'] })).toEqual([
      expect.stringMatching(/^unknown NixOS of m1: \? ≠ an activation is at work/),
    ]);
    expect(of({ runningPath: path('c') }, problemOf('BuildFailed', 'm1: build failed'))).toEqual([
      expect.stringMatching(/^nixos m1: running system/),
      'unknown NixOS of m1: ? ≠ m1: build failed',
    ]);
  });
});

describe('drift of Terraform', () => {
  const change = { type: 'incus_instance', attributes: [], more: 0 };
  const PLAN: PlannedInfra = { hash: 'h', file: 'f', changes: [], more: {}, lost: [], outputs: [], drifted: [] };
  const of = (plan: Partial<PlannedInfra>): string[] =>
    words({}, {}, { infra: [{ node: 'm1', plan: { ...PLAN, ...plan } }] });

  it('is what would be done, and not what was changed and stays', () => {
    expect(of({ drifted: ['incus_instance.edge'] })).toEqual([]);
    expect(
      of({
        changes: [
          { ...change, address: 'incus_instance.a', action: 'create' },
          { ...change, address: 'incus_instance.b', action: 'delete' },
          {
            ...{ ...change, address: 'incus_instance.c', action: 'update' as const },
            attributes: [
              { name: 'image', from: '"x"', to: '"y"' },
              { name: 'token', sensitive: true },
            ],
          },
        ],
        ...{ drifted: ['incus_instance.c'], more: { create: 2 }, outputs: ['address'] },
      }),
    ).toEqual([
      'terraform incus_instance.a: there ≠ not there',
      'terraform incus_instance.b: not declared ≠ there',
      'terraform incus_instance.c: image "y", token other (sensitive) ≠ image "x", token (sensitive) (not by Terraform)',
      'terraform 2 more: as the folder says ≠ otherwise',
      'terraform outputs: as the folder says ≠ address',
    ]);
  });

  it('is unknown where the state is locked, with who holds it', () => {
    const problem = problemOf('StateLocked', 'The state of m1 is locked by ada@laptop.');
    expect(words({}, {}, { infra: [{ node: 'm1', plan: problem }] })).toEqual([
      'unknown Terraform of m1: ? ≠ The state of m1 is locked by ada@laptop.',
    ]);
  });
});
