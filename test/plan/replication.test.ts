import { describe, expect, it } from '@jest/globals';
import {
  planReplication,
  type DatasetFacts,
  type ReplicationDecision,
  type ReplicationPair,
  type ReplicationPolicy,
  type ResumeToken,
  type SnapshotFact,
} from '../../plan/replication.ts';
import { newestCommon } from '../../plan/replica-relation.ts';

const SOURCE = 'zpool/custom/default_data';
const TARGET = 'tank/replicas/data';
/** Beyond what a number holds exactly: as numbers these would all be one. */
const GUID = 18_446_744_073_709_551_000n;

/** `number` says which it is on both sides; the txg is that of one side. */
const snap = (number: number, name = `snapshot-s${number}`, firstTxg = 9_007_199_254_740_993n): SnapshotFact => ({
  ...{ name, guid: String(GUID + BigInt(number)), createtxg: String(firstTxg + BigInt(number)) },
});
const there = (number: number, name?: string): SnapshotFact => snap(number, name, 90n);
const cursor = (number: number): SnapshotFact =>
  snap(number, `runbook-1a2b3c4d-${(GUID + BigInt(number)).toString(16)}`);

const dataset = (name: string, snapshots: SnapshotFact[], overrides: Partial<DatasetFacts> = {}): DatasetFacts => ({
  ...{ name, kind: 'filesystem', snapshots, bookmarks: [], encrypted: false, keyLoaded: false },
  ...{ usedBytes: 1, writtenBytes: 0, ...overrides },
});
const source = (snapshots: SnapshotFact[], overrides: Partial<DatasetFacts> = {}): DatasetFacts =>
  dataset(SOURCE, snapshots, overrides);
const replica = (snapshots: SnapshotFact[], overrides: Partial<DatasetFacts> = {}): DatasetFacts =>
  dataset(TARGET, snapshots, overrides);

const RAW: ReplicationPolicy = { encrypted: 'raw' };
const PLAIN: ReplicationPolicy = { encrypted: 'plain' };

function plan(
  from: DatasetFacts,
  target?: DatasetFacts,
  policy: ReplicationPolicy = RAW,
  more: Partial<ReplicationPair> = {},
): ReplicationDecision {
  const pair = { source: from, targetName: TARGET, ...(target === undefined ? {} : { target }), ...more };
  const [decision] = planReplication({ pairs: [pair], policy });
  if (decision === undefined) throw new Error('There is one decision for each pair.');
  return decision;
}

/** `s1>s2` */
const sent = ({ steps }: ReplicationDecision): string[] =>
  steps.map(
    ({ from, to }) => `${from === undefined ? '' : `${from.kind === 'bookmark' ? '#' : ''}${from.name}`}>${to.name}`,
  );

const token = (overrides: Partial<ResumeToken> = {}): ResumeToken => ({
  ...{ token: '1-abc', toGuid: snap(2).guid, toName: `${SOURCE}@snapshot-s2`, fromGuid: snap(1).guid },
  ...{ raw: false, compressed: true, largeBlocks: true, embedded: false, ...overrides },
});

describe('how a replica stands to its source', () => {
  it.each<[string, DatasetFacts, DatasetFacts | undefined, ReplicationDecision['relation'], string[]]>([
    [
      'no replica yet',
      source([snap(1), snap(2)]),
      undefined,
      { type: 'initial' },
      ['>snapshot-s1', 'snapshot-s1>snapshot-s2'],
    ],
    [
      'a first copy that was cut off before its token could be used',
      source([snap(2)]),
      replica([], { resumeToken: token() }),
      { type: 'initial' },
      ['>snapshot-s2'],
    ],
    [
      'both have the newest',
      source([snap(1), snap(2)]),
      replica([there(2)]),
      { type: 'up to date', common: there(2) },
      [],
    ],
    [
      'the source has only a temporary since',
      source([snap(1), snap(2, 'copy-3f9c0000')]),
      replica([there(1)]),
      { type: 'up to date', common: there(1) },
      [],
    ],
    [
      'the source has newer ones',
      source([snap(1), snap(2), snap(3)]),
      replica([there(0), there(1)]),
      { type: 'incremental', base: { ...snap(1), from: 'snapshot' } },
      ['snapshot-s1>snapshot-s2', 'snapshot-s2>snapshot-s3'],
    ],
    [
      'the base is left as a bookmark only',
      source([snap(3)], { bookmarks: [cursor(1)] }),
      replica([there(1)]),
      { type: 'incremental', base: { ...cursor(1), from: 'bookmark' } },
      [`#${cursor(1).name}>snapshot-s3`],
    ],
    [
      'the base is both, and the snapshot is taken',
      source([snap(1), snap(3)], { bookmarks: [cursor(1)] }),
      replica([there(1)]),
      { type: 'incremental', base: { ...snap(1), from: 'snapshot' } },
      ['snapshot-s1>snapshot-s3'],
    ],
    [
      'the base has another name on each side',
      source([snap(1, 'snapshot-new-name'), snap(2)]),
      replica([there(1, 'snapshot-old-name')]),
      { type: 'incremental', base: { ...snap(1, 'snapshot-new-name'), from: 'snapshot' } },
      ['snapshot-new-name>snapshot-s2'],
    ],
    [
      'the same names on both sides, and not the same snapshots',
      source([snap(1, 'snapshot-a'), snap(2, 'snapshot-b')]),
      replica([there(8, 'snapshot-a'), there(9, 'snapshot-b')]),
      { type: 'no base', receiverNewest: there(9, 'snapshot-b') },
      [],
    ],
    [
      'a snapshot was made of the replica',
      source([snap(1), snap(2)]),
      replica([there(1), there(7)]),
      { type: 'diverged', common: there(1), senderOnly: [snap(2)], receiverOnly: [there(7)] },
      [],
    ],
    [
      'the source was rolled back',
      source([snap(1), snap(5)]),
      replica([there(1), there(2), there(3)]),
      { type: 'diverged', common: there(1), senderOnly: [snap(5)], receiverOnly: [there(2), there(3)] },
      [],
    ],
    [
      'only a bookmark is common, and not of the newest there',
      source([snap(3)], { bookmarks: [cursor(1)] }),
      replica([there(1), there(7)]),
      { type: 'diverged', common: there(1), senderOnly: [snap(3)], receiverOnly: [there(7)] },
      [],
    ],
    [
      'a dataset that no copy has made',
      source([snap(1)]),
      replica([]),
      { type: 'diverged', senderOnly: [snap(1)], receiverOnly: [] },
      [],
    ],
  ])('%s', (_, from, target, relation, steps) => {
    const decision = plan(from, target);
    expect(decision.relation).toEqual(relation);
    expect(sent(decision)).toEqual(steps);
  });

  it('is told by the txgs of each side, in whatever order they come', () => {
    const decision = plan(source([snap(3), snap(1), snap(2)]), replica([there(1), there(0)]));
    expect(sent(decision)).toEqual(['snapshot-s1>snapshot-s2', 'snapshot-s2>snapshot-s3']);
  });

  it('and the newest that both have is called as the receiver calls it', () => {
    const target = replica([there(0), there(1, 'snapshot-there'), there(7)]);
    expect(newestCommon(source([snap(3)], { bookmarks: [cursor(1)] }), target)).toEqual(there(1, 'snapshot-there'));
  });
});

it('where the source was not seen, the newest copy is the newest that can have been sent', () => {
  expect(newestCommon(undefined, replica([there(1), there(3), there(2), there(8, 'by-hand')]))).toEqual(there(3));
  expect(newestCommon(undefined, replica([there(8, 'by-hand')]))).toBeUndefined();
});

describe('what is sent', () => {
  it('is made by runbook or by Incus, and not for a moment', () => {
    const names = [
      'snapshot-s',
      'runbook-20261123-0214-3f9c',
      'snapshot-runbook-20261123-0214-3f9c',
      'snapshot-copy-of',
    ];
    const temporary = [
      'copy-1',
      'migration-1',
      'backup-1',
      'temp_ro-1',
      'deleted-1',
      'by-hand',
      'snapshot-',
      'runbook-x',
    ];
    const decision = plan(source([...temporary, ...names].map((name, at) => snap(at, name))));
    expect(decision.steps.map(({ to }) => to.name)).toEqual(names);
  });

  it.each([
    [undefined, ['s2', 's3', 's4']],
    [2, ['s2', 's3', 's4']],
    [1, ['s3', 's4']],
    [0, ['s4']],
  ])('with %s in between', (intermediates, names) => {
    const policy = { ...RAW, ...(intermediates === undefined ? {} : { intermediates }) };
    const decision = plan(source([snap(1), snap(2), snap(3), snap(4)]), replica([there(1)]), policy);
    expect(decision.steps.map(({ to }) => to.name.slice(9))).toEqual(names);
    expect(decision.steps[0]?.from?.guid).toBe(snap(1).guid);
  });

  it('makes the dataset by its first step only', () => {
    const decision = plan(source([snap(1), snap(2)], { kind: 'volume' }));
    expect(decision.steps.map(({ initial, kind }) => [initial, kind])).toEqual([
      [true, 'volume'],
      [false, 'volume'],
    ]);
  });
});

describe('a snapshot that is there in part', () => {
  const behind = (overrides: Partial<ResumeToken>): ReplicationDecision =>
    plan(source([snap(1), snap(2), snap(3)]), replica([there(1)], { resumeToken: token(overrides) }));

  it('is completed, and the next ones follow', () => {
    const decision = behind({});
    expect(decision).toMatchObject({ abortPartial: false, steps: [{ resume: '1-abc' }, {}] });
    expect(decision.steps[1]).not.toHaveProperty('resume');
    expect(sent(decision)).toEqual(['snapshot-s1>snapshot-s2', 'snapshot-s2>snapshot-s3']);
  });

  it('also where it is one that would be left out now', () => {
    const target = replica([there(1)], { resumeToken: token() });
    const decision = plan(source([snap(1), snap(2), snap(3), snap(4)]), target, { ...RAW, intermediates: 0 });
    expect(sent(decision)).toEqual(['snapshot-s1>snapshot-s2', 'snapshot-s2>snapshot-s4']);
  });

  it('also of a first copy', () => {
    const full = token();
    delete full.fromGuid;
    const decision = plan(source([snap(2)]), replica([], { resumeToken: full, writtenBytes: 512 }));
    expect(decision).toMatchObject({ abortPartial: false, steps: [{ resume: '1-abc', initial: true }] });
  });

  it('also without large blocks, which a stream has only where there are some', () => {
    expect(behind({ largeBlocks: false }).abortPartial).toBe(false);
  });

  it.each<[string, Partial<ResumeToken>, RegExp]>([
    ['its snapshot is gone', { toGuid: snap(9).guid }, /default_data@snapshot-s2 is no more/],
    ['it is of another dataset', { toName: 'zpool/custom/default_other@snapshot-s2' }, /and not of zpool/],
    [
      'it began at what is not the newest there',
      { fromGuid: snap(0).guid },
      /does not begin at the newest.*@snapshot-s1/,
    ],
    ['it is older than what is there', { toGuid: snap(1).guid }, /is not newer/],
    ['it was begun raw', { raw: true }, /it was begun raw, and this copy is in plain/],
    ['it was begun without compression', { compressed: false }, /other flags/],
    ['it was begun with embedded blocks', { embedded: true }, /embedded/],
  ])('goes first where %s', (_, overrides, reason) => {
    const decision = behind(overrides);
    expect(decision).toMatchObject({ abortPartial: true, abortReason: expect.stringMatching(reason) });
    expect(sent(decision)).toEqual(['snapshot-s1>snapshot-s2', 'snapshot-s2>snapshot-s3']);
    expect(decision.steps[0]).not.toHaveProperty('resume');
  });

  it('goes first where the sender cannot read the token', () => {
    const resumeToken = { type: 'unreadable', token: 'x' } as const;
    expect(plan(source([snap(1), snap(2)]), replica([there(1)], { resumeToken }))).toMatchObject({
      abortPartial: true,
      steps: [{ from: { guid: snap(1).guid } }],
    });
  });

  it('goes first where it is a temporary', () => {
    const from = source([snap(1), snap(2, 'copy-1'), snap(3)]);
    const decision = plan(from, replica([there(1)], { resumeToken: token({ toName: `${SOURCE}@copy-1` }) }));
    expect(decision).toMatchObject({ abortPartial: true, abortReason: expect.stringContaining('none that is sent') });
  });

  it('goes first where it is an increment and there is nothing', () => {
    expect(plan(source([snap(2)]), replica([], { resumeToken: token() })).abortReason).toMatch(
      /nothing that it adds to/,
    );
  });

  it('goes also where there is nothing to send', () => {
    const decision = plan(source([snap(1)]), replica([there(1)], { resumeToken: token() }));
    expect(decision).toMatchObject({ abortPartial: true, steps: [], relation: { type: 'up to date' } });
  });

  it('stays where a person has to decide', () => {
    const decision = plan(source([snap(1)]), replica([there(1), there(7)], { resumeToken: token() }));
    expect(decision).toMatchObject({ abortPartial: false, problem: { type: 'Diverged' } });
  });
});

describe('raw or in plain', () => {
  const locked = { encrypted: true, keyLoaded: false };
  const open = { encrypted: true, keyLoaded: true };
  const pinned = { raw: false, compressed: true, largeBlocks: true };

  it.each<[string, DatasetFacts, DatasetFacts | undefined, ReplicationPolicy, boolean]>([
    ['the first copy of an encrypted one', source([snap(1)], locked), undefined, RAW, true],
    ['the first copy in plain, as declared', source([snap(1)], open), undefined, PLAIN, false],
    ['the first copy of what is not encrypted', source([snap(1)]), undefined, RAW, false],
    ['raw stays raw', source([snap(1), snap(2)], locked), replica([there(1)], locked), RAW, true],
    ['also where plain is declared', source([snap(1), snap(2)], open), replica([there(1)], open), PLAIN, true],
    ['plain stays plain', source([snap(1), snap(2)], open), replica([there(1)]), PLAIN, false],
    ['in plain into what is encrypted there', source([snap(1), snap(2)]), replica([there(1)], open), RAW, false],
  ])('%s', (_, from, target, policy, raw) => {
    const { steps, problem } = plan(from, target, policy);
    expect([problem, steps[0]?.flags]).toEqual([undefined, { raw, compressed: true, largeBlocks: true }]);
  });

  it('as it was noted at the first copy', () => {
    const decision = plan(source([snap(1), snap(2)], open), replica([there(1)], open), PLAIN, { pinned });
    expect(decision.steps[0]?.flags).toEqual(pinned);
  });

  it.each<
    [string, DatasetFacts, DatasetFacts | undefined, ReplicationPolicy, Partial<ReplicationPair>, string, RegExp]
  >([
    [
      'a replica in plain of what is to be sent raw',
      ...([source([snap(1), snap(2)], open), replica([there(1)]), RAW, {}] as const),
      ...(['SendModeChanged', /data was begun in plain, and zpool.* is encrypted/] as const),
    ],
    [
      'noted as in plain, of what is to be sent raw',
      ...([source([snap(1), snap(2)], open), replica([there(1)], open), RAW, { pinned }] as const),
      ...(['SendModeChanged', /begun in plain/] as const),
    ],
    [
      'noted as raw, of what is not encrypted any more',
      ...([
        source([snap(1), snap(2)]),
        replica([there(1)], locked),
        RAW,
        { pinned: { ...pinned, raw: true } },
      ] as const),
      ...(['SendModeChanged', /begun raw, and zpool.* is not encrypted now/] as const),
    ],
    [
      'noted as raw, and not encrypted there',
      ...([source([snap(1), snap(2)], open), replica([there(1)]), RAW, { pinned: { ...pinned, raw: true } }] as const),
      ...(['SendModeChanged', /begun raw, and tank.* is not encrypted now/] as const),
    ],
    [
      'a key that is not loaded at the source',
      ...([source([snap(1)], locked), undefined, PLAIN, {}] as const),
      ...(['KeyNotLoaded', /The key of zpool/] as const),
    ],
    [
      'a key that is not loaded at the replica',
      ...([source([snap(1), snap(2)]), replica([there(1)], locked), RAW, {}] as const),
      ...(['KeyNotLoaded', /The key of tank/] as const),
    ],
  ])('is a problem before anything is done: %s', (_, from, target, policy, more, type, message) => {
    expect(plan(from, target, policy, more)).toMatchObject({
      ...{ steps: [], abortPartial: false, problem: { type, message: expect.stringMatching(message) } },
    });
  });
});

describe('what a person has to decide', () => {
  it.each<[string, DatasetFacts, DatasetFacts | undefined, string, RegExp]>([
    [
      'diverged',
      source([snap(1)]),
      replica([there(1), there(7)]),
      'Diverged',
      /data has @snapshot-s7 since @snapshot-s1, which zpool/,
    ],
    [
      'with not too many names',
      source([snap(1)]),
      replica([1, 2, 3, 4, 5, 6].map((each) => there(each))),
      'Diverged',
      /has @snapshot-s2, @snapshot-s3, @snapshot-s4 and 2 more since/,
    ],
    ['not made by a copy', source([snap(1)]), replica([]), 'Diverged', /was not made by a copy/],
    ['no base', source([snap(9)]), replica([there(1)]), 'NoBase', /its newest: @snapshot-s1/],
    [
      'written to',
      source([snap(1), snap(2)]),
      replica([there(1)], { writtenBytes: 4096 }),
      'ReplicaModified',
      /4096 bytes/,
    ],
    ['nothing to send', source([snap(1, 'copy-1')]), undefined, 'NothingToSend', /has no snapshot/],
  ])('%s', (_, from, target, type, message) => {
    const { problem, steps } = plan(from, target);
    expect(steps).toEqual([]);
    expect(problem).toMatchObject({ type, message: expect.stringMatching(message) });
    if (type !== 'NothingToSend') expect(problem?.whatToDo).toContain('runbook backups resolve');
  });

  it('what was written there is nobody’s trouble while there is nothing to send', () => {
    expect(plan(source([snap(1)]), replica([there(1)], { writtenBytes: 1 })).problem).toBeUndefined();
  });
});

describe('several', () => {
  const pair = (name: string, snapshots: SnapshotFact[], target?: SnapshotFact[]): ReplicationPair => ({
    source: dataset(`zpool/${name}`, snapshots),
    targetName: `tank/${name}`,
    ...(target === undefined ? {} : { target: dataset(`tank/${name}`, target) }),
  });
  const decided = (...pairs: ReplicationPair[]): [string, string | number][] =>
    planReplication({ pairs, policy: RAW }).map(({ target, steps, problem }) => [
      target,
      problem?.type ?? steps.length,
    ]);

  it('are sent parents first, else in their order', () => {
    expect(
      decided(pair('b/x/y', [snap(1)]), pair('b/x', [snap(2)]), pair('c', [snap(3)]), pair('b', [snap(4)])),
    ).toEqual([
      ['tank/c', 1],
      ['tank/b', 1],
      ['tank/b/x', 1],
      ['tank/b/x/y', 1],
    ]);
  });

  it('a parent that cannot be made stops its children, and nobody else', () => {
    expect(decided(pair('a', []), pair('a/x', [snap(1)]), pair('a/x/y', [snap(1)]), pair('ab', [snap(1)]))).toEqual([
      ['tank/a', 'NothingToSend'],
      ['tank/ab', 1],
      ['tank/a/x', 'ParentMissing'],
      ['tank/a/x/y', 'ParentMissing'],
    ]);
  });

  it('a parent that is there stops nothing', () => {
    expect(decided(pair('a', [snap(9)], [there(1)]), pair('a/x', [snap(1)]))).toEqual([
      ['tank/a', 'NoBase'],
      ['tank/a/x', 1],
    ]);
  });
});
