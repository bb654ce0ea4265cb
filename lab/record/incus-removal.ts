import { MEMBERS, query } from './incus-commands.ts';
import type { Recorder } from './recorder.ts';

const leave = (name: string): string[] => ['incus', 'cluster', 'remove', '--quiet', name];

/** `n3` leaves a cluster of three, once nothing is on it. */
export async function recordLeaving(recorder: Recorder): Promise<void> {
  // What was recorded before it has left another cluster.
  await recorder.lab.reset();
  const on = (note: string, argv: string[], varies?: string): Promise<unknown> =>
    recorder.on('n1', note, argv, varies === undefined ? {} : { varies });
  await on('leave with an instance', leave('n3'));
  await on(
    'the volumes of all projects',
    query('/1.0/storage-pools/local/volumes/custom?recursion=1&all-projects=true'),
  );
  await on('its instance is deleted', ['incus', 'delete', '--quiet', '--force', 'g3']);
  await recorder.run('n3', ['incus', 'storage', 'volume', 'delete', 'local', 'g3-data', '--target', 'n3']);
  await on('leave', leave('n3'));
  await on('leave again', leave('n3'));
  await on('without it: members', MEMBERS, 'which of them hold the database is decided anew');
  await recorder.on('n3', 'left: the server', query('/1.0'));
  await recorder.on('n3', 'left: the cluster', query('/1.0/cluster'));
  await recorder.on('n3', 'left: pools', query('/1.0/storage-pools?recursion=1'));
  await recorder.on('n3', 'left: networks', query('/1.0/networks?recursion=1'));
}
