import type { Recorder } from './recorder.ts';

const REPOSITORY = ['--repo=/root/repository', '--password-file=/root/password'];
/** As the product reads a file of variables, in short. */
const WITH_ENVIRONMENT = `[ -r "$1" ] || { echo "runbook: $1 cannot be read" >&2; exit 78; }
while IFS= read -r line; do export "$line"; done <"$1"
shift; exec "$@"`;
/** As the product shows a snapshot to restic alone, in short. */
const MOUNTED = `mkdir -p -m 700 -- "$3" || exit 79
mount --bind -o ro -- "$2" "$3" || exit 79
cd "$3" && shift 3 && exec "$@"`;
const PROGRESS = 'how far it tells it is';
const LEDGER = '/var/lib/runbook/restic/0a1b2c3d.json';

/** On the host that the backups are read from. */
export async function recordRestic(recorder: Recorder): Promise<void> {
  await prepare(recorder);
  await recordSnapshots(recorder);
  await recordBackups(recorder);
  await recordMaintenance(recorder);
  await recordRestores(recorder);
  await recordProblems(recorder);
}

async function prepare(recorder: Recorder): Promise<void> {
  const on = onHost(recorder);
  await on('its version', ['restic', 'version']);
  await on('files', [
    ...['sh', '-c'],
    'echo secret >/root/password; echo other >/root/other; echo text >/root/file; mkdir -p /root/data /root/empty; echo one >/root/data/one',
  ]);
  await on('init', ['restic', 'init', '--json', ...REPOSITORY]);
}

async function recordSnapshots(recorder: Recorder): Promise<void> {
  const on = onHost(recorder);
  const snapshots = (note: string, ...more: string[]): Promise<unknown> =>
    on(note, ['restic', 'snapshots', '--json', '--latest', '1', '--no-lock', ...REPOSITORY, ...more]);
  await snapshots('no snapshots');
  await on('a plain backup', ['restic', 'backup', '--json', ...REPOSITORY, '--tag=home', '/root/file'], PROGRESS);
  await snapshots('a snapshot');
  await snapshots('by tag and path', '--tag=home', '--path=/root/file');
  await snapshots('none with that tag', '--tag=nope');
  const backup = ['restic', 'backup', '--json', '--stdin', '--stdin-filename', 'one', '--host=n1', ...REPOSITORY];
  await recorder.on('n3', 'a file from memory', [...backup, '--tag=memory'], { varies: PROGRESS, input: 'text\n' });
  const all = ['restic', 'snapshots', '--json', '--no-lock', ...REPOSITORY, '--tag=memory'];
  const { stdout } = await on('every snapshot of a tag', all);
  const [{ id }] = JSON.parse(stdout) as [{ id: string }];
  const dump = ['restic', 'dump', '--no-lock', ...REPOSITORY, '--tag=memory', id, '/one'];
  await on('its file', ['bash', '-c', 'set -o pipefail; "$@" | base64 --wrap=0', 'bash', ...dump], DUMPED);
}

const DUMPED = 'snapshots have other ids here';
const BACKUP = ['restic', 'backup', '--json', '--retry-lock=5m', '--group-by=host,paths'];
const NAMED = ['--host=g1', '--tag=runbook', '--tag=runbook-20261128-0214-3f9c', '--time=2026-11-28 02:14:00'];

async function recordBackups(recorder: Recorder): Promise<void> {
  const on = onHost(recorder);
  const backUp = (note: string, ...paths: string[]): Promise<unknown> =>
    on(note, [...BACKUP, ...REPOSITORY, ...NAMED, '--', ...paths]);
  await backUp('of a path', '/root/data');
  await backUp('of two paths', '/root/data', '/root/file');
  await backUp('of a path that is not there, and one that is', '/root/data', '/root/nope');
  await backUp('of a path that is not there', '/root/nope');
  await backUp('of a folder without files', '/root/empty');
  await backUp('with a file that nobody can read', '/root/data', '/proc/sys/vm/compact_memory');
  const snapshots = ['restic', 'snapshots', '--json', '--no-lock', ...REPOSITORY];
  await on('of a machine and tags', [...snapshots, '--tag=runbook', '--host=g1']);
  const own = ['unshare', '--mount', '--propagation', 'private', 'sh', '-c', MOUNTED, 'sh', 'folder'];
  const shown = [...BACKUP, ...REPOSITORY, ...NAMED, '--', '.'];
  await on('of what is mounted for it alone', [...own, '/root/data', '/run/runbook/restic/data', ...shown]);
  await on('of what cannot be mounted', [...own, '/root/nope', '/run/runbook/restic/data', ...shown]);
  await on('nothing is left mounted', ['grep', '-c', '/run/runbook', '/proc/self/mountinfo']);
}

async function recordMaintenance(recorder: Recorder): Promise<void> {
  const on = onHost(recorder);
  const forget = ['restic', 'forget', '--retry-lock=5m', '--group-by=host,paths', ...REPOSITORY];
  await on('forget', [...forget, '--host=g1', '--tag=runbook', '--keep-last=1', '--keep-daily=7']);
  await on('forget what is not there', [...forget, '--host=nobody', '--tag=runbook', '--keep-last=1']);
  await on('prune', ['restic', 'prune', '--retry-lock=5m', ...REPOSITORY], 'how much there is to prune');
  await on('check', ['restic', 'check', '--json', '--retry-lock=5m', '--read-data-subset=1/3', ...REPOSITORY]);
  await on('unlock where nothing is locked', ['restic', 'unlock', ...REPOSITORY]);
  const killed = 'sleep 6 | timeout -s KILL 3 restic backup --stdin "$@" || true';
  await recorder.run('n3', ['sh', '-c', killed, 'sh', ...REPOSITORY]);
  await on('a backup beside its lock', [...BACKUP, ...REPOSITORY, ...NAMED, '--', '/root/data']);
  await on('prune where it is locked', ['restic', 'prune', '--retry-lock=1s', ...REPOSITORY], WHO);
  await on('check where it is locked', [
    ...['restic', 'check', '--json', '--retry-lock=1s', '--read-data-subset=1/3'],
    ...REPOSITORY,
  ]);
  await on('unlock', ['restic', 'unlock', ...REPOSITORY]);
  await on('forget after it', [...forget, '--host=g1', '--tag=runbook', '--keep-last=1', '--keep-daily=7']);
  await recordAppendOnly(recorder);
  await recordDamage(recorder);
  await recordLedger(recorder);
}

const WHO = 'it says who has the lock, and since when';

/** A server that takes backups and lets nobody delete. */
async function recordAppendOnly(recorder: Recorder): Promise<void> {
  const on = onHost(recorder);
  const serve = ['restic-rest-server', '--path=/root/served', '--listen=127.0.0.1:8103', '--no-auth', '--append-only'];
  await recorder.run('n3', ['systemd-run', '--quiet', '--unit=served', '--collect', ...serve]);
  const answers =
    'for i in $(seq 100); do curl -s -o /dev/null http://127.0.0.1:8103/ && exit; sleep 0.1; done; exit 1';
  await recorder.run('n3', ['sh', '-c', answers]);
  const repository = ['--repo=rest:http://127.0.0.1:8103/kept', '--password-file=/root/password'];
  await recorder.run('n3', ['restic', 'init', ...repository]);
  for (const file of ['/root/data', '/root/data'])
    await recorder.run('n3', ['restic', 'backup', ...repository, '--host=g1', '--tag=runbook', file]);
  const forget = ['restic', 'forget', '--retry-lock=5m', '--group-by=host,paths', ...repository];
  await on('forget where nobody may delete', [...forget, '--host=g1', '--tag=runbook', '--keep-last=1']);
  await recorder.run('n3', ['systemctl', 'stop', 'served']);
}

async function recordDamage(recorder: Recorder): Promise<void> {
  const on = onHost(recorder);
  const broken =
    'cp -r /root/repository /root/broken; for f in $(find /root/broken/data -type f); do chmod 600 $f; echo x >$f; done';
  await recorder.run('n3', ['sh', '-c', broken]);
  const repository = ['--repo=/root/broken', '--password-file=/root/password'];
  const check = ['restic', 'check', '--json', '--retry-lock=5m', '--read-data-subset=1/1', ...repository];
  await on('check of a damaged repository', check, 'how many packs there are');
}

async function recordLedger(recorder: Recorder): Promise<void> {
  const on = onHost(recorder);
  const read = ['sh', '-c', 'if [ -e "$1" ]; then cat -- "$1" && echo && echo end; else echo none; fi', 'sh', LEDGER];
  await on('no ledger', read);
  await on('a place for it', ['mkdir', '-p', '-m', '700', '/var/lib/runbook/restic']);
  await recorder.run('n3', ['sh', '-c', `echo '{}' >${LEDGER}`]);
  await on('a ledger', read);
}

async function recordRestores(recorder: Recorder): Promise<void> {
  const on = onHost(recorder);
  const snapshots = ['restic', 'snapshots', '--json', '--no-lock', ...REPOSITORY, '--tag=runbook', '--path=/root/data'];
  const { stdout } = await recorder.run('n3', snapshots);
  const { id } = (JSON.parse(stdout) as { id: string }[]).at(-1) ?? { id: '' };
  const restore = [
    'restic',
    'restore',
    '--json',
    '--no-lock',
    '--verify',
    ...REPOSITORY,
    '--target=/root/restored',
    '--',
  ];
  await on('restored', [...restore, id], DUMPED);
  await on('a part of it restored', [...restore, `${id}:/root/data`], DUMPED);
  await on('a part that is not in it', [...restore, `${id}:/nope`], DUMPED);
  await on('restored from a snapshot that is not there', [...restore, 'deadbeef']);
}

async function recordProblems(recorder: Recorder): Promise<void> {
  const on = onHost(recorder);
  const snapshots = (note: string, ...more: string[]): Promise<unknown> =>
    on(note, ['restic', 'snapshots', '--json', '--latest', '1', '--no-lock', ...more]);
  await snapshots('no repository', '--repo=/root/nope', '--password-file=/root/password');
  await snapshots('wrong password', '--repo=/root/repository', '--password-file=/root/other');
  await snapshots('no password', '--repo=/root/repository', '--password-file=/root/nope');
  const wrapped = (file: string): string[] => ['sh', '-c', WITH_ENVIRONMENT, 'sh', file];
  const list = ['restic', 'snapshots', '--json', '--no-lock', ...REPOSITORY];
  await on('no file of variables', [...wrapped('/root/no-environment'), ...list]);
  await recorder.run('n3', ['sh', '-c', 'umask 077; echo RESTIC_REST_USERNAME=edge >/root/environment']);
  await on('with a file of variables', [...wrapped('/root/environment'), ...list], 'there are others here');
}

function onHost(recorder: Recorder) {
  return (note: string, argv: readonly string[], varies?: string): ReturnType<Recorder['on']> =>
    recorder.on('n3', note, argv, varies === undefined ? {} : { varies });
}
