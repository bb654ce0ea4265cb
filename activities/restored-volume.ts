import type { Host } from '../hosts/host.ts';
import { isUnderWay, type Restoration } from '../plan/restore.ts';
import { createIncus, type Incus } from '../tools/incus.ts';
import { createZfsDatasets } from '../tools/zfs-datasets.ts';
import type { Reached, RestorationRef } from './contract.ts';
import type { Deps } from './deps.ts';
import { expecting } from './expecting.ts';
import { failure, toolFailure } from './failure.ts';
import type { ActivityContext } from './guard.ts';
import { isListed, isOf, RESTORED, targetOn, unknownTitle, volumeRecord } from './observe-restore.ts';

/** Of a volume itself, and none of its copy. */
const OWN_KEYS = ['volatile.uuid'];

/**
 * Incus takes the dataset into its records, and nothing else with it; what the cluster knows of the original is given to the
 * new volume. Idempotent.
 */
export async function recoverVolume(
  deps: Deps,
  { fleet: ref, restoration }: RestorationRef,
  { signal, report }: ActivityContext,
): Promise<Reached> {
  const fleet = await deps.fleetAt(ref);
  const host = deps.machines.member(fleet, restoration.member);
  const incus = createIncus(host, { signal });
  await becomeOwn(host, restoration, signal);
  const wasListed = await isListed(incus, restoration);
  if (!wasListed) {
    const { volumes, dependencies } = await unknown(incus, restoration);
    const others = volumes.filter((each) => !isOf(restoration, each));
    if (others.length > 0)
      throw failure('GateRefused', `Incus would take in others with it: ${others.map(unknownTitle).join(', ')}.`);
    if (dependencies.length > 0) throw missing(dependencies);
    report({ progress: restoration.name });
    const answer = await incus.recover([restoration.pool]);
    if (answer.type === 'dependencies') throw missing(answer.missing);
    expecting(answer, 'recovered', restoration.member);
    if (!(await isListed(incus, restoration)))
      throw failure('Unexpected', `Incus has not taken in ${restoration.name}, and says nothing of it.`);
  }
  const changed = await configure(incus, restoration);
  return wasListed && !changed ? 'already' : 'done';
}

const missing = (dependencies: readonly string[]): Error =>
  failure('Unexpected', `Incus recovers nothing before this is there: ${dependencies.join('; ')}`);

const unknown = async (incus: Incus, { pool, member }: Restoration) =>
  expecting(await incus.unknownVolumes([pool]), 'unknown volumes', member);

/** From what is received to what Incus expects. Both in one command: what bears the mark is writable. */
export async function becomeOwn(
  host: Host,
  { dataset, kind, snapshot }: Restoration,
  signal: AbortSignal,
): Promise<Reached> {
  const target = await targetOn(host, dataset, signal);
  if (target !== undefined && isUnderWay(target, snapshot.guid)) return 'already';
  if (target === undefined || !target.readonly || !target.guids.includes(snapshot.guid))
    throw failure('Unexpected', `${host.name} has no ${dataset} that a restore has received.`);
  if (target.locked)
    throw failure('KeyNotLoaded', `Its key is not loaded on ${host.name}: zfs load-key ${dataset} there, then go on.`);
  // As Incus makes them; it gives a volume its device when it needs it.
  const own = kind === 'filesystem' ? { mountpoint: 'legacy', canmount: 'noauto' } : {};
  await setOn(host, dataset, { [RESTORED]: snapshot.guid, readonly: 'off', ...own }, signal);
  return 'done';
}

export async function setOn(
  host: Host,
  dataset: string,
  to: Record<string, string>,
  signal: AbortSignal,
): Promise<void> {
  const answer = await createZfsDatasets(host, { signal }).setProperties(dataset, to);
  if (answer.type !== 'set') throw toolFailure(`zfs on ${host.name}`, answer);
}

/** Size, options, and to whom files belong, as the cluster knows them of the original. */
async function configure(incus: Incus, restoration: Restoration): Promise<boolean> {
  const { project, volume, name, member, pool, sourceMember } = restoration;
  const of = (from: string, own: string) => volumeRecord(incus, { project, name: own, member: from, pool }, member);
  const original = sourceMember === undefined ? undefined : await of(sourceMember, volume);
  const now = await of(member, name);
  if (original === undefined || now === undefined) return false;
  const given = Object.entries(original.config).filter(([key]) => !OWN_KEYS.includes(key));
  if (given.every(([key, value]) => now.config[key] === value)) return false;
  const config = { ...now.config, ...Object.fromEntries(given) };
  expecting(await incus.replaceVolumeRecord(member, { ...now, config }), 'replaced', member);
  return true;
}

/**
 * The new volume has the snapshot that was asked for, can be written to, and Incus lists it. Fails as Unhealthy. From then
 * on it is of whoever asked for it, and no restore goes on with it. Idempotent.
 */
export async function verifyRestored(
  deps: Deps,
  { fleet: ref, name: run, restoration }: RestorationRef,
  { signal }: ActivityContext,
): Promise<void> {
  const { member, dataset, snapshot, name } = restoration;
  const host = deps.machines.member(await deps.fleetAt(ref), member);
  const target = await targetOn(host, dataset, signal);
  if (target?.guids.includes(snapshot.guid) !== true)
    throw failure('Unhealthy', `${dataset} on ${member} has no snapshot of the GUID ${snapshot.guid}.`);
  if (target.readonly) throw failure('Unhealthy', `${dataset} on ${member} cannot be written to.`);
  if (!(await isListed(createIncus(host, { signal }), restoration)))
    throw failure('Unhealthy', `Incus on ${member} does not list volume ${name}.`);
  await setOn(host, dataset, { [RESTORED]: run }, signal);
}
