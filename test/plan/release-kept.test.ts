import { describe, expect, it } from '@jest/globals';
import { formatBytes } from '../../plan/bytes.ts';
import { planRelease, whatIsLost, type ReleaseObservation, type ReleaseScope } from '../../plan/release-kept.ts';

const NAME = 'tank/incus.old';
const SCOPE: ReleaseScope = {
  member: 'nuc-1',
  members: ['nuc-1'],
  name: NAME,
  declared: [
    { dataset: 'tank/incus', use: 'pool local' },
    { dataset: 'tank/replicas', use: 'the replicas of backup edge' },
  ],
  approvalTimeout: '8h',
};

const without = (key: 'mark' | 'used'): ReleaseObservation => {
  const observation = found();
  Reflect.deleteProperty(observation, key);
  return observation;
};

const found = (overrides: Partial<ReleaseObservation> = {}): ReleaseObservation => ({
  isThere: true,
  mark: { from: 'tank/incus', at: '2026-11-27T00:00:00Z', why: 'nuc-1 came back' },
  bytes: 90_420_000_000,
  datasets: 3,
  snapshots: [`${NAME}@a`],
  mounted: [],
  held: [],
  clones: [],
  used: [{ dataset: 'tank/incus', use: 'pool local' }],
  ...overrides,
});

const refusals = (observation: ReleaseObservation, scope: Partial<ReleaseScope> = {}): string[] =>
  planRelease({ ...SCOPE, ...scope }, observation).refusals.map(({ name, message }) => `${name}: ${message}`);

describe('what was set aside may be destroyed', () => {
  it('where it bears the mark of its own, and nobody needs it', () => {
    const { gates } = planRelease(SCOPE, found());
    expect(gates.map(({ verdict }) => verdict)).toEqual(['passed', 'passed', 'passed', 'passed', 'passed']);
  });

  it('also where Incus cannot be asked, with a warning', () => {
    const { gates, refusals: none } = planRelease(SCOPE, without('used'));
    expect(none).toEqual([]);
    expect(gates.filter(({ verdict }) => verdict === 'warning')).toHaveLength(1);
  });

  it('where it is a folder, by its place alone', () => {
    expect(planRelease({ ...SCOPE, name: 'run-1' }, found({ mark: {} })).gates.map(({ name }) => name)).toEqual([
      'kept',
    ]);
  });
});

describe('it is refused', () => {
  it.each<[string, ReleaseObservation, Partial<ReleaseScope>, RegExp]>([
    ['without the mark', without('mark'), {}, /^kept: tank\/incus\.old on nuc-1 was not set aside by runbook/],
    [
      'while a member that is on its way back needs it',
      found({ mark: { from: 'tank/incus', open: true } }),
      {},
      /^kept: tank\/incus\.old has what nuc-1 needs: its node-rejoin has not come to its end\.$/,
    ],
    [
      'for a pool',
      found(),
      { name: 'tank/incus' },
      /^place: tank\/incus is tank\/incus, which is in use: pool local\./,
    ],
    [
      'for what holds a pool',
      found(),
      { name: 'tank/all', declared: [{ dataset: 'tank/all/incus', use: 'pool local' }] },
      /^place: tank\/all holds tank\/all\/incus, which is in use/,
    ],
    [
      'for what is inside of one',
      found(),
      { name: 'tank/incus/kept' },
      /^place: tank\/incus\/kept is inside of tank\/incus, which is in use/,
    ],
    [
      'for what is inside of replicas',
      found(),
      { name: 'tank/replicas/edge' },
      /^place: .* in use: the replicas of backup edge\./,
    ],
    [
      'for a pool that only Incus knows of',
      found({ used: [{ dataset: NAME, use: 'pool other' }] }),
      {},
      /^place: .* in use: pool other\./,
    ],
    [
      'with a clone elsewhere',
      found({ clones: [{ clone: 'tank/incus/containers/x', of: `${NAME}/images/1@readonly` }] }),
      {},
      /^clones: tank\/incus\/containers\/x is a clone of tank\/incus\.old\/images\/1@readonly/,
    ],
    ['where it is held', found({ held: [`${NAME}@a`] }), {}, /^holds: tank\/incus\.old@a is held\./],
    ['where it is mounted', found({ mounted: [NAME] }), {}, /^mounts: tank\/incus\.old is mounted\./],
  ])('%s', (_, observation, scope, refusal) => {
    expect(refusals(observation, scope)).toContainEqual(expect.stringMatching(refusal));
  });

  it('with the name of every clone, and of not too many holds', () => {
    const clones = Array.from({ length: 3 }, (_, at) => ({ clone: `tank/c${at}`, of: `${NAME}@a` }));
    const held = Array.from({ length: 9 }, (_, at) => `${NAME}@s${at}`);
    const all = refusals(found({ clones, held }));
    expect(all.filter((each) => each.startsWith('clones'))).toHaveLength(3);
    expect(all.at(-1)).toMatch(/@s4 and 4 more is held\.$/);
  });

  it('not for a dataset that only begins with the same letters', () => {
    expect(
      refusals(found(), { name: 'tank/incus2', declared: [{ dataset: 'tank/incus', use: 'pool local' }] }),
    ).toEqual([]);
  });
});

it('tells what is lost', () => {
  expect(whatIsLost(SCOPE, found())).toEqual([
    'Yes: tank/incus.old is destroyed: 3 datasets, 1 snapshot, 84.2 GiB. There is no way back.',
    'It was tank/incus, until 2026-11-27.',
    'Why it was kept: nuc-1 came back',
  ]);
});

it.each([
  [0, '0 B'],
  [1023, '1023 B'],
  [1024, '1.0 KiB'],
  [2 ** 40, '1.0 TiB'],
  [2 ** 60, '1024.0 PiB'],
])('%d bytes are %s', (bytes, text) => {
  expect(formatBytes(bytes)).toBe(text);
});
