import { EXPIRY, query, send, start, stop } from './incus-commands.ts';
import type { Recorder } from './recorder.ts';

const RACE = 'which of two that were asked for at once comes first';

export async function recordInstanceSnapshots(recorder: Recorder): Promise<void> {
  const on = (note: string, argv: string[], varies?: string): Promise<unknown> =>
    recorder.on('n1', note, argv, varies === undefined ? {} : { varies });
  const instance = (name: string): string => `/1.0/instances/${name}`;
  const snapshots = (name: string): string => `${instance(name)}/snapshots`;
  const body = { name: 'runbook-1', expires_at: EXPIRY };
  const project = '?project=default';
  await on('no snapshots yet', query(`${snapshots('g3')}?recursion=1&project=default`));
  await on('create', send('POST', `${snapshots('g3')}${project}`, body));
  await on('create again: duplicate', send('POST', `${snapshots('g3')}${project}`, body));
  await on('create of a missing instance', send('POST', `${snapshots('nope')}${project}`, body));
  await on('create without an expiry', send('POST', `${snapshots('g2')}${project}`, { name: 'runbook-2' }));
  await on('list', query(`${snapshots('g3')}?recursion=1&project=default`));
  await on('list of one that never expires', query(`${snapshots('g2')}?recursion=1&project=default`));
  await on('list of a missing instance', query(`${snapshots('nope')}?recursion=1&project=default`));
  await recorder.on('g3', 'written after the snapshot', ['sh', '-c', 'echo later >/root/later']);
  const restore = send('PUT', `${instance('g3')}${project}`, { restore: 'runbook-1' });
  await on('restore', restore);
  await recorder.on('g3', 'gone with the restore', ['cat', '/root/later']);
  await Promise.all([
    on('restore, asked for twice at once', restore, RACE),
    on('restore, the other one', restore, RACE),
  ]);
  await on('restore of a missing one', send('PUT', `${instance('g3')}${project}`, { restore: 'nope' }));
  await on('restore of a missing instance', send('PUT', `${instance('nope')}${project}`, { restore: 'nope' }));
  await on('delete', send('DELETE', `${snapshots('g3')}/runbook-1${project}`));
  await on('delete again', send('DELETE', `${snapshots('g3')}/runbook-1${project}`));
  await on('delete of a missing instance', send('DELETE', `${snapshots('nope')}/runbook-1${project}`));
  await on('delete on another member', send('DELETE', `${snapshots('g2')}/runbook-2${project}`));
}

export async function recordVolumeSnapshots(recorder: Recorder): Promise<void> {
  const on = (note: string, argv: string[]): Promise<unknown> => recorder.on('n1', note, argv);
  const volume = '/1.0/storage-pools/local/volumes/custom/g2-data';
  const at = (member: string): string => `?project=default&target=${member}`;
  const list = (path: string, member: string): string[] =>
    query(`${path}/snapshots?recursion=1&project=default&target=${member}`);
  const body = { name: 'runbook-1', expires_at: EXPIRY };
  await on('no snapshots yet', list(volume, 'n2'));
  await on('create', send('POST', `${volume}/snapshots${at('n2')}`, body));
  await on('create again: duplicate', send('POST', `${volume}/snapshots${at('n2')}`, body));
  await on('create at the wrong member', send('POST', `${volume}/snapshots${at('n1')}`, body));
  await on('create of a missing volume', send('POST', `${volume.replace('g2', 'nope')}/snapshots${at('n2')}`, body));
  await on('list', list(volume, 'n2'));
  await on('list at the wrong member', list(volume, 'n1'));
  await on('list of a missing volume', list(volume.replace('g2', 'nope'), 'n2'));
  await recorder.on('g2', 'written after the snapshot', ['sh', '-c', 'echo later >/srv/data/later']);
  const restore = (name: string): string[] => send('PUT', `${volume}${at('n2')}`, { restore: name });
  await on('restore while an instance uses it', restore('runbook-1'));
  await on('its instance is stopped', stop('g2'));
  await on('restore', restore('runbook-1'));
  await on('restore of a missing one', restore('nope'));
  await on('its instance is started', start('g2'));
  await recorder.on('g2', 'gone with the restore', ['cat', '/srv/data/later']);
  await on('delete', send('DELETE', `${volume}/snapshots/runbook-1${at('n2')}`));
  await on('delete again', send('DELETE', `${volume}/snapshots/runbook-1${at('n2')}`));
}
