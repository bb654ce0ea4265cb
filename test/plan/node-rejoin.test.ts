import { describe, expect, it } from '@jest/globals';
import { importsIn, planRejoin, rejoinViews, type RejoinPlan } from '../../plan/node-rejoin.ts';
import { missingWords } from '../../plan/rejoin-missing.ts';
import type {
  FoundHost,
  FoundPool,
  Missing,
  MissingInstance,
  MissingVolume,
  RejoinObservation,
  RejoinScope,
  RemainingCluster,
} from '../../plan/rejoin.ts';
import type { ReplicaSeen } from '../../plan/restore.ts';

const SCOPE: RejoinScope = {
  member: 'n3',
  others: ['n1', 'n2'],
  pools: [{ name: 'local', dataset: 'tank/incus' }],
  guests: ['web'],
  maxClockSkew: '5s',
  approvalTimeout: '8h',
  stallTimeout: '30m',
  hasInfra: false,
  savesIdentities: false,
};
const listed = (name: string, status: string): RemainingCluster['members'][number] => ({
  ...{ name, status, url: `https://${name}:8443`, message: '', roles: ['database'] },
});
const cluster = (rest: Partial<RemainingCluster> = {}): RemainingCluster => ({
  via: 'n1',
  version: '6.0.4',
  fingerprint: 'cluster',
  members: [listed('n1', 'Online'), listed('n2', 'Online'), listed('n3', 'Offline')],
  instances: [{ project: 'default', name: 'web' }],
  volumes: [{ pool: 'local', project: 'default', name: 'data' }],
  ...rest,
});
const pool = (rest: Partial<FoundPool> = {}): FoundPool => ({
  ...{ pool: 'local', dataset: 'tank/incus', zpool: 'imported', place: 'holds', encrypted: false, aside: [] },
  contents: ['containers/web', 'custom/default_data'],
  ...rest,
});
const host = (rest: Partial<FoundHost> = {}): FoundHost => ({
  incus: { type: 'alone', version: '6.0.4', instances: [], pools: [] },
  hasListedAddress: true,
  clockSkewMs: 0,
  pools: [pool()],
  ...rest,
});
const MEMBER: FoundHost['incus'] = { type: 'member', serverName: 'n3', fingerprint: 'cluster', version: '6.0.4' };
const COPY = { place: 'n1', path: '/var/lib/runbook/identities/n3/one.tar.age', takenAt: '2026-06-01T00:00:00.000Z' };
const EMPTY: Partial<FoundPool> = { place: 'empty', contents: [] };
const ASIDE = { dataset: 'tank/incus-runbook-1', contents: ['containers/web'] };

const plan = (observation: Partial<RejoinObservation> = {}): RejoinPlan =>
  planRejoin(SCOPE, { cluster: cluster(), host: host(), copies: [], ...observation });
const stepsOf = ({ steps }: RejoinPlan): string[] => steps.map(({ type }) => type);
const refusalsOf = ({ refusals }: RejoinPlan): string[] => refusals.map(({ name, message }) => `${name}: ${message}`);
const notesOf = ({ steps }: RejoinPlan) => steps.find(({ type }) => type === 'forget notes');
const END = ['online', 'follow', 'forget notes', 'instances', 'health'];

describe('which case it is', () => {
  it.each<[string, Partial<RejoinObservation>, string]>([
    ['the member that the cluster knows', { host: host({ incus: MEMBER }) }, 'nothing lost'],
    ['a new Incus over full pools', {}, 'root disk lost'],
    ['a new Incus over empty pools', { host: host({ pools: [pool(EMPTY)] }) }, 'data disk lost'],
    [
      'what was set aside counts as what it has',
      { host: host({ pools: [pool({ ...EMPTY, aside: [ASIDE] })] }) },
      'root disk lost',
    ],
    [
      'pools that are not imported',
      { host: host({ pools: [pool({ zpool: 'importable', place: 'unknown', contents: [] })] }) },
      'unknown',
    ],
    ['an Incus that does not answer', { host: host({ incus: { type: 'silent', problem: 'no' } }) }, 'unknown'],
  ])('%s', (_, observation, expected) => {
    expect(plan(observation).case).toBe(expected);
  });
});

const AT = '2026-06-02T00:00:00.000Z';
const replica = (host: string, createdAt: string): ReplicaSeen => ({
  ...{ host, dataset: 'tank/replicas/data' },
  found: {
    ...{ kind: 'filesystem', encrypted: false, usedBytes: 2e9, snapshots: 1, oldestAt: createdAt, newestAt: createdAt },
    fitting: { name: 'snapshot-a', guid: '1', createdAt },
  },
});
const SILENT: ReplicaSeen = {
  ...{ host: 'attic', dataset: 'tank/replicas/data' },
  problem: { type: 'Unreachable', message: 'no answer', whatToDo: 'plug it in' },
};
const volume = (rest: Partial<MissingVolume> = {}): MissingVolume => ({
  ...{ pool: 'local', project: 'default', name: 'data', restic: [] },
  replicas: [replica('n1', '2026-06-01T20:00:00.000Z')],
  ...rest,
});
const web = (rest: Partial<MissingInstance> = {}): MissingInstance => ({
  ...{ project: 'default', name: 'web', type: 'container', isRecorded: true, image: 'abc' },
  volumes: [{ pool: 'local', name: 'data' }],
  ...rest,
});
const missing = (rest: Partial<Missing> = {}): Missing => ({
  ...{ at: AT, volumes: [volume()], instances: [web()], rooms: [{ pool: 'local', bytes: 3e9 }] },
  ...rest,
});
const bare = (what: Partial<Missing> = {}, rest: Partial<RejoinObservation> = {}): RejoinPlan =>
  plan({ host: host({ pools: [pool(EMPTY)] }), missing: missing(what), ...rest });
const gatesOf = ({ gates }: RejoinPlan): string[] => gates.map(({ verdict, message }) => `${verdict}: ${message}`);

describe('what is on no disk any more', () => {
  it('comes back from the newest replica and from the image, in this order, and not with a saved identity', () => {
    const found = bare({}, { copies: [COPY] });
    expect(found.way).toBe('fresh join');
    expect(stepsOf(found)).toEqual([
      ...['remember', 'forget', 'join', 'online', 'follow'],
      ...['receive', 'take in', 'remind', 'remake', 'forget notes', 'instances', 'health'],
    ]);
    expect(found.lost).toEqual({ instances: [], volumes: [] });
    expect(gatesOf(found)).toContain(
      'passed: local/data comes back of 2026-06-01 20:00 UTC, 4 h old, 2.0 GB, from n1 tank/replicas/data',
    );
    const newer = replica('n2', '2026-06-01T23:00:00.000Z');
    const step = bare({ volumes: [volume({ replicas: [...volume().replicas, newer] })] }).steps.find(
      ({ type }) => type === 'receive',
    );
    expect(step).toMatchObject({
      restoration: { name: 'data', member: 'n3', dataset: 'tank/incus/custom/default_data', from: { host: 'n2' } },
    });
  });

  it.each<[string, MissingVolume, string, RegExp]>([
    [
      'nothing',
      volume({ replicas: [] }),
      'LOST for good, no copy is known: local/data.',
      /^warning: local\/data is lost/,
    ],
    [
      'restic',
      volume({ replicas: [], restic: ['web-files'] }),
      'Without a replica: restic has files of its guest, for you to restore afterwards: local/data.',
      /^warning: local\/data does not come back by itself/,
    ],
    [
      'a place that is silent',
      volume({ replicas: [SILENT] }),
      'Not received, since nobody could look at: attic tank/replicas/data for local/data.',
      /^warning: local\/data: attic tank\/replicas\/data was not looked at/,
    ],
  ])('is named where there is %s, and so is its guest', (_, each, words, gate) => {
    const found = bare({ volumes: [each] });
    expect(stepsOf(found)).not.toContain('receive');
    expect(stepsOf(found)).not.toContain('remake');
    expect(found.missing && missingWords(found.missing)).toContain(words);
    expect(gatesOf(found).some((message) => gate.test(message))).toBe(true);
    expect(found.lost).toEqual({ instances: ['web'], volumes: ['local/data'] });
    expect(notesOf(found)).toMatchObject({ missing: found.lost });
    expect(found.refusals).toEqual([]);
  });

  it('makes no instance anew whose image nobody has, or of which nothing is known', () => {
    const without = web();
    delete without.image;
    expect(bare({ instances: [without] }).missing?.notRemade[0]?.why).toMatch(/^no other member has the image/);
    expect(bare({ instances: [web({ isRecorded: false })] }).missing?.notRemade[0]?.why).toMatch(/has forgotten/);
  });

  it('refuses what does not fit, all volumes of a pool together', () => {
    const two = [volume(), volume({ name: 'more' })];
    expect(refusalsOf(bare({ volumes: two }))).toEqual([
      'space: What comes back to pool local has 4.0 GB, and n3 has room for 3.0 GB.',
    ]);
    expect(refusalsOf(bare({ rooms: [{ pool: 'local', problem: 'Pool tank on n3 is SUSPENDED.' }] }))).toEqual([
      'space: Pool local of n3 can take nothing: Pool tank on n3 is SUSPENDED.',
    ]);
  });

  it('needs no room for what has arrived of it already', () => {
    const arriving = volume({ arrivedBytes: 1.5e9 });
    expect(refusalsOf(bare({ volumes: [arriving, volume({ name: 'more' })] }))).toEqual([]);
    const more = volume({ name: 'more', arrivedBytes: 9e9 });
    expect(refusalsOf(bare({ volumes: [volume(), more], rooms: [{ pool: 'local', bytes: 1e9 }] }))).toEqual([
      'space: What comes back to pool local has 2.0 GB, and n3 has room for 1.0 GB.',
    ]);
  });

  it('notes of what nobody could look at that it may come back', () => {
    expect(notesOf(bare({ volumes: [volume({ replicas: [SILENT] })] }))).toMatchObject({ unseen: ['local/data'] });
    expect(notesOf(bare({ volumes: [volume({ replicas: [] })] }))).toMatchObject({ unseen: [] });
  });

  it('goes on where a member has joined already, and gives back once what was written down', () => {
    const joined = { host: host({ incus: MEMBER, pools: [pool(EMPTY)] }) };
    expect(stepsOf(bare({}, joined))).toEqual([
      ...['online', 'follow', 'receive', 'take in', 'remind', 'remake'],
      ...['forget notes', 'instances', 'health'],
    ]);
    expect(stepsOf(bare({ volumes: [], instances: [] }, joined))).toContain('remind');
  });

  it('is there before the instances that need it are taken in, where one of two pools is lost', () => {
    const half = bare({ instances: [], waiting: [web()] }, { host: host() });
    expect(stepsOf(half)).toEqual([
      ...['remember', 'set aside', 'forget', 'join', 'online', 'follow'],
      ...['receive', 'take in', 'move back', 'recover', 'remind', 'forget notes', 'instances', 'health'],
    ]);
    expect(half.steps).toContainEqual({ type: 'move back', pool: 'local', dataset: 'tank/incus' });
  });

  it('keeps an instance aside whose volume has no copy, with the rest of it written down', () => {
    const leave = ['containers/web', 'virtual-machines/web', 'virtual-machines/web.block'];
    const half = bare(
      { volumes: [volume({ replicas: [] })], instances: [], waiting: [web(), web({ name: 'other', volumes: [] })] },
      { host: host() },
    );
    expect(half.steps).toContainEqual({ type: 'move back', pool: 'local', dataset: 'tank/incus', leave });
    expect(notesOf(half)).toMatchObject({ missing: { instances: ['web'], volumes: ['local/data'] }, leave });
    expect(half.missing && missingWords(half.missing)).toContain(
      'Not taken back, and kept aside with its own disk: web (it has 1 volume that does not come back: local/data).',
    );
  });

  it('goes on with the replica that it has begun with, though another is newer by now', () => {
    const newer = replica('n2', '2026-06-01T23:00:00.000Z');
    const found = { ...newer.found, fitting: { name: 'snapshot-b', guid: '2', createdAt: '2026-06-01T23:00:00.000Z' } };
    const replicas = [...volume().replicas, { ...newer, found } as ReplicaSeen];
    const from = (begun: string) => bare({ volumes: [volume({ replicas, begun })] }).missing?.receive[0]?.from.host;
    expect([from('1'), from('2'), from('gone')]).toEqual(['n1', 'n2', 'n2']);
  });
});

describe('others that are away', () => {
  const away = cluster({ members: [listed('n1', 'Online'), listed('n2', 'Offline'), listed('n3', 'Offline')] });

  it('are waited for where nothing else is in the way', () => {
    expect(plan({ cluster: away }).waitsFor).toBe('Not every other member is Online: n2 Offline.');
    const looked = { host: host(), copies: [] };
    expect(planRejoin(SCOPE, { ...looked, noQuorum: true, clusterProblem: 'n1: no' }).waitsFor).toBe(
      'The cluster has no quorum: n1: no.',
    );
  });

  it('are no matter to one that is a member: nothing is asked of them', () => {
    const found = plan({ cluster: away, host: host({ incus: MEMBER }) });
    expect([found.refusals, found.away]).toEqual([[], ['n2']]);
    expect(gatesOf(found)).toContain('warning: Not every other member is Online: n2 Offline.');
  });

  it('are not where something else is, or nobody answers', () => {
    expect(plan()).not.toHaveProperty('waitsFor');
    expect(plan({ cluster: away, host: host({ clockSkewMs: 60_000 }) })).not.toHaveProperty('waitsFor');
    expect(planRejoin(SCOPE, { host: host(), copies: [], clusterProblem: 'n1: no' })).not.toHaveProperty('waitsFor');
  });
});

describe('the way back', () => {
  it('restores a saved identity where there is one, and forgets nothing', () => {
    const found = plan({ copies: [COPY] });
    expect([found.way, stepsOf(found), found.forgets]).toEqual([
      'identity',
      ['remember', 'identity', ...END],
      { instances: [], volumes: [] },
    ]);
  });

  it.each<[string, Partial<RejoinObservation>]>([
    ['there is no copy', {}],
    ['the host has another address', { copies: [COPY], host: host({ hasListedAddress: false }) }],
    ['something was set aside already', { copies: [COPY], host: host({ pools: [pool({ aside: [ASIDE] })] }) }],
  ])('joins anew where %s', (_, observation) => {
    expect(plan(observation).way).toBe('fresh join');
  });

  it('sets aside, forgets, joins, and takes everything back, in this order', () => {
    const found = plan();
    expect(stepsOf(found)).toEqual([
      'remember',
      'set aside',
      'forget',
      'join',
      'move back',
      'recover',
      'remind',
      ...END,
    ]);
    expect(found.forgets).toEqual({ instances: ['web'], volumes: ['local/data'] });
    expect(found.lost).toEqual({ instances: [], volumes: [] });
  });

  it('goes on where a run that was interrupted has left it', () => {
    const aside = host({ pools: [pool({ ...EMPTY, aside: [ASIDE] })] });
    expect(stepsOf(plan({ host: aside }))).toEqual([
      'remember',
      'forget',
      'join',
      'move back',
      'recover',
      'remind',
      ...END,
    ]);
    const gone = cluster({ members: [listed('n1', 'Online'), listed('n2', 'Online')], instances: [], volumes: [] });
    expect(stepsOf(plan({ host: { ...aside, hasListedAddress: false }, cluster: gone }))).toEqual([
      'note declared',
      'join',
      'move back',
      'recover',
      'remind',
      ...END,
    ]);
    expect(stepsOf(plan({ host: { ...aside, incus: MEMBER } }))).toEqual(['move back', 'recover', 'remind', ...END]);
  });

  it('moves nothing where nothing is on the disks, and says what is lost', () => {
    const found = plan({ host: host({ pools: [pool(EMPTY)] }) });
    expect(stepsOf(found)).toEqual(['remember', 'forget', 'join', ...END]);
    expect(found.lost).toEqual({ instances: ['web'], volumes: ['local/data'] });
  });

  it('names what the records have and no disk has, project by project', () => {
    const records = cluster({
      instances: [
        { project: 'default', name: 'web' },
        { project: 'lab', name: 'web' },
        { project: 'lab', name: 'vm' },
      ],
      volumes: [
        { pool: 'local', project: 'lab', name: 'data' },
        { pool: 'local', project: 'default', name: 'data' },
      ],
    });
    const contents = [
      'containers/web',
      'virtual-machines/lab_vm',
      'virtual-machines/lab_vm.block',
      'custom/default_data',
    ];
    expect(plan({ cluster: records, host: host({ pools: [pool({ contents })] }) }).lost).toEqual({
      instances: ['lab/web'],
      volumes: ['local/lab/data'],
    });
  });

  it('imports first, each zpool once, and forces only what another system had', () => {
    const pools = [
      pool({ zpool: 'importable', place: 'unknown' }),
      pool({ pool: 'more', dataset: 'tank/more', zpool: 'importable', place: 'unknown' }),
      pool({ pool: 'big', dataset: 'store/incus', zpool: 'foreign', place: 'unknown' }),
    ];
    expect(plan({ host: host({ pools }) }).steps).toEqual([
      { type: 'import', zpool: 'tank', force: false },
      { type: 'import', zpool: 'store', force: true },
    ]);
  });

  it('imports before anything else, and with a warning, also where it is a member', () => {
    const found = plan({ host: host({ incus: MEMBER, pools: [pool({ zpool: 'foreign', place: 'unknown' })] }) });
    expect(importsIn(found)).toEqual([{ type: 'import', zpool: 'tank', force: true }]);
    expect(gatesOf(found).some((gate) => /^warning: Pool local: zpool tank was last had by another/.test(gate))).toBe(
      true,
    );
    expect(gatesOf(plan({ host: host({ incus: MEMBER }) })).some((gate) => gate.includes('Pool local'))).toBe(false);
  });

  it('of a member that is one only looks, and starts what is to run', () => {
    expect(stepsOf(plan({ host: host({ incus: MEMBER }) }))).toEqual(END);
  });

  it('shows its steps under ids of their own', () => {
    const ids = rejoinViews(plan().steps, 'n3').map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
  });
});

describe('what makes it refuse', () => {
  const offline = cluster({ members: [listed('n1', 'Online'), listed('n2', 'Offline'), listed('n3', 'Offline')] });
  it.each<[string, Partial<RejoinObservation>, RegExp]>([
    [
      'no other member answers',
      { cluster: undefined, clusterProblem: 'n1: away' } as never,
      /^cluster: No other member tells of the cluster: n1: away\.$/,
    ],
    [
      'no quorum',
      { cluster: undefined, clusterProblem: 'n1: no leader', noQuorum: true } as never,
      /^quorum: The cluster has no quorum/,
    ],
    [
      'a host that does not answer',
      { host: undefined, hostProblem: 'no route' } as never,
      /^host: n3 could not be looked at: no route\.$/,
    ],
    [
      'an Incus that does not answer',
      { host: host({ incus: { type: 'silent', problem: 'no daemon' } }) },
      /^host: The Incus of n3 does not answer/,
    ],
    [
      'a join while another member is away',
      { cluster: offline },
      /^cluster: Not every other member is Online: n2 Offline\.$/,
    ],
    [
      'a member of another cluster',
      { host: host({ incus: { ...MEMBER, fingerprint: 'x' } }) },
      /^member: n3 is n3 of another cluster\.$/,
    ],
    [
      'a member under another name',
      { host: host({ incus: { ...MEMBER, serverName: 'n9' } }) },
      /^member: n3 is n9 of this cluster\.$/,
    ],
    [
      'one that was removed while it was away',
      { host: host({ incus: MEMBER }), cluster: cluster({ members: [listed('n1', 'Online')] }) },
      /^member: n3 takes itself for a member/,
    ],
    [
      'one that the cluster sees',
      { cluster: cluster({ members: [listed('n1', 'Online'), listed('n3', 'Online')] }) },
      /^member: The cluster lists n3 as Online/,
    ],
    [
      'an Incus with something of its own',
      { host: host({ incus: { type: 'alone', version: '6.0.4', instances: ['default/x'], pools: ['p'] } }) },
      /^member: The Incus of n3 has something of its own: default\/x, pool p\.$/,
    ],
    [
      'another version',
      { host: host({ incus: { type: 'alone', version: '7.0.2', instances: [], pools: [] } }) },
      /^version: It runs Incus 7\.0\.2, the others 6\.0\.4\.$/,
    ],
    [
      'a clock that is wrong',
      { host: host({ clockSkewMs: -60_000 }) },
      /^clock: Its clock differs from the worker’s by -60 s/,
    ],
    [
      'no disk with the pool',
      { host: host({ pools: [pool({ zpool: 'missing', place: 'unknown' })] }) },
      /^pool: Pool local: n3 has no zpool tank/,
    ],
    [
      'no dataset',
      { host: host({ pools: [pool({ place: 'missing', contents: [] })] }) },
      /^pool: Pool local: zpool tank has no dataset tank\/incus\.$/,
    ],
    [
      'a fresh join of a whole zpool',
      { host: host({ pools: [pool({ dataset: 'tank' })] }) },
      /^pool: Pool local is the whole zpool tank/,
    ],
    [
      'a fresh join of an encrypted dataset',
      { host: host({ pools: [pool({ encrypted: true })] }) },
      /^pool: Pool local: tank\/incus is encrypted/,
    ],
  ])('%s', (_, observation, expected) => {
    const refusals = refusalsOf(plan(observation));
    expect(refusals).toHaveLength(1);
    expect(refusals[0]).toMatch(expected);
  });

  it.each<[string, Partial<RejoinObservation>]>([
    ['a whole zpool', { host: host({ pools: [pool({ dataset: 'tank' })] }) }],
    ['an encrypted dataset', { host: host({ pools: [pool({ encrypted: true })] }) }],
    ['another member away', { cluster: offline }],
  ])('and not where a saved identity is restored: %s', (_, observation) => {
    expect(refusalsOf(plan({ ...observation, copies: [COPY] }))).toEqual([]);
  });
});
