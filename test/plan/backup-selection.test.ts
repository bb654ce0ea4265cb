import { describe, expect, it } from '@jest/globals';
import { matchesPattern } from '../../fleet/volume-pattern.ts';
import { replicaName, selectVolumes, type BackupEntry, type ObservedVolume } from '../../plan/backup-selection.ts';

const GUESTS = {
  edge: { project: 'default', member: 'nuc-1' },
  git: { project: 'work', member: 'nuc-1' },
};
const NUC_2 = { type: 'zfs', member: 'nuc-2', dataset: 'tank/replicas' } as const;

const volume = (name: string, overrides: Partial<ObservedVolume> = {}): ObservedVolume => ({
  ...{
    name,
    project: 'default',
    pool: 'local',
    member: 'nuc-1',
    contentType: 'filesystem',
    config: {},
    guests: ['edge'],
  },
  ...overrides,
});
const entry = (volumes: string[], overrides: Partial<BackupEntry> = {}): BackupEntry => ({
  ...{ guest: 'edge', volumes, labels: {}, to: [NUC_2] },
  ...overrides,
});

const VOLUMES = [
  volume('edge-data'),
  volume('edge-logs', { config: { 'user.backup': 'weekly' } }),
  volume('edge-db', { contentType: 'block', config: { 'user.backup': 'nightly', 'user.tier': '1' } }),
  volume('edge-cache', { config: { 'user.backup': 'nightly' } }),
  volume('edge-installer', { contentType: 'iso', config: { 'user.backup': 'nightly' } }),
  volume('edge-old', { guests: [] }),
  volume('git-data', { project: 'work', guests: ['git'], config: { 'user.backup': 'nightly' } }),
  volume('edge-data', { member: 'nuc-2' }),
  volume('other-data', { guests: ['other'], config: { 'user.backup': 'nightly' } }),
];

const select = (...entries: BackupEntry[]): ReturnType<typeof selectVolumes> =>
  selectVolumes(
    { backups: Object.fromEntries(entries.map((each, at) => [`b${at}`, each])), guests: GUESTS, matchesPattern },
    VOLUMES,
  );
const selected = (...entries: BackupEntry[]): [string, string[]][] =>
  select(...entries).selected.map(({ volume: { name }, why }) => [name, why]);
const problems = (...entries: BackupEntry[]): string[] =>
  problemsOf(select(...entries)).map(({ type, message }) => `${type}: ${message}`);
const problemsOf = ({ problems: all, unmet }: ReturnType<typeof selectVolumes>) => [
  ...unmet.map(({ problem }) => problem),
  ...all,
];

describe('a volume is backed up', () => {
  it.each<[string, BackupEntry, [string, string[]][]]>([
    ['by its name', entry(['edge-data']), [['edge-data', ['is named edge-data']]]],
    ['by a pattern, of that guest only', entry(['*-data']), [['edge-data', ['matches *-data']]]],
    ['by a pattern of single characters', entry(['edge-d?']), [['edge-db', ['matches edge-d?']]]],
    [
      'by a label, of that guest only',
      entry([], { labels: { 'user.backup': 'nightly' } }),
      [
        ['edge-db', ['has user.backup=nightly']],
        ['edge-cache', ['has user.backup=nightly']],
      ],
    ],
    [
      'by all of several labels',
      entry([], { labels: { 'user.backup': 'nightly', 'user.tier': '1' } }),
      [['edge-db', ['has user.backup=nightly and user.tier=1']]],
    ],
    [
      'once, for several reasons',
      entry(['edge-db', 'edge-d*'], { labels: { 'user.tier': '1' } }),
      [
        ['edge-data', ['matches edge-d*']],
        ['edge-db', ['is named edge-db', 'matches edge-d*', 'has user.tier=1']],
      ],
    ],
    [
      'as all of its guest’s, where nothing else is said',
      entry([], { guest: 'git' }),
      [['git-data', ['is a volume of git']]],
    ],
    ['in the project of its guest', entry(['*'], { guest: 'git' }), [['git-data', ['matches *']]]],
  ])('%s', (_, wanted, found) => {
    expect(selected(wanted)).toEqual(found);
    expect(problems(wanted)).toEqual([]);
  });

  it('in several backups', () => {
    const other = entry(['edge-*'], { to: [{ type: 'restic' }] });
    expect(select(entry(['edge-data']), other, entry(['edge-data'])).problems).toEqual([]);
    expect(select(entry(['edge-data']), entry(['edge-data'])).selected.map(({ backup }) => backup)).toEqual([
      'b0',
      'b1',
    ]);
  });
});

describe('it is none', () => {
  it('where it is an ISO image', () => {
    const { selected: found, leftOut } = select(entry(['edge-*']));
    expect(found.map(({ volume: { name } }) => name)).not.toContain('edge-installer');
    expect(leftOut).toMatchObject([{ volume: { name: 'edge-installer' }, why: [expect.stringContaining('ISO')] }]);
  });

  it.each<[string, BackupEntry, string]>([
    ['a name that is nobody’s', entry(['edge-data', 'edge-dta']), 'of what edge has, nothing is named edge-dta.'],
    ['a name of another project', entry(['git-data']), 'of what edge has, nothing is named git-data.'],
    ['a name that belongs to no guest', entry(['edge-old']), 'nothing is named edge-old.'],
    ['a pattern', entry(['edge-data', 'x*']), 'of what edge has, nothing matches x*.'],
    ['a pattern that only others’ match', entry(['other-*']), 'of what edge has, nothing matches other-*.'],
    [
      'labels of which one differs',
      entry([], { labels: { 'user.backup': 'weekly', 'user.tier': '1' } }),
      'has user.backup=weekly and',
    ],
    [
      'an ISO image only',
      entry(['edge-installer']),
      'of what edge has, only an ISO image, which is not backed up, is named edge-installer.',
    ],
    [
      'a guest that is not declared',
      entry(['edge-data'], { guest: 'gone' }),
      'of what gone has, nothing is named edge-data.',
    ],
  ])('and that is a failure: %s', (_, wanted, message) => {
    expect(problems(wanted)).toEqual([expect.stringContaining(message)]);
    expect(problems(wanted)[0]).toMatch(/^NothingSelected: backups\.b0: /);
  });

  it('of a guest that has none', () => {
    expect(selectVolumes({ backups: { b0: entry([]) }, guests: GUESTS, matchesPattern }, []).unmet).toMatchObject([
      {
        what: '* of edge',
        problem: { type: 'NothingSelected', message: 'backups.b0: of what edge has, nothing is a volume of edge.' },
      },
    ]);
  });

  it('and the rest of its entry is selected all the same', () => {
    const { selected: found, unmet, problems: whole } = select(entry(['edge-data', 'gone']), entry(['edge-db']));
    expect(found.map(({ volume: { name } }) => name)).toEqual(['edge-data', 'edge-db']);
    expect(unmet).toMatchObject([{ backup: 'b0', what: 'gone', problem: { type: 'NothingSelected' } }]);
    expect(whole).toEqual([]);
  });

  it('where no backup is declared at all', () => {
    expect(problems()).toEqual(['NothingSelected: No backup is declared, so nothing is backed up.']);
  });
});

describe('two volumes with one replica', () => {
  const backups = { all: entry(['*']) };
  const collide = (...volumes: ObservedVolume[]): string[] =>
    selectVolumes({ backups, guests: GUESTS, matchesPattern }, volumes).problems.map(
      ({ type, message }) => `${type}: ${message}`,
    );

  it('are refused: two pools', () => {
    expect(collide(volume('data'), volume('data', { pool: 'fast' }))).toEqual([
      'BadConfig: data of pool local on nuc-1 and data of pool fast on nuc-1 would both have tank/replicas/data on nuc-2 as ' +
        'their replica. Give one of them another dataset.',
    ]);
  });

  it('are refused: a project and a name that only look like another', () => {
    const work = { ...backups, work: entry(['*'], { guest: 'git' }) };
    const volumes = [volume('work_data'), volume('data', { project: 'work', guests: ['git'] })];
    expect(volumes.map(replicaName)).toEqual(['work_data', 'work_data']);
    expect(selectVolumes({ backups: work, guests: GUESTS, matchesPattern }, volumes).problems).toMatchObject([
      { type: 'BadConfig' },
    ]);
  });

  it('are right at two places', () => {
    const two = {
      all: entry(['data'], { to: [NUC_2, { ...NUC_2, dataset: 'tank/more' }, { ...NUC_2, member: 'nuc-3' }] }),
    };
    expect(selectVolumes({ backups: two, guests: GUESTS, matchesPattern }, [volume('data')]).problems).toEqual([]);
  });
});
