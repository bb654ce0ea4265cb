import type { Fleet, Guest } from '../fleet/schema.ts';
import type { Incus } from '../tools/incus.ts';
import type { InstanceRecord } from '../tools/incus-recreate.ts';
import { expecting } from './expecting.ts';
import { failure, toolFailure } from './failure.ts';
import { givenUp } from './guest-note.ts';
import { startOn, stopForSure } from './stop-and-start.ts';

/** Where a guest is made anew, and what the two of them are called. */
export interface Place {
  fleet: Fleet;
  guest: Guest;
  incus: Incus;
  name: string;
  /** What the old one is called once it is aside. */
  aside: string;
  /** What the new one is called where it is given up. */
  failed: string;
  run: string;
}

/** Undefined where there is none of that name. */
export async function recordOf({ incus, guest }: Place, name: string): Promise<InstanceRecord | undefined> {
  const answer = await incus.instanceRecord(guest.project, name);
  if (answer.type === 'not found') return undefined;
  return expecting(answer, 'instance record', guest.member).record;
}

export async function replace({ incus, guest }: Place, name: string, record: InstanceRecord): Promise<void> {
  expecting(await incus.replaceInstanceRecord(guest.project, name, record), 'replaced', guest.member);
}

export const stop = ({ incus, guest }: Place, name: string): Promise<void> =>
  stopForSure(incus, { project: guest.project, name });

export const start = ({ incus, guest, name }: Place): Promise<void> =>
  startOn(incus, { project: guest.project, name }, guest.member);

export async function rename({ incus, guest }: Place, from: string, to: string): Promise<void> {
  expecting(await incus.renameInstance(guest.project, from, to), 'renamed', guest.member);
}

export async function remove(place: Place, name: string): Promise<void> {
  await stop(place, name);
  const answer = await place.incus.removeInstance(place.guest.project, name);
  if (answer.type !== 'removed' && answer.type !== 'none') throw toolFailure(`Removing ${name}`, answer);
}

/**
 * Stopped, under another name, and without what no two instances may have: whether Incus removes it or not, the old one is free to
 * go on. `read`: it as it is once it has stopped.
 */
export async function outOfTheWay(place: Place, read: () => Promise<InstanceRecord>): Promise<void> {
  await stop(place, place.name);
  await replace(place, place.name, givenUp(await read()));
  await rename(place, place.name, place.failed);
}

export const notOurs = (name: string): Error =>
  failure('Unexpected', `There is an instance ${name} that this run has not made: it is left as it is.`);
