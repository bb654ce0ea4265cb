import { describe, expect, it } from '@jest/globals';
import { fleetSchema, type Backup } from '../../fleet/schema.ts';
import type { ObservedVolume } from '../../plan/backup-selection.ts';
import {
  backupSnapshot,
  planBackup,
  volumeKey,
  type BackupObservation,
  type BackupPlan,
  type BackupScope,
} from '../../plan/nightly-backup.ts';
import { problemOf } from '../../plan/problem.ts';
import { isRunName } from '../../plan/run-name.ts';

const zfs = (member: string, more: object = {}): object => ({ type: 'zfs', member, dataset: 'tank/replicas', ...more });
const backup = (guest: string, ...to: object[]): Backup =>
  fleetSchema.shape.backups.parse({ it: { guest, to } })['it'] as Backup;
const volume = (name: string, member: string, guest: string): ObservedVolume => ({
  ...{ project: 'default', pool: 'local', member, name, contentType: 'filesystem', config: {}, guests: [guest] },
});

const EDGE = volume('edge-data', 'n1', 'edge');
const HOME = volume('home-data', 'n2', 'home');
const scope = (backups: Record<string, Backup>): BackupScope => ({
  backups,
  policy: fleetSchema.shape.policies.parse({}).backup,
});
const SCOPE = scope({ edge: backup('edge', zfs('n3')), home: backup('home', zfs('n3')) });
const seen = (own: Partial<BackupObservation> = {}): BackupObservation => ({
  selection: {
    selected: [
      { backup: 'edge', volume: EDGE, why: ['it is named'] },
      { backup: 'home', volume: HOME, why: ['it is named'] },
    ],
    leftOut: [],
    unmet: [],
    problems: [],
  },
  datasets: Object.fromEntries([EDGE, HOME].map((each) => [volumeKey(each), `zpool/custom/default_${each.name}`])),
  ...{ away: {}, unfit: [], replicas: [], ...own },
});
const ways = ({ pairs }: BackupPlan): string[] =>
  pairs.map(({ sender, target, volumes }) => `${volumes.map(({ name }) => name).join('+')} ${sender}→${target.member}`);
const failed = ({ failing }: BackupPlan): string[] =>
  failing.map(({ volume: name, problem }) => `${name} ${problem?.type ?? ''}`);
const refusals = ({ refusals: all }: BackupPlan): string[] => all.map(({ name }) => name);

describe('the plan of a backup', () => {
  it('snapshots each guest by itself, and sends from each member to each place', () => {
    const plan = planBackup(SCOPE, seen());
    expect(plan.groups.map(({ guest, member }) => `${guest} ${member}`)).toEqual(['edge n1', 'home n2']);
    expect(ways(plan)).toEqual(['edge-data n1→n3', 'home-data n2→n3']);
    expect(new Set(plan.pairs.map(({ id }) => id)).size).toBe(2);
    expect(failed(plan)).toEqual([]);
    expect(refusals(plan)).toEqual([]);
  });

  it('sends volumes of one member in one way only where place and way are the same', () => {
    const near = { ...HOME, member: 'n1' };
    const own = seen({ datasets: { [volumeKey(EDGE)]: 'z/a', [volumeKey(near)]: 'z/b' } });
    const [edge] = own.selection.selected;
    own.selection.selected = [edge as NonNullable<typeof edge>, { backup: 'home', volume: near, why: [] }];
    expect(ways(planBackup(SCOPE, own))).toEqual(['edge-data+home-data n1→n3']);
    const slow = scope({ ...SCOPE.backups, home: backup('home', zfs('n3', { bandwidth: '1M' })) });
    expect(ways(planBackup(slow, own))).toEqual(['edge-data n1→n3', 'home-data n1→n3']);
  });

  it('sends a volume once, also where two entries name it', () => {
    const twice = scope({ edge: backup('edge', zfs('n3')), again: backup('edge', zfs('n3')) });
    const own = seen();
    own.selection.selected = ['edge', 'again'].map((name) => ({ backup: name, volume: EDGE, why: [] }));
    expect(ways(planBackup(twice, own))).toEqual(['edge-data n1→n3']);
  });

  it('takes one snapshot of a volume in a night, and refuses what would take two', () => {
    const both = (again: Backup): BackupPlan => {
      const own = seen();
      own.selection.selected = ['edge', 'again'].map((name) => ({ backup: name, volume: EDGE, why: [] }));
      return planBackup(scope({ edge: backup('edge', zfs('n3')), again }), own);
    };
    const elsewhere = backup('edge', zfs('n2'));
    expect(both(elsewhere).groups.map(({ volumes }) => volumes.length)).toEqual([1]);
    expect(refusals(both(elsewhere))).toEqual([]);
    expect(refusals(both({ ...elsewhere, keepSnapshots: '1d' }))).toEqual(['selection']);
    expect(refusals(both({ ...elsewhere, hooks: { ...elsewhere.hooks, before: ['sync'] } }))).toEqual(['selection']);
    expect(refusals(both(backup('edge', zfs('n3', { keep: { last: 9 } }))))).toEqual(['selection']);
  });

  it('fails for a volume that is gone, at each of its places, and backs up all others', () => {
    const own = seen();
    const problem = problemOf('NothingSelected', 'backups.edge: of what edge has, nothing is named edge-old.');
    own.selection.unmet = [{ backup: 'edge', what: 'edge-old', problem }];
    const plan = planBackup(SCOPE, own);
    expect(refusals(plan)).toEqual([]);
    expect(ways(plan)).toEqual(['edge-data n1→n3', 'home-data n2→n3']);
    expect(plan.failing).toEqual([{ volume: 'edge-old', place: 'n3 tank/replicas', outcome: 'failed', problem }]);
    const restic = { type: 'restic', repository: '/srv/restic', passwordFile: '/run/key' } as Backup['to'][number];
    const elsewhere = scope({ ...SCOPE.backups, edge: { ...backup('edge', zfs('n3')), to: [restic] } });
    expect(planBackup(elsewhere, own).failing.map(({ place }) => place)).toEqual(['restic /srv/restic']);
    // Nothing at all is no backup.
    own.selection.selected = [];
    expect(refusals(planBackup(SCOPE, own))).toEqual(['selection']);
    // But what restic reads in a guest is, which need not have a volume.
    const inGuest = { ...restic, from: 'guest', paths: ['/srv'] } as Backup['to'][number];
    const files = planBackup(scope({ edge: { ...backup('edge', zfs('n3')), to: [inGuest] } }), own);
    expect([refusals(files), files.failing]).toEqual([[], []]);
  });

  it('says of which ways something may be held still', () => {
    const two = scope({ edge: backup('edge', zfs('n3'), zfs('n2')), home: backup('home', zfs('n3')) });
    const { hindered } = planBackup(two, seen({ away: { n3: 'no route', n2: 'no route' } }));
    expect(hindered.map(({ sender, target }) => `${sender} ${target.member}`)).toEqual(['n1 n3', 'n1 n2']);
  });

  it('fails the copies of a place that does not answer, and makes the others', () => {
    const two = scope({ edge: backup('edge', zfs('n3'), zfs('n2')), home: backup('home', zfs('n3')) });
    const plan = planBackup(two, seen({ away: { n3: 'no route' } }));
    expect(ways(plan)).toEqual(['edge-data n1→n2']);
    expect(failed(plan)).toEqual(['edge-data Unreachable', 'home-data Unreachable']);
    expect(refusals(plan)).toEqual([]);
  });

  it('takes the snapshots that a later run will send, also where no copy can be made', () => {
    const plan = planBackup(SCOPE, seen({ away: { n3: 'no route' } }));
    expect(refusals(plan)).toEqual([]);
    expect(plan.groups.map(({ guest }) => guest)).toEqual(['edge', 'home']);
    expect(failed(plan)).toEqual(['edge-data Unreachable', 'home-data Unreachable']);
    expect(plan.gates.find(({ name }) => name === 'places')).toMatchObject({ verdict: 'warning' });
  });

  it('snapshots nothing on a member that does not answer, and fails what is there', () => {
    const plan = planBackup(SCOPE, seen({ away: { n1: 'no route' } }));
    expect(plan.groups.map(({ guest }) => guest)).toEqual(['home']);
    expect(failed(plan)).toEqual(['edge-data Unreachable']);
    expect(refusals(planBackup(SCOPE, seen({ away: { n1: 'no', n2: 'no' } })))).toContain('sources');
  });

  it('keeps what a person has to decide to its own copy', () => {
    const problem = problemOf('Diverged', 'tank/replicas/edge-data has others.');
    const [pair] = planBackup(SCOPE, seen()).pairs;
    const replicas = [
      { pair: pair?.id ?? '', volume: 'edge-data', relation: 'diverged', problem, warnings: ['It is mounted.'] },
    ];
    const plan = planBackup(SCOPE, seen({ replicas }));
    expect(ways(plan)).toEqual(['home-data n2→n3']);
    expect(failed(plan)).toEqual(['edge-data Diverged']);
    const warned = plan.gates.filter(({ verdict }) => verdict === 'warning').map(({ message }) => message);
    expect(warned).toEqual([expect.stringContaining('has others'), 'It is mounted.']);
  });

  it('fails a whole way whose pool has no space for it', () => {
    const [pair] = planBackup(SCOPE, seen()).pairs;
    const unfit = [{ pair: pair?.id ?? '', problem: problemOf('NoSpace', 'tank is full.') }];
    expect(failed(planBackup(SCOPE, seen({ unfit })))).toEqual(['edge-data NoSpace']);
  });

  it('says of a volume that is not on ZFS that it has no replica', () => {
    const plan = planBackup(SCOPE, seen({ datasets: { [volumeKey(HOME)]: 'zpool/custom/default_home-data' } }));
    expect(failed(plan)).toEqual(['edge-data BadConfig']);
  });

  it('refuses with what the selection says', () => {
    const own = seen();
    own.selection.problems = [problemOf('NothingSelected', 'backups.edge selects nothing.')];
    expect(planBackup(SCOPE, own).refusals).toMatchObject([
      { name: 'selection', message: 'backups.edge selects nothing.' },
    ]);
  });

  it('calls its snapshots as no upgrade calls its own, which it removes', () => {
    expect(backupSnapshot('runbook-20261123-0214-3f9c')).toBe('backup-20261123-0214-3f9c');
    expect(isRunName(backupSnapshot('runbook-20261123-0214-3f9c'))).toBe(false);
  });
});
