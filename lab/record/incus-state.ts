import { MEMBERS, query, state } from './incus-commands.ts';
import type { Recorder } from './recorder.ts';

export async function recordState(recorder: Recorder): Promise<void> {
  const on = (note: string, argv: string[]): Promise<unknown> => recorder.on('n1', note, argv);
  const pool = '/1.0/storage-pools/local';
  await on('all online', MEMBERS);
  await on('server', query('/1.0'));
  await on('ready', ['incus', 'admin', 'waitready', '--timeout=5']);
  await on('every instance of the cluster', query('/1.0/instances?recursion=1&all-projects=true'));
  await on('every instance of a project', query('/1.0/instances?recursion=1&project=default'));
  await on('instances of no such project', query('/1.0/instances?recursion=1&project=nope'));
  await on('state of an instance on another member', state('g2'));
  await on('state of no such instance', state('nope'));
  await on('pool', query(pool));
  await on('pool, with what is its own on a member', query(`${pool}?target=n2`));
  await on('no such pool', query('/1.0/storage-pools/nope'));
  await on('space', query(`${pool}/resources?target=n1`));
  await on('space of another member', query(`${pool}/resources?target=n2`));
  await on('space of whoever is asked', query(`${pool}/resources`));
  await on('space, no such member', query(`${pool}/resources?target=nope`));
  await on('custom volumes', query(`${pool}/volumes/custom?recursion=1&project=default`));
  await on(
    'custom volumes of no such pool',
    query('/1.0/storage-pools/nope/volumes/custom?recursion=1&project=default'),
  );
  await recordAlone(recorder);
}

/** A daemon with a folder of its own beside that of the cluster. */
async function recordAlone(recorder: Recorder): Promise<void> {
  const daemon = ['/usr/libexec/incus/incusd', '--group', 'root'];
  const alone = (...argv: string[]): string[] => ['env', 'INCUS_DIR=/data/alone', ...argv];
  await recorder.run('n3', ['mkdir', '-p', '/data/alone']);
  await recorder.run('n3', ['systemd-run', '--quiet', '--unit=alone', '--', ...alone(...daemon)]);
  await recorder.run('n3', alone('incus', 'admin', 'waitready', '--timeout=30'));
  await recorder.on('n3', 'members of no cluster', alone(...MEMBERS));
  await recorder.run('n3', ['systemctl', 'stop', 'alone']);
}
