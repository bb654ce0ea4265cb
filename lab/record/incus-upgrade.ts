import { HOSTS } from '../nodes.ts';
import { deployArgv, profileAttribute, type Deployment } from './deploy-commands.ts';
import { EXPIRY, MEMBERS, query, send } from './incus-commands.ts';
import type { Recorder } from './recorder.ts';

const RACE = 'one of the members may fail with “database is locked”, and how far each is depends on the others';
const UNIT = ['systemctl', 'show', '--property=LoadState,ActiveState,SubState,Result', '--', 'incus.service'];

/** A version jump of Incus: one member first, which waits for the others. */
export async function recordIncusUpgrade(recorder: Recorder): Promise<void> {
  const { lab } = recorder;
  let revision = '';
  for (const { name } of HOSTS) revision = await recorder.setSpec(name, { incus: lab.facts.newerIncus });
  const build = ['nix', 'build', '--no-link', '--print-out-paths', profileAttribute(recorder, revision, 'n1')];
  const path = await recorder.here('the new closure', build);
  await recorder.here('its Incus', ['nix', 'path-info', '--recursive', path.stdout.trim()]);
  const quiet: Deployment = { magicRollback: false, autoRollback: false };
  const deploy = (node: string): Promise<unknown> =>
    recorder.here(`${node}: the new Incus`, deployArgv(recorder, node, revision, quiet), { varies: RACE });
  const first = deploy('n3');
  await lab.memberIs('n1', 'Blocked');
  await recorder.on('n1', 'n3 is ahead: the others are Blocked', MEMBERS);
  await recorder.on('n3', 'on n3: hangs', MEMBERS, { timeoutMs: 5000 });
  await recorder.on('n3', 'its unit', UNIT);
  await Promise.all([first, deploy('n1'), deploy('n2')]);
  for (const { name } of HOSTS) await repair(recorder, name);
  await lab.online();
  await recorder.on('n1', 'all are there', MEMBERS);
  await recorder.on('n1', 'server', query('/1.0'));
  await recordNewerSnapshots(recorder);
}

async function repair(recorder: Recorder, name: string): Promise<void> {
  const unit = await recorder.on(name, 'the unit then', UNIT, { varies: RACE });
  if (unit.stdout.includes('ActiveState=active')) return;
  await recorder.on(name, 'why', ['tail', '-n', '5', '/var/log/incus/incus.log'], { varies: RACE });
  await recorder.on(name, 'repaired by', ['systemctl', 'kill', '--', 'incus.service'], { varies: RACE });
  await recorder.on(name, 'and', ['systemctl', 'restart', '--no-block', '--', 'incus.service'], { varies: RACE });
}

/** Where its texts are others than those of the older one. */
async function recordNewerSnapshots(recorder: Recorder): Promise<void> {
  const on = (note: string, argv: string[]): Promise<unknown> => recorder.on('n1', note, argv);
  const snapshots = '/1.0/instances/g3/snapshots';
  const create = send('POST', `${snapshots}?project=default`, { name: 'runbook-1', expires_at: EXPIRY });
  await on('snapshot of an instance', create);
  await on('the same again', create);
  await on('its removal', send('DELETE', `${snapshots}/runbook-1?project=default`));
  await on('its removal again', send('DELETE', `${snapshots}/runbook-1?project=default`));
  const volume = '/1.0/storage-pools/local/volumes/custom/g3-data/snapshots';
  const ofVolume = send('POST', `${volume}?project=default&target=n3`, { name: 'runbook-1', expires_at: EXPIRY });
  await on('snapshot of a volume', ofVolume);
  await on('of a volume, the same again', ofVolume);
  await on('of a volume, its removal', send('DELETE', `${volume}/runbook-1?project=default&target=n3`));
  await on('of a volume, its removal again', send('DELETE', `${volume}/runbook-1?project=default&target=n3`));
}
