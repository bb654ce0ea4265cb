import { posix } from 'node:path';
import type { Fleet, Guest } from '../fleet/schema.ts';
import type { Host } from '../hosts/host.ts';
import { asideName } from '../plan/recreate.ts';
import { createGuestKey } from '../tools/guest-key.ts';
import { createIncus, type Incus } from '../tools/incus.ts';
import type { InstanceRecord } from '../tools/incus-recreate.ts';
import { untilBooted } from './booted.ts';
import type { GuestRef, NewGuest, Reached, RecreateActivities } from './contract.ts';
import type { Deps } from './deps.ts';
import { expecting } from './expecting.ts';
import { failure, toolFailure } from './failure.ts';
import { guarded, type ActivityContext } from './guard.ts';
import { asBefore, asideOf, isOfRun, markedAsKept, noted, ofRun, stripped } from './guest-note.ts';
import { guestToCreate, observeRecreate, recreateScope } from './observe-recreate.ts';
import { proveOldKeyOut } from './prove-old-key.ts';
import { deployJob } from './jobs.ts';
import { keysOf } from './rotation.ts';
import { startOn } from './stop-and-start.ts';
import { systemStateOf } from './system-state.ts';

/** How long a guest is given to shut down before its plug is pulled. */
const SHUTDOWN_SECONDS = 60;

/** A guest is made anew. Each looks at what instances are there and at what they note of themselves, acts, and looks again. */
export function createRecreateActivities(deps: Deps): RecreateActivities {
  const open = async (input: GuestRef, { signal }: ActivityContext): Promise<Place> => {
    const fleet = await deps.fleetAt(input.fleet);
    const { guest } = guestToCreate(fleet, input.guest);
    const incus = createIncus(deps.machines.member(fleet, guest.member), { signal });
    return { fleet, guest, incus, name: input.guest, aside: asideName(input.guest, input.name), run: input.name };
  };
  const started = async (input: GuestRef, place: Place, context: ActivityContext): Promise<NewGuest> => {
    await start(place);
    return { system: await bootedSystem(deps.machines.node(place.fleet, input.guest), context) };
  };

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
    bringBackGuest: guarded(async (input, context) => {
      // It would go on to whoever has that address next.
      await deps.local.jobs.stop(deployJob({ ...input, node: input.guest }), context);
      return bringBack(await open(input, context));
    }),
    endOldGuest: guarded(async ({ keep, at, until, ...input }, context) => {
      const place = await open(input, context);
      const record = await recordOf(place, place.aside);
      if (record === undefined) return 'already';
      if (asideOf(record)?.run !== place.run) throw notOurs(place.aside);
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

interface Place {
  fleet: Fleet;
  guest: Guest;
  incus: Incus;
  name: string;
  /** What the old one is called once it is aside. */
  aside: string;
  run: string;
}

/** Undefined where there is none of that name. */
async function recordOf({ incus, guest }: Place, name: string): Promise<InstanceRecord | undefined> {
  const answer = await incus.instanceRecord(guest.project, name);
  if (answer.type === 'not found') return undefined;
  return expecting(answer, 'instance record', guest.member).record;
}

async function replace({ incus, guest }: Place, name: string, record: InstanceRecord): Promise<void> {
  expecting(await incus.replaceInstanceRecord(guest.project, name, record), 'replaced', guest.member);
}

async function stop({ incus, guest }: Place, name: string): Promise<void> {
  const polite = await incus.stopInstance(guest.project, name, { timeoutSeconds: SHUTDOWN_SECONDS });
  if (polite.type === 'stopped' || polite.type === 'already stopped') return;
  // One that is dead does not hear it.
  const forced = await incus.stopInstance(guest.project, name, { timeoutSeconds: 30, force: true });
  if (forced.type === 'did not stop') throw failure('Unexpected', `${name} does not stop: ${forced.message}`);
  if (forced.type !== 'stopped' && forced.type !== 'already stopped') throw toolFailure(`Stopping ${name}`, forced);
}

const start = ({ incus, guest, name }: Place): Promise<void> =>
  startOn(incus, { project: guest.project, name }, guest.member);

async function rename({ incus, guest }: Place, from: string, to: string): Promise<void> {
  expecting(await incus.renameInstance(guest.project, from, to), 'renamed', guest.member);
}

async function remove(place: Place, name: string): Promise<void> {
  await stop(place, name);
  const answer = await place.incus.removeInstance(place.guest.project, name);
  if (answer.type !== 'removed' && answer.type !== 'none') throw toolFailure(`Removing ${name}`, answer);
}

/** The note comes first: from then on it is known how the instance was, whatever is cut off. */
async function setAside(place: Place): Promise<Reached> {
  const { name, aside, run } = place;
  if ((await recordOf(place, aside)) !== undefined) return 'already';
  const record = await recordOf(place, name);
  if (record === undefined || isOfRun(record, run))
    throw failure('NotFound', `There is no old ${name} any more that could be renamed aside.`);
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
  const { create: wanted } = guestToCreate(place.fleet, name);
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
  const { devices } = guestToCreate(fleet, name).create;
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
async function requireFree({ incus, guest, name }: Place): Promise<void> {
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

/** Judged by what is there: the new one goes first, so that never both are there under one name, or run. */
async function bringBack(place: Place): Promise<Reached> {
  const { name, aside, run } = place;
  let done = false;
  const current = await recordOf(place, name);
  if (current !== undefined && isOfRun(current, run)) {
    await remove(place, name);
    done = true;
  }
  if ((await recordOf(place, aside)) !== undefined) {
    await rename(place, aside, name);
    done = true;
  }
  const old = await recordOf(place, name);
  const note = old === undefined ? undefined : asideOf(old);
  if (old === undefined || note === undefined) return done ? 'done' : 'already';
  // Started before the note goes: an attempt that is cut off in between still knows that it ran.
  await replace(place, name, { ...asBefore(old, note), config: { ...old.config } });
  if (note.ran) await start(place);
  const running = await recordOf(place, name);
  if (running === undefined) throw failure('Unexpected', `${name} was given back, and is not there.`);
  await replace(place, name, asBefore(running, note));
  return 'done';
}

const notOurs = (name: string): Error =>
  failure('Unexpected', `There is an instance ${name} that this run has not made: it is left as it is.`);

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
