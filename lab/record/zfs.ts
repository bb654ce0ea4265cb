import { EXPIRY, query, send, state } from './incus-commands.ts';
import type { Recorder } from './recorder.ts';

const health = (...pools: string[]): string[] => [
  'zpool',
  'list',
  '-Hp',
  '-o',
  'name,health,size,alloc,free',
  ...pools,
];
const newest = (dataset: string): string[] => [
  ...['zfs', 'list', '-Hp', '-t', 'snapshot', '-d', '1', '-o', 'name,creation', '-S', 'creation', dataset],
];
const below = (dataset: string, how: readonly string[] = ['-d', '1']): string[] => [
  ...['zfs', 'list', '-Hp', '-t', 'all', ...how, '-o', 'name', dataset],
];
const POOL = query('/1.0/storage-pools/local?target=n3');

/** For hosts whose storage pool `local` is on ZFS. */
export async function recordZfs(recorder: Recorder): Promise<void> {
  const on = (note: string, argv: string[]): Promise<unknown> => recorder.on('n3', note, argv);
  const zfs = (...argv: string[]): Promise<unknown> => recorder.run('n3', ['zfs', ...argv]);
  const pool = (await sourceOf(recorder)).split('/')[0] ?? '';
  const [dataset, empty] = [`${pool}/contract`, `${pool}/empty`];
  for (const name of [dataset, empty]) await zfs('create', name);
  await zfs('snapshot', `${dataset}@first`);
  // Creation times are whole seconds.
  await new Promise((resolve) => setTimeout(resolve, 1100));
  await zfs('snapshot', `${dataset}@second`);
  await on('all pools', health());
  await on('a pool', health(pool));
  await on('no such pool', health('nope'));
  await on('no snapshots', newest(empty));
  await on('the newest snapshot first', newest(dataset));
  await on('no such dataset', newest(`${pool}/nope`));
  await on('no dataset of such a pool', newest('nope/nope'));
  await on('what is below', below(dataset));
  await on('what is below an empty one', below(empty));
  await on('what is below none', below(`${pool}/nope`));
  await on('what is below at any depth', below(dataset, ['-r']));
  await on('a quota that is switched off', ['zfs', 'set', 'quota=none', dataset]);
  await on('what was set', ['zfs', 'get', '-Hp', '-s', 'local', '-o', 'property,value', 'all', dataset]);
  await on('a quota as it is told', ['zfs', 'set', 'quota=0', dataset]);
  await on('destroy of one that has snapshots', ['zfs', 'destroy', dataset]);
  await on('destroy', ['zfs', 'destroy', empty]);
  await on('destroy again', ['zfs', 'destroy', empty]);
  await zfs('destroy', '-r', dataset);
}

const KEPT = 'runbook:kept,runbook:kept-from,runbook:kept-at,runbook:kept-why,runbook:rejoin';
const keptHere = ['zfs', 'get', '-Hp', '-s', 'local', '-o', 'name,property,value', '-t', 'filesystem,volume', KEPT];
const parts = (dataset: string): string[] => [
  ...['zfs', 'list', '-Hp', '-t', 'filesystem,volume,snapshot', '-r'],
  ...['-o', 'name,type,used,mounted,clones,userrefs', dataset],
];
const destroyAll = (dataset: string): string[] => ['zfs', 'destroy', '-r', dataset];

/** What runs set aside, and its end: what is below it inherits its mark; clones, holds and users keep it. */
export async function recordKept(recorder: Recorder): Promise<void> {
  const pool = (await sourceOf(recorder)).split('/')[0] ?? '';
  const on = (note: string, argv: string[]): Promise<unknown> => recorder.on('n3', note, argv);
  const zfs = (...argv: string[]): Promise<unknown> => recorder.run('n3', ['zfs', ...argv]);
  const kept = `${pool}/kept`;
  const child = `${kept}/child`;
  await on('kept: none', keptHere);
  const marks = ['kept=run', 'kept-from=tank/incus', 'kept-at=2026-11-27T00:00:00Z', 'kept-why=a member came back'];
  await zfs('create', '-u', ...marks.flatMap((mark) => ['-o', `runbook:${mark}`]), kept);
  await zfs('create', '-u', child);
  await zfs('create', '-s', '-V', '16M', `${kept}/volume`);
  await zfs('snapshot', '-r', `${kept}@one`);
  await on('kept: its own mark alone', keptHere);
  await on('kept: what is below', parts(kept));
  await zfs('clone', `${child}@one`, `${pool}/clone`);
  await on('kept: with a clone', parts(kept));
  await on('kept: destroy with a clone elsewhere', destroyAll(kept));
  await on('kept: after that', parts(kept));
  await zfs('destroy', `${pool}/clone`);
  await zfs('hold', 'runbook', `${child}@one`);
  await on('kept: with a hold', parts(kept));
  await on('kept: destroy with a hold', destroyAll(kept));
  await zfs('release', 'runbook', `${child}@one`);
  await zfs('set', 'mountpoint=/kept', child);
  await on('kept: mounted', parts(kept));
  await recorder.run('n3', ['systemd-run', '--unit=busy', '--working-directory=/kept', 'sleep', '600']);
  await on('kept: destroy while somebody is in it', destroyAll(kept));
  await recorder.run('n3', ['systemctl', 'stop', 'busy.service']);
  await on('kept: destroy', destroyAll(kept));
  await on('kept: destroy again', destroyAll(kept));
  await on('kept: gone', parts(kept));
}

/** What ZFS keeps Incus from: `g3` on `n3` is stopped and restored by it. */
export async function recordIncusOnZfs(recorder: Recorder): Promise<void> {
  const on = (note: string, argv: string[]): Promise<unknown> => recorder.on('n3', note, argv);
  const zfs = (...argv: string[]): Promise<unknown> => recorder.run('n3', ['zfs', ...argv]);
  const dataset = `${await sourceOf(recorder)}/containers/g3`;
  const instance = '/1.0/instances/g3';
  const create = (name: string): string[] =>
    send('POST', `${instance}/snapshots?project=default`, { name, expires_at: EXPIRY });
  const remove = (name: string): string[] => send('DELETE', `${instance}/snapshots/${name}?project=default`);
  const restore = (name: string): string[] => send('PUT', `${instance}?project=default`, { restore: name });
  await on('the pool of a member', POOL);
  await on('create', create('runbook-1'));
  await on('create a newer one', create('runbook-2'));
  await on('restore with a newer snapshot', restore('runbook-1'));
  await on('it has stopped the instance', state('g3'));
  await zfs('hold', 'runbook', `${dataset}@snapshot-runbook-2`);
  await on('delete of a held one', remove('runbook-2'));
  await zfs('release', 'runbook', `${dataset}@snapshot-runbook-2`);
  await on('delete', remove('runbook-2'));
  await zfs('snapshot', `${dataset}@foreign`);
  await on('restore with a newer snapshot outside Incus', restore('runbook-1'));
  await zfs('bookmark', `${dataset}@foreign`, `${dataset}#foreign`);
  await zfs('destroy', `${dataset}@foreign`);
  await on('restore with a newer bookmark', restore('runbook-1'));
  await zfs('destroy', `${dataset}#foreign`);
  await on('restore', restore('runbook-1'));
  await on('delete the last one', remove('runbook-1'));
}

/** The dataset of Incus's pool on that host. */
async function sourceOf(recorder: Recorder): Promise<string> {
  const { stdout } = await recorder.run('n3', POOL);
  return (JSON.parse(stdout) as { config: { source: string } }).config.source;
}
