import type { Recorder } from './recorder.ts';

const SOURCE = 'tank/drilled';
const ROOT = 'tank/drill-replicas';
const REPLICA = `${ROOT}/drilled`;
const SCRATCH = 'tank/runbook-drill';
const RESTORED = `${SCRATCH}/runbook-20261128-0214-3f9c-n3-1-1`;
const FOLDER = '/var/lib/runbook/drill/recorded';
const FIRST = '-o readonly=on -o canmount=noauto -o mountpoint=none';
const PROOF = {
  ...{ outcome: 'proven', at: '2026-11-28T02:14:00.000Z', guid: '1', snapshotAt: '2026-11-28T02:00:00.000Z' },
  words: 'all of 3 files, and the names of 4',
};

/**
 * For hosts whose storage pool is on ZFS: a copy that is sent back, shown beside its source and written above; what is noted on
 * a replica leaves it as it is for the next increment.
 */
export async function recordDrill(recorder: Recorder): Promise<void> {
  const on = (note: string, argv: readonly string[], varies?: string): Promise<unknown> =>
    recorder.on('n3', note, argv, varies === undefined ? {} : { varies });
  const prepared = async (script: string): Promise<void> => {
    const { exitCode, stderr } = await recorder.run('n3', ['sh', '-ec', script]);
    if (exitCode !== 0) throw new Error(`${script}: ${stderr}`);
  };
  const pipe = (from: string, to: string): string[] => [
    ...['sh', '-c', `zfs send -vP -L -c ${from} | zfs receive -s -u ${FIRST} ${to}`],
  ];
  const inNamespace = (script: string): string[] => [
    ...['unshare', '--mount', '--propagation', 'private', 'sh', '-c', script, 'sh'],
  ];
  await prepared(`zfs create -o mountpoint=/drilled ${SOURCE}; echo one >/drilled/file; zfs snapshot ${SOURCE}@one`);
  for (const parent of [ROOT, SCRATCH])
    await prepared(`zfs create -o canmount=off -o mountpoint=none -o readonly=on ${parent}`);
  await on('a copy', pipe(`${SOURCE}@one`, REPLICA));
  await on('what is restored of it', pipe(`${REPLICA}@one`, RESTORED));
  const show = `mkdir -p $3 $4 ${FOLDER}/upper ${FOLDER}/work ${FOLDER}/check
mount -t zfs -o ro -- "$1" "$3" && mount -t zfs -o ro -- "$2" "$4" || exit 79
cmp "$3/file" "$4/file" && ls "$4"`;
  const sides = [`${SOURCE}@one`, `${RESTORED}@one`, `${FOLDER}/source`, `${FOLDER}/copy`];
  await on('both sides, shown to one command alone', [...inNamespace(show), ...sides]);
  const above = `${show}
mount -t overlay -o "lowerdir=$4,upperdir=${FOLDER}/upper,workdir=${FOLDER}/work" -- overlay ${FOLDER}/check || exit 79
echo two >>${FOLDER}/check/file && cat ${FOLDER}/check/file "$4/file"`;
  await on('what is written above a copy', [...inNamespace(above), ...sides]);
  await on('nothing is left mounted', ['sh', '-c', `grep -c ${FOLDER} /proc/mounts`]);
  await on('a proof', ['zfs', 'set', `runbook:proven=${JSON.stringify(PROOF)}`, REPLICA]);
  const proofs = ['zfs', 'get', '-Hp', '-s', 'local', '-o', 'name,property,value', '-t', 'filesystem,volume'];
  await on('proofs', [...proofs, 'runbook:proven']);
  await prepared(`echo more >>/drilled/file; zfs snapshot ${SOURCE}@two`);
  const next = `zfs send -vP -L -c -i ${SOURCE}@one ${SOURCE}@two | zfs receive -s -u ${REPLICA}`;
  await on('an increment after a proof', ['sh', '-c', next]);
  await on('destroy of what was restored', ['zfs', 'destroy', '-r', RESTORED]);
  await prepared(`zfs destroy -r ${SCRATCH}; zfs destroy -r ${ROOT}; zfs destroy -r ${SOURCE}; rm -rf ${FOLDER}`);
}
