import { posix } from 'node:path';
import type { Guest } from '../fleet/schema.ts';
import type { Host } from '../hosts/host.ts';
import { asideName, failedName, type OldGuest } from '../plan/recreate.ts';
import { createGuestKey } from '../tools/guest-key.ts';
import { createIncus } from '../tools/incus.ts';
import type { InstanceRecord } from '../tools/incus-recreate.ts';
import { untilBooted } from './booted.ts';
import { bringBack } from './bring-back-guest.ts';
import type { BroughtBack, GuestRef, NewGuest, Reached, RecreateActivities } from './contract.ts';
import type { Deps } from './deps.ts';
import { expecting } from './expecting.ts';
import { failure, toolFailure } from './failure.ts';
import { guarded, type ActivityContext } from './guard.ts';
import { isMarkedAsKept, isOfRun, markedAsKept, noted, noteOf, ofRun, stripped } from './guest-note.ts';
import { notOurs, recordOf, remove, rename, replace, start, stop, type Place } from './guest-place.ts';
import { createdByIncus, guestToCreate, observeRecreate, recreateScope } from './observe-recreate.ts';
import { proveOldKeyOut } from './prove-old-key.ts';
import { deployJob } from './jobs.ts';
import { keysOf } from './rotation.ts';
import { systemStateOf } from './system-state.ts';

/** A guest is made anew. Each looks at what instances are there and at what they note of themselves, acts, and looks again. */
export function createRecreateActivities(deps: Deps): RecreateActivities {
  const open = (input: GuestRef, context: ActivityContext): Promise<Place> => placeOfGuest(deps, input, context);
  const started = (input: GuestRef, place: Place, context: ActivityContext): Promise<NewGuest> =>
    startedIn(deps, input, place, context);

  return {
    resolveRecreate: guarded(async ({ fleet, guest, keepOld }) =>
      recreateScope(await deps.fleetAt(fleet), guest, keepOld),
    ),
    observeRecreate: guarded((input, context) => observeRecreate(deps, input, context)),
    setGuestAside: guarded(async (input, context) => setAside(await open(input, context))),

    createGuest: guarded(async (input, context) => {
      const place = await open(input, context);
      await create(place);
      return started(input, place, context);
    }),

    makeOwnKey: guarded(async (input, { signal }) => {
      const fleet = await deps.fleetAt(input.fleet);
      const { guest } = guestToCreate(fleet, input.guest);
      const host = deps.machines.node(fleet, input.guest);
      const key = createGuestKey(host, fleet.secrets.guestKeyFile, input.name, { signal });
      const [next = '', ...more] = keysOf(input.guest, await key.ensure());
      if (more.length > 0 || next === input.old)
        throw failure(
          'NotReencrypted',
          `The image of ${input.guest} has a key of age in ${fleet.secrets.guestKeyFile}, which every guest that is made of it would have.`,
        );
      return { key: next, hostKey: await hostKeyOf(host, guest, signal) };
    }),

    attachVolumes: guarded(async (input, context) => {
      const place = await open(input, context);
      await attach(place);
      return started(input, place, context);
    }),

    proveOldKeyOut: guarded((input, context) => proveOldKeyOut(deps, input, context)),
    bringBackGuest: guarded((input, context) => bringBackIn(deps, input, context)),
    endOldGuest: guarded(async ({ keep, at, until, ...input }, context) => {
      const place = await open(input, context);
      const record = await recordOf(place, place.aside);
      if (record === undefined) return 'already';
      if (isMarkedAsKept(record)) return 'already';
      if (noteOf(record, place.run) === undefined) throw notOurs(place.aside);
      if (!keep) {
        await remove(place, place.aside);
        return 'done';
      }
      const why = `vm-recreate has made ${place.name} anew; to be kept until ${until.slice(0, 10)}. It has the old key of age.`;
      await replace(place, place.aside, markedAsKept(record, { from: place.name, at, why }));
      return 'done';
    }),
  };
}

/** The old one as it was; a deployment that is at work on the new one ends first. */
export async function bringBackIn(
  deps: Deps,
  input: GuestRef & { old?: OldGuest },
  context: ActivityContext,
): Promise<BroughtBack> {
  // It would go on to whoever has that address next.
  await deps.local.jobs.stop(deployJob({ ...input, node: input.guest }), context);
  return bringBack(await placeOfGuest(deps, input, context), input.old);
}

export async function placeOfGuest(deps: Deps, input: GuestRef, { signal }: ActivityContext): Promise<Place> {
  const fleet = await deps.fleetAt(input.fleet);
  const { guest } = guestToCreate(fleet, input.guest);
  const incus = createIncus(deps.machines.member(fleet, guest.member), { signal });
  const names = { aside: asideName(input.guest, input.name), failed: failedName(input.guest, input.name) };
  return { fleet, guest, incus, name: input.guest, ...names, run: input.name };
}

export async function startedIn(
  deps: Deps,
  input: GuestRef,
  place: Place,
  context: ActivityContext,
): Promise<NewGuest> {
  await start(place);
  return { system: await bootedSystem(deps.machines.node(place.fleet, input.guest), context) };
}

/** The note comes first: from then on it is known how the instance was, whatever is cut off. */
async function setAside(place: Place): Promise<Reached> {
  const { name, aside, run } = place;
  if ((await recordOf(place, aside)) !== undefined) return 'already';
  const record = await recordOf(place, name);
  if (record === undefined || isOfRun(record, run))
    throw failure('NotFound', `There is no old ${name} any more that could be renamed aside.`);
  if (record.ephemeral)
    throw failure('BadConfig', `${name} is ephemeral: Incus deletes it when it stops, and there would be no old one.`);
  await replace(place, name, noted(record, run, name));
  await stop(place, name);
  const stopped = await recordOf(place, name);
  if (stopped?.status !== 'Stopped')
    throw failure('Unexpected', `${name} was stopped, and is ${stopped?.status ?? 'gone'}.`);
  await replace(place, name, stripped(stopped));
  await rename(place, name, aside);
  const renamed = await recordOf(place, aside);
  if (renamed === undefined) throw failure('Unexpected', `Incus said that ${name} was renamed, and has no ${aside}.`);
  return 'done';
}

async function create(place: Place): Promise<void> {
  const { guest, incus, name, aside, run } = place;
  const found = await recordOf(place, name);
  if (found !== undefined) {
    if (!isOfRun(found, run)) throw notOurs(name);
    return;
  }
  const old = await recordOf(place, aside);
  if (old !== undefined && old.status !== 'Stopped')
    throw failure('Unexpected', `The old ${name} is ${old.status} as ${aside}: no two of them may run.`);
  const { create: wanted } = createdByIncus(place.fleet, name);
  const { project, member, type } = guest;
  const volumes = new Set(volumeDevices(guest, wanted.devices));
  const devices = Object.fromEntries(Object.entries(wanted.devices).filter(([device]) => !volumes.has(device)));
  const answer = await incus.createInstance({
    ...{ project, name, member, type, image: wanted.image, profiles: wanted.profiles, devices },
    config: { ...wanted.config, ...ofRun(run) },
  });
  if (answer.type !== 'made' && answer.type !== 'already there') throw toolFailure(`Creating ${name}`, answer);
  const made = await recordOf(place, name);
  if (made === undefined || !isOfRun(made, run)) throw notOurs(name);
  if (made.location !== member && made.location !== 'none')
    throw failure('Unexpected', `${name} was created on ${made.location} instead of ${member}.`);
}

/** The devices among them that attach one of the guest's volumes. */
export const volumeDevices = (guest: Guest, devices: InstanceRecord['devices']): string[] =>
  Object.entries(devices).flatMap(([device, { type, pool, source }]) =>
    type === 'disk' && guest.volumes.some((volume) => volume.pool === pool && volume.name === source) ? [device] : [],
  );

/** While it is stopped: what boots then has its data from the beginning. */
async function attach(place: Place): Promise<void> {
  const { fleet, guest, name, run } = place;
  const record = await recordOf(place, name);
  if (record === undefined || !isOfRun(record, run)) throw notOurs(name);
  // Terraform has attached them when it made it.
  const { create: made } = guestToCreate(fleet, name);
  const devices = made.type === 'incus' ? made.devices : {};
  const missing = volumeDevices(guest, devices).filter((device) => record.devices[device] === undefined);
  // Booted once more in any case where it was not seen through: it has its new system to boot.
  await stop(place, name);
  if (missing.length > 0) {
    await requireFree(place);
    const added = Object.fromEntries(missing.map((device) => [device, devices[device] ?? {}]));
    await replace(place, name, { ...record, devices: { ...record.devices, ...added } });
  }
}

/** No other instance of any project on the member has one of the guest's volumes. */
export async function requireFree({ incus, guest, name }: Place): Promise<void> {
  const { instances } = expecting(await incus.instances(), 'instances', guest.member);
  for (const other of instances) {
    if (other.location !== guest.member || (other.name === name && other.project === guest.project)) continue;
    const taken = other.volumes.find((volume) =>
      guest.volumes.some(({ pool, name: own }) => pool === volume.pool && own === volume.name),
    );
    if (taken !== undefined)
      throw failure('Unexpected', `Volume ${taken.name} is attached to ${other.name}: it is not attached twice.`);
  }
}

async function bootedSystem(host: Host, context: ActivityContext): Promise<NewGuest['system']> {
  await untilBooted(host, context);
  return systemStateOf(host, context);
}

/** Of the type that the fleet file declares: that one deploy-rs is told to expect. */
async function hostKeyOf(host: Host, { ssh }: Guest, signal: AbortSignal): Promise<string> {
  const [type = ''] = (ssh.hostKey ?? '').split(' ');
  const kind = type.startsWith('ecdsa-') ? 'ecdsa' : type.replace('ssh-', '');
  const file = posix.join('/etc/ssh', `ssh_host_${kind}_key.pub`);
  const { exitCode, stdout } = await host.run(['cat', file], { timeoutMs: 20_000, signal });
  const [ownType = '', key = ''] = stdout.trim().split(/\s+/);
  if (exitCode !== 0 || ownType !== type || key === '')
    throw failure('Unexpected', `${host.name} has no public ssh host key of type ${type} in ${file}.`);
  return `${ownType} ${key}`;
}
