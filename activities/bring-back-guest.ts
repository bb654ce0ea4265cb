import type { OldGuest } from '../plan/recreate.ts';
import type { InstanceRecord } from '../tools/incus-recreate.ts';
import type { BroughtBack, Reached } from './contract.ts';
import { failure, toolFailure } from './failure.ts';
import { asBefore, isOfRun, markedAsKept, noteOf, withDevices } from './guest-note.ts';
import { notOurs, outOfTheWay, recordOf, rename, replace, start, type Place } from './guest-place.ts';

/** The old one is as it was, and the new one goes. */
export async function bringBack(place: Place, wasOld: OldGuest | undefined): Promise<BroughtBack> {
  const given = await giveBack(place, wasOld);
  if (given === 'old is gone') return given;
  const removed = await removeFailed(place);
  return removed === 'already' ? given : removed;
}

/**
 * The old one has its name again, its devices, and runs where it ran. Judged by what is there. The new one is only taken out of
 * the way, before that, so that never both are there under one name, or run, or have one volume.
 */
async function giveBack(place: Place, wasOld: OldGuest | undefined): Promise<Reached | 'old is gone'> {
  const { name, aside, run } = place;
  const current = await recordOf(place, name);
  const made = current !== undefined && isOfRun(current, run) ? current : undefined;
  const isAside = (await recordOf(place, aside)) !== undefined;
  // Before anything is touched: the new one would be all that there is.
  if (wasOld !== 'gone' && !isAside && (current === undefined || made !== undefined)) return 'old is gone';
  if (made !== undefined) await outOfTheWay(place, () => newOne(place, name));
  if (isAside) await rename(place, aside, name);
  const old = await recordOf(place, name);
  const note = old === undefined ? undefined : noteOf(old, run);
  if (old === undefined || note === undefined) return made !== undefined || isAside ? 'done' : 'already';
  // Started before the note goes: an attempt that is cut off in between still knows that it ran.
  await replace(place, name, withDevices(old, note));
  if (note.ran) await start(place);
  const running = await recordOf(place, name);
  if (running === undefined) throw failure('Unexpected', `${name} was given back, and is not there.`);
  await replace(place, name, asBefore(running, note));
  return 'done';
}

async function newOne(place: Place, name: string): Promise<InstanceRecord> {
  const record = await recordOf(place, name);
  if (record === undefined || !isOfRun(record, place.run)) throw notOurs(name);
  return record;
}

/** Only now: the old one is there, whether Incus removes it or not. Where it does not, it is kept, and a person releases it. */
async function removeFailed(place: Place): Promise<BroughtBack> {
  const { incus, guest, name, failed } = place;
  if ((await recordOf(place, failed)) === undefined) return 'already';
  const record = await newOne(place, failed);
  const answer = await incus.removeInstance(guest.project, failed);
  if (answer.type === 'removed' || answer.type === 'none') return 'done';
  if (answer.type !== 'unexpected') throw toolFailure(`Removing ${failed}`, answer);
  const why = `vm-recreate has not brought this new ${name} to its end, and Incus did not remove it: ${answer.output}`;
  await replace(place, failed, markedAsKept(record, { from: name, at: new Date().toISOString(), why }));
  return 'kept';
}
