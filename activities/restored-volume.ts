import type { Host } from '../hosts/host.ts';
import type { Restoration } from '../plan/restore.ts';
import { inProject } from '../plan/projects.ts';
import { createIncus, type Incus } from '../tools/incus.ts';
import { createZfsDatasets } from '../tools/zfs-datasets.ts';
import type { Reached, RestorationRef } from './contract.ts';
import type { Deps } from './deps.ts';
import { expecting } from './expecting.ts';
import { failure, toolFailure } from './failure.ts';
import type { ActivityContext } from './guard.ts';
import { targetOn, volumeRecord } from './observe-restore.ts';

/** On a dataset that a run has restored: which run. Nothing else is taken for one. */
const MARK = 'runbook:restored';
/** Of a volume itself, and none of its copy. */
const OWN_KEYS = ['volatile.uuid'];

/**
 * Incus takes the dataset into its records, and nothing else with it; what the cluster knows of the original is given to the
 * new volume. Idempotent.
 */
export async function recoverVolume(
  deps: Deps,
  { fleet: ref, name, restoration }: RestorationRef,
  { signal, report }: ActivityContext,
): Promise<Reached> {
  const fleet = await deps.fleetAt(ref);
  const host = deps.machines.member(fleet, restoration.member);
  const incus = createIncus(host, { signal });
  const run = { name, restoration };
  await becomeOwn(host, run, signal);
  const wasListed = await isListed(incus, restoration);
  if (!wasListed) {
    const { volumes, dependencies } = await unknown(incus, restoration);
    const others = volumes.filter((each) => !isIt(each, restoration));
    if (others.length > 0)
      throw failure('GateRefused', `Incus would take in others with it: ${others.map(inProject).join(', ')}.`);
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

const isIt = (each: { project: string; name: string }, { project, name }: Restoration): boolean =>
  each.project === project && each.name === name;

/** From what is received to what Incus expects. Both in one command: what bears the mark is writable. */
async function becomeOwn(
  host: Host,
  { name, restoration }: { name: string; restoration: Restoration },
  signal: AbortSignal,
): Promise<void> {
  const { dataset, kind, snapshot } = restoration;
  if (await hasMark(host, dataset, name, signal)) return;
  const target = await targetOn(host, dataset, signal);
  if (target === undefined || !target.readonly || !target.guids.includes(snapshot.guid))
    throw failure('Unexpected', `${host.name} has no ${dataset} that this run has received.`);
  if (target.locked)
    throw failure('KeyNotLoaded', `Its key is not loaded on ${host.name}: zfs load-key ${dataset} there, then go on.`);
  // As Incus makes them; it gives a volume its device when it needs it.
  const own = kind === 'filesystem' ? { mountpoint: 'legacy', canmount: 'noauto' } : {};
  const answer = await createZfsDatasets(host, { signal }).setProperties(dataset, {
    ...{ [MARK]: name, readonly: 'off' },
    ...own,
  });
  if (answer.type !== 'set') throw toolFailure(`zfs on ${host.name}`, answer);
}

async function hasMark(host: Host, dataset: string, run: string, signal: AbortSignal): Promise<boolean> {
  const answer = await createZfsDatasets(host, { signal }).localProperties(dataset);
  if (answer.type === 'not found') return false;
  if (answer.type !== 'properties') throw toolFailure(`zfs on ${host.name}`, answer);
  return answer.properties[MARK] === run;
}

/** Whether an earlier attempt of this run has come past the copy. */
export const isTakenOver = (
  host: Host,
  { name, restoration }: { name: string; restoration: Restoration },
  signal: AbortSignal,
): Promise<boolean> => hasMark(host, restoration.dataset, name, signal);

async function isListed(incus: Incus, { pool, member, ...own }: Restoration): Promise<boolean> {
  const { volumes } = expecting(await incus.volumes(pool), 'volumes', member);
  return volumes.some((each) => isIt(each, { ...own, pool, member }) && each.location === member);
}

/** Size, options, and to whom files belong, as the cluster knows them of the original. */
async function configure(incus: Incus, restoration: Restoration): Promise<boolean> {
  const { project, volume, name, member, sourceMember } = restoration;
  const of = (from: string, own: string) => volumeRecord(incus, { project, name: own, member: from }, member);
  const original = sourceMember === undefined ? undefined : await of(sourceMember, volume);
  const now = await of(member, name);
  if (original === undefined || now === undefined) return false;
  const given = Object.entries(original.config).filter(([key]) => !OWN_KEYS.includes(key));
  if (given.every(([key, value]) => now.config[key] === value)) return false;
  const config = { ...now.config, ...Object.fromEntries(given) };
  expecting(await incus.replaceVolumeRecord(member, { ...now, config }), 'replaced', member);
  return true;
}

/** The new volume has the snapshot that was asked for, can be written to, and Incus lists it. Fails as Unhealthy. */
export async function verifyRestored(
  deps: Deps,
  { fleet: ref, restoration }: RestorationRef,
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
}
