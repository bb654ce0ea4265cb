import type { Recorder } from './recorder.ts';

const FOLDER = '/var/lib/runbook/set-aside';
const list = ['find', FOLDER, '-mindepth', '1', '-maxdepth', '1', '-type', 'd', '-printf', '%f\\t%T@\\n'];
const size = ['du', '-skx', '--', `${FOLDER}/run-1`];
const remove = ['rm', '-rf', '--one-file-system', '--', `${FOLDER}/run-1`];

/** Folders that runs have set aside. */
export async function recordSetAside(recorder: Recorder): Promise<void> {
  const on = (note: string, argv: string[], varies?: string): Promise<unknown> =>
    recorder.on('n3', note, argv, varies === undefined ? {} : { varies });
  await recorder.run('n3', ['rm', '-rf', FOLDER]);
  await on('none', list);
  await on('one is set aside', ['mkdir', '-p', '-m', '700', `${FOLDER}/run-1/database`]);
  await on('one', list, 'when it was made');
  await on('its size', size, 'how a file system counts');
  await on('removed', remove);
  await on('removed again', remove);
  await on('none is left', list);
}
