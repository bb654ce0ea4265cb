import type { Recorder } from './recorder.ts';

const SOURCE = 'tank/source';
const ROOT = 'tank/replication/replicas';
const REPLICA = `${ROOT}/source`;

const points = (root: string): string[] => [
  ...['zfs', 'list', '-Hp', '-r', '-t', 'snapshot,bookmark', '-o', 'name,guid,createtxg', root],
];
const datasets = (root: string): string[] => [
  ...['zfs', 'list', '-Hp', '-r', '-t', 'filesystem,volume', '-o'],
  ...['name,type,encryption,keystatus,readonly,mounted,used,written,receive_resume_token', root],
];
const parent = (dataset: string): string[] => [
  ...['zfs', 'create', '-o', 'canmount=off', '-o', 'mountpoint=none', '-o', 'readonly=on', dataset],
];
const details = (root: string): string[] => [
  ...['zfs', 'list', '-Hp', '-r', '-t', 'snapshot', '-o', 'name,guid,createtxg,creation,userrefs,clones', root],
];
const sizes = (root: string): string[] => ['zfs', 'list', '-Hp', '-r', '-t', 'snapshot', '-o', 'name,referenced', root];
const FIRST = ['-o', 'readonly=on', '-o', 'canmount=noauto', '-o', 'mountpoint=none'];
const VOLUME = ['-o', 'readonly=on', '-o', 'volmode=none'];
const send = (...words: string[]): string[] => ['zfs', 'send', '-vP', ...words];
const packed = (...words: string[]): string[] => send('-L', '-c', ...words);
const receive = (...words: string[]): string[] => ['zfs', 'receive', '-s', '-u', ...words];
const estimate = (...words: string[]): string[] => ['zfs', 'send', '-nvP', ...words];
const pipe = (...commands: readonly string[][]): string[] => [
  'sh',
  '-c',
  commands.map((all) => all.join(' ')).join(' | '),
];
/** What breaks off after so many bytes, as with a sender that is killed. */
const CUT = ['head', '-c', '600000'];

/** For hosts whose storage pool is on ZFS: what is sent to a replica and what keeps it from arriving. All on one host. */
export async function recordReplication(recorder: Recorder): Promise<void> {
  await recordParents(recorder);
  await recordIncrements(recorder);
  await recordMarks(recorder);
  await recordResume(recorder);
  await recordFirst(recorder);
  await recordDiverged(recorder);
  await recordKinds(recorder);
  await recordEncrypted(recorder);
  await recordBusy(recorder);
  await recordFull(recorder);
  await recordWay(recorder);
  await prepared(recorder, 'zfs destroy -r tank/replication; zfs destroy -r tank/source; zfs destroy -r tank/secret');
}

type On = (note: string, argv: readonly string[], varies?: string) => Promise<{ stdout: string }>;
const onHost =
  (recorder: Recorder): On =>
  (note, argv, varies) =>
    recorder.on('n3', note, argv, varies === undefined ? {} : { varies });

/** Not recorded; throws where it fails. */
async function prepared(recorder: Recorder, script: string): Promise<void> {
  const { exitCode, stderr } = await recorder.run('n3', ['sh', '-ec', script]);
  if (exitCode !== 0) throw new Error(`${script}: ${stderr}`);
}

const write = (recorder: Recorder, name: string, megabytes = 1): Promise<void> =>
  prepared(
    recorder,
    `dd if=/dev/urandom of=/source/${name} bs=1M count=${megabytes} 2>/dev/null; sync /source/${name}`,
  );

async function recordParents(recorder: Recorder): Promise<void> {
  const on = onHost(recorder);
  await on('the root of replicas without its parent', parent(ROOT));
  await on('its parent', parent('tank/replication'));
  await on('the root of replicas', parent(ROOT));
  await on('the root of replicas again', parent(ROOT));
  await on('the root of replicas in no pool', parent('nope/replicas'));
}

async function recordIncrements(recorder: Recorder): Promise<void> {
  const on = onHost(recorder);
  await prepared(recorder, `zfs create -o mountpoint=/source ${SOURCE}`);
  await write(recorder, 'first', 24);
  await on('a snapshot', ['zfs', 'snapshot', `${SOURCE}@one`]);
  await on('what a first send would be', estimate('-L', '-c', `${SOURCE}@one`));
  await on('what a send of none would be', estimate('-L', '-c', `${SOURCE}@none`));
  await on('a first send', pipe(packed(`${SOURCE}@one`), receive(...FIRST, REPLICA)));
  await on('a first send again', pipe(packed(`${SOURCE}@one`), receive(...FIRST, REPLICA)));
  await on('the replica', datasets(ROOT));
  await on('its snapshots', points(ROOT));
  await on('their sizes', sizes(ROOT), 'how ZFS counts');
  await on('sizes in no such place', sizes('tank/nope'));
  await on('what is in no such place', points('tank/nope'));
  await on('what is below no such place', datasets('tank/nope'));
  await write(recorder, 'second');
  await on('a second snapshot', ['zfs', 'snapshot', `${SOURCE}@two`]);
  await on('what an increment would be', estimate('-L', '-c', '-i', `${SOURCE}@one`, `${SOURCE}@two`));
  await on('an increment', pipe(packed('-i', `${SOURCE}@one`, `${SOURCE}@two`), receive(REPLICA)));
  await on('a bookmark', ['zfs', 'bookmark', `${SOURCE}@two`, `${SOURCE}#two`]);
  await on('a bookmark again', ['zfs', 'bookmark', `${SOURCE}@two`, `${SOURCE}#two`]);
  await on('a bookmark of none', ['zfs', 'bookmark', `${SOURCE}@none`, `${SOURCE}#none`]);
  await on('destroy of the snapshot that has a bookmark', ['zfs', 'destroy', `${SOURCE}@two`]);
  await write(recorder, 'third');
  await on('a third snapshot', ['zfs', 'snapshot', `${SOURCE}@three`]);
  await on('the source', datasets(SOURCE));
  await on('snapshots and bookmarks', points(SOURCE));
  await on(
    'what an increment from a bookmark would be',
    estimate('-L', '-c', '-i', `${SOURCE}#two`, `${SOURCE}@three`),
  );
  await on('an increment from a bookmark', pipe(packed('-i', `${SOURCE}#two`, `${SOURCE}@three`), receive(REPLICA)));
  await on('an increment from none', pipe(packed('-i', `${SOURCE}#none`, `${SOURCE}@three`), receive(REPLICA)));
  await on(
    'an increment from a snapshot that is none',
    pipe(packed('-i', `${SOURCE}@none`, `${SOURCE}@three`), receive(REPLICA)),
  );
  await on('destroy of a bookmark', ['zfs', 'destroy', `${SOURCE}#two`]);
  await on('destroy of a bookmark again', ['zfs', 'destroy', `${SOURCE}#two`]);
}

async function recordMarks(recorder: Recorder): Promise<void> {
  const on = onHost(recorder);
  const [one, three] = [`${SOURCE}@one`, `${SOURCE}@three`];
  const hold = ['zfs', 'hold', 'runbook:12345678'];
  const release = ['zfs', 'release', 'runbook:12345678'];
  await on('no holds', ['zfs', 'holds', '-H', one]);
  await on('holds, one of none', [...hold, one, `${SOURCE}@none`, 'tank/nope@one']);
  await on('holds again', [...hold, one]);
  await on('what is held', ['zfs', 'holds', '-H', one, three], 'when it was held');
  await on('each snapshot, one of them held', details(SOURCE));
  await on('what is held, of none', ['zfs', 'holds', '-H', `${SOURCE}@none`]);
  await on('destroy of several, one of them held', ['zfs', 'destroy', `${SOURCE}@one,three`]);
  await on('release, one of none', [...release, one, `${SOURCE}@none`, 'tank/nope@one']);
  await on('release again', [...release, one]);
  await on('a clone', ['zfs', 'clone', one, 'tank/replication/clone']);
  await on('each snapshot, one of them cloned', details(SOURCE));
  await on('snapshots of no dataset', details('tank/nope'));
  await on('destroy of several, one of them cloned', ['zfs', 'destroy', `${SOURCE}@one,three`]);
  await on('destroy of the clone', ['zfs', 'destroy', 'tank/replication/clone']);
  await on('destroy of several, one of them none', ['zfs', 'destroy', `${SOURCE}@one,none`]);
  await on('destroy of none', ['zfs', 'destroy', `${SOURCE}@one`]);
  await on('destroy of none of no dataset', ['zfs', 'destroy', 'tank/nope@one']);
}

async function tokenOf(recorder: Recorder, dataset: string): Promise<string> {
  const { stdout } = await onHost(recorder)('a token', datasets(dataset));
  return stdout.trim().split('\t').at(-1) ?? '';
}

async function recordResume(recorder: Recorder): Promise<void> {
  const on = onHost(recorder);
  await write(recorder, 'fourth', 24);
  await on('a fourth snapshot', ['zfs', 'snapshot', `${SOURCE}@four`]);
  const increment = packed('-i', `${SOURCE}@three`, `${SOURCE}@four`);
  await on('an increment that breaks off', pipe(increment, CUT, receive(REPLICA)));
  const token = await tokenOf(recorder, REPLICA);
  await on('what the token says', ['zfs', 'send', '-nvP', '-t', token]);
  await on('a token that is none', ['zfs', 'send', '-nvP', '-t', '1-12-34-56']);
  await on('the increment while a part is there', pipe(increment, receive(REPLICA)));
  await on('the rest', pipe(send('-t', token), receive(REPLICA)));
  await on('giving up where nothing is', ['zfs', 'receive', '-A', REPLICA]);
  await on('giving up where no dataset is', ['zfs', 'receive', '-A', `${ROOT}/nope`]);
  await write(recorder, 'fifth', 24);
  await on('a fifth snapshot', ['zfs', 'snapshot', `${SOURCE}@five`]);
  const next = packed('-i', `${SOURCE}@four`, `${SOURCE}@five`);
  await on('another that breaks off', pipe(next, CUT, receive(REPLICA)));
  const second = await tokenOf(recorder, REPLICA);
  await on('destroy of what is sent', ['zfs', 'destroy', `${SOURCE}@five`]);
  await on('what a token says whose snapshot is gone', ['zfs', 'send', '-nvP', '-t', second]);
  await on('another snapshot of that name', ['zfs', 'snapshot', `${SOURCE}@five`]);
  await on('what a token says whose snapshot is another', ['zfs', 'send', '-nvP', '-t', second]);
  await on('giving up', ['zfs', 'receive', '-A', REPLICA]);
}

async function recordFirst(recorder: Recorder): Promise<void> {
  const on = onHost(recorder);
  const target = `${ROOT}/first`;
  const first = packed(`${SOURCE}@four`);
  await on('a first send that breaks off', pipe(first, CUT, receive(...FIRST, target)));
  await on('the first send while a part is there', pipe(first, receive(...FIRST, target)));
  const token = await tokenOf(recorder, target);
  await on('the rest of the first', pipe(send('-t', token), receive(...FIRST, target)));
  await on('what became of it', datasets(target));
  const other = `${ROOT}/other`;
  await on('another first that breaks off', pipe(first, CUT, receive(...FIRST, other)));
  await on('giving up the first', ['zfs', 'receive', '-A', other]);
  await on('it is gone', datasets(other));
  await on('a first send without its parent', pipe(first, receive(...FIRST, `${ROOT}/nope/other`)));
  await on('an increment for none', pipe(packed('-i', `${SOURCE}@three`, `${SOURCE}@four`), receive(other)));
}

/** ZFS looks at what was changed, not at what was snapshotted. */
async function recordDiverged(recorder: Recorder): Promise<void> {
  const on = onHost(recorder);
  const increment = (from: string, to: string): string[] =>
    pipe(packed('-i', `${SOURCE}@${from}`, `${SOURCE}@${to}`), receive(REPLICA));
  await write(recorder, 'sixth');
  await on('a sixth snapshot', ['zfs', 'snapshot', `${SOURCE}@six`]);
  await on('an increment from what is not there', increment('five', 'six'));
  await on('a snapshot of the replica', ['zfs', 'snapshot', `${REPLICA}@by-hand`]);
  await on('an increment past a snapshot that changes nothing', increment('four', 'six'));
  await on('an increment that is there already', increment('four', 'six'));
  await write(recorder, 'seventh');
  await on('a seventh snapshot', ['zfs', 'snapshot', `${SOURCE}@seven`]);
  await on('an increment from an older one', increment('four', 'seven'));
  const touch = ['readonly=off', 'mountpoint=/replica', 'canmount=noauto'].map((each) => `zfs set ${each} ${REPLICA};`);
  await prepared(
    recorder,
    `${touch.join(' ')} zfs mount ${REPLICA}; echo other >/replica/other; sync; zfs unmount ${REPLICA}`,
  );
  await on('an increment for a replica that was written to', increment('six', 'seven'));
  await on('a replica that was written to', datasets(REPLICA));
  await on('a snapshot of what was written', ['zfs', 'snapshot', `${REPLICA}@changed`]);
  await on('an increment past a snapshot that changes something', increment('six', 'seven'));
  await on('a rollback past a newer snapshot', ['zfs', 'rollback', `${REPLICA}@six`]);
  await on('destroy of what only the replica has', ['zfs', 'destroy', `${REPLICA}@changed`]);
  await on('a rollback', ['zfs', 'rollback', `${REPLICA}@six`]);
  await on('a rollback to none', ['zfs', 'rollback', `${REPLICA}@none`]);
  await on('a replica that was rolled back', datasets(REPLICA));
  await on('an increment for a replica that was rolled back', increment('six', 'seven'));
}

async function recordKinds(recorder: Recorder): Promise<void> {
  const on = onHost(recorder);
  const volume = 'tank/replication/volume';
  await on('a volume', ['zfs', 'create', '-s', '-V', '16M', volume]);
  await on('a snapshot of a volume', ['zfs', 'snapshot', `${volume}@one`]);
  await on('a volume that is sent', pipe(packed(`${volume}@one`), receive(...VOLUME, `${ROOT}/volume`)));
  await on('the replica of a volume', datasets(`${ROOT}/volume`));
  const blanks = ['tank/replication/a b@c d', `${ROOT}/a b`];
  await on('a name with a blank', ['zfs', 'create', '-u', 'tank/replication/a b']);
  await on('a name with a letter that is not ASCII', ['zfs', 'create', '-u', 'tank/replication/ä']);
  await on('a snapshot with a blank', ['zfs', 'snapshot', 'tank/replication/a b@c d']);
  const script = `${packed('"$1"').join(' ')} | ${receive(...FIRST, '"$2"').join(' ')}`;
  await on('a send with blanks', ['sh', '-c', script, 'sh', ...blanks]);
  await on('the replica with a blank', points(`${ROOT}/a b`));
}

async function recordEncrypted(recorder: Recorder): Promise<void> {
  const on = onHost(recorder);
  const [secret, replica] = ['tank/secret', `${ROOT}/secret`];
  const raw = (...words: string[]): string[] => send('-w', ...words);
  const options = '-o encryption=on -o keyformat=raw -o keylocation=file:///root/secret.key -o mountpoint=/secret';
  await prepared(recorder, `head -c 32 /dev/urandom >/root/secret.key; zfs create ${options} ${secret}`);
  await prepared(recorder, 'dd if=/dev/urandom of=/secret/file bs=1M count=8 2>/dev/null; sync /secret/file');
  for (const name of ['one', 'two', 'three', 'four'])
    await on(`a secret snapshot, ${name}`, ['zfs', 'snapshot', `${secret}@${name}`]);
  await on('what a raw send would be', estimate('-w', `${secret}@one`));
  await on('a raw send', pipe(raw(`${secret}@one`), receive(...FIRST, replica)));
  await on('a raw send that breaks off', pipe(raw(`${secret}@one`), CUT, receive(...FIRST, `${ROOT}/cut`)));
  const token = await tokenOf(recorder, `${ROOT}/cut`);
  await on('what a raw token says', ['zfs', 'send', '-nvP', '-t', token]);
  await on('giving up the raw one', ['zfs', 'receive', '-A', `${ROOT}/cut`]);
  await on('a raw increment', pipe(raw('-i', `${secret}@one`, `${secret}@two`), receive(replica)));
  await on('the encrypted replica', datasets(replica));
  await on('the encrypted source', datasets(secret));
  const plain = packed('-i', `${secret}@two`, `${secret}@three`);
  await on('an increment that is not raw, without the key', pipe(plain, receive(replica)));
  await prepared(recorder, `zfs load-key -L file:///root/secret.key ${replica}`);
  await on('an increment that is not raw', pipe(plain, receive(replica)), 'versions warn in words of their own');
  await on('a raw increment after that', pipe(raw('-i', `${secret}@three`, `${secret}@four`), receive(replica)));
  await prepared(recorder, `zfs unmount ${secret}; zfs unload-key ${secret}`);
  await on(
    'a send that is not raw, without the key',
    pipe(packed(`${secret}@one`), receive(...FIRST, `${ROOT}/plain`)),
  );
}

async function recordBusy(recorder: Recorder): Promise<void> {
  const on = onHost(recorder);
  const unit = (name: string, ...more: string[]): Promise<unknown> =>
    recorder.run('n3', ['systemd-run', `--unit=${name}`, '--service-type=exec', ...more]);
  const target = `${ROOT}/busy`;
  await unit(
    'receiving',
    'sh',
    '-c',
    `(zfs send -L -c ${SOURCE}@four | head -c 600000; sleep 600) | zfs receive -s -u ${target}`,
  );
  await until(recorder, `zfs list ${target}`);
  await on('giving up what is being received', ['zfs', 'receive', '-A', target]);
  await on('a send to what is being received', pipe(packed(`${SOURCE}@four`), receive(...FIRST, target)));
  await recorder.run('n3', ['systemctl', 'stop', 'receiving.service']);
  await unit('looking', '--working-directory=/source/.zfs/snapshot/three', 'sleep', '600');
  await on('destroy of a snapshot that somebody looks into', ['zfs', 'destroy', `${SOURCE}@three`]);
  await recorder.run('n3', ['systemctl', 'stop', 'looking.service']);
}

async function until(recorder: Recorder, script: string): Promise<void> {
  await prepared(recorder, `for _ in $(seq 200); do ! ${script} >/dev/null 2>&1 || exit 0; sleep 0.2; done; exit 1`);
}

async function recordFull(recorder: Recorder): Promise<void> {
  const on = onHost(recorder);
  await prepared(recorder, `zfs create -o quota=4M -o mountpoint=none ${ROOT}/small`);
  await on('a send beyond a quota', pipe(packed(`${SOURCE}@four`), receive(...FIRST, `${ROOT}/small/source`)));
  await recorder.lab.pool.fill('n3');
  await on('a send to a full pool', pipe(packed(`${SOURCE}@four`), receive(...FIRST, `${ROOT}/full`)));
  await recorder.lab.pool.free('n3');
}

/** How a host reaches another by itself; nobody has told it the other's host key. */
async function recordWay(recorder: Recorder): Promise<void> {
  const on = onHost(recorder);
  const options = {
    ...{ IgnoreUnknown: 'KnownHostsCommand', BatchMode: 'yes', StrictHostKeyChecking: 'yes', UpdateHostKeys: 'no' },
    ...{ ConnectTimeout: '10', ServerAliveInterval: '5', ServerAliveCountMax: '3', ControlMaster: 'no' },
    ...{ ControlPath: 'none', RequestTTY: 'no', RemoteCommand: 'none', PermitLocalCommand: 'no' },
    ...{ ClearAllForwardings: 'yes', ForwardAgent: 'no', ForwardX11: 'no', EscapeChar: 'none', LogLevel: 'INFO' },
    ...{ HostKeyAlias: 'runbook-n2', UserKnownHostsFile: '"/var/lib/runbook/known-hosts/n2"' },
    ...{ GlobalKnownHostsFile: '/dev/null', KnownHostsCommand: 'none', VerifyHostKeyDNS: 'no', CheckHostIP: 'no' },
  };
  const words = Object.entries(options).flatMap(([key, value]) => ['-o', `${key}=${value}`]);
  const login = ['-l', 'root', '-p', '22', '--', '10.89.0.12'];
  const key = ['-o', 'IdentityFile="/etc/ssh/ssh_host_ed25519_key"', '-o', 'IdentitiesOnly=yes'];
  await on('another host whose key is not known', ['ssh', ...words, ...login, 'true']);
  await on('the same with a key of its own', ['ssh', ...words, ...key, ...login, 'true']);
  await on('a limit where its program is not installed', ['pv', '-q', '-L', '1000']);
}
