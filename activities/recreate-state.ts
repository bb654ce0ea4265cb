import { readFile, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { ApplicationFailure } from '@temporalio/common';
import { durationMs } from '../plan/duration.ts';
import { isInState, isSameAt, lineageOf, serialOf, withEntryOf, withNextSerial } from '../plan/infra-state.ts';
import type { Reached, SavedGuestRef, SavedState, TerraformGuestRef } from './contract.ts';
import type { Deps } from './deps.ts';
import { failure } from './failure.ts';
import type { ActivityContext } from './guard.ts';
import { recordOf } from './guest-place.ts';
import { backUpState, backupOf } from './infra-apply.ts';
import { ready, stateIn, type InfraPlace } from './infra-folder.ts';
import { applyJob, followTerraform } from './infra-jobs.ts';
import { changeState, patiently } from './infra-locks.ts';
import { placeOfGuest } from './recreate.ts';

/** What Terraform's state has of a guest that is made anew: it is saved, taken out, and put back. */

export async function knows(
  deps: Deps,
  place: InfraPlace,
  ref: TerraformGuestRef,
  context: ActivityContext,
): Promise<boolean> {
  const text = await stateIn(deps, place, ref, context);
  return text !== undefined && isInState(text, ref.address);
}

/** Undefined where there is no state yet. */
export async function save(
  deps: Deps,
  ref: TerraformGuestRef,
  context: ActivityContext,
): Promise<SavedState | undefined> {
  const file = await backUpState(deps, ref, context);
  return file === undefined ? undefined : { worker: hostname(), file };
}

/**
 * What the state knew of the old one is nowhere else: it is only taken out where this worker has it, and is only taken for out
 * where it is known who has it.
 */
export async function forget(deps: Deps, ref: SavedGuestRef, context: ActivityContext): Promise<Reached> {
  const guest = await placeOfGuest(deps, ref, context);
  if ((await recordOf(guest, ref.guest)) !== undefined)
    throw failure('Unexpected', `There is an instance ${ref.guest}: Terraform cannot make one of that name.`);
  const { place } = await ready(deps, ref, context);
  const file = backupOf(place.infra, ref);
  if (!(await knows(deps, place, ref, context))) {
    if (ref.wasIn && !(await has(file, ref.address)))
      throw failure(
        'StateNotSaved',
        `The state of ${ref.node} does not know ${ref.address} any more. ${whereSaved(ref, file)}`,
      );
    return 'already';
  }
  await backUpState(deps, ref, context);
  if (!(await has(file, ref.address))) throw failure('StateNotSaved', `${file} is without ${ref.address}.`);
  await removeAt(deps, place, ref, context);
  if (await knows(deps, place, ref, context))
    throw failure('Unexpected', `Terraform said that ${ref.address} was removed from its state, and it is there.`);
  return 'done';
}

const has = async (file: string, address: string): Promise<boolean> => {
  const text = await readFile(file, 'utf8').catch(() => undefined);
  return text !== undefined && isInState(text, address);
};

/** Whoever has taken it out has saved it before. */
const whereSaved = ({ saved }: { saved?: SavedState }, file: string): string =>
  saved === undefined
    ? `Its copy is ${file} on the worker that has taken it out, and not on ${hostname()}.`
    : `Its copy is ${saved.file} on the worker ${saved.worker}.`;

/** Forgets what is at the address. What there is of it stays as it is. */
export async function removeAt(
  deps: Deps,
  place: InfraPlace,
  ref: TerraformGuestRef,
  context: ActivityContext,
): Promise<void> {
  const seconds = durationMs(place.infra.lockTimeout) / 1000;
  await changeState(deps, place, ref, context, (terraform) => terraform.removeFromState(ref.address, seconds));
}

/**
 * Waits for an apply that is at work, here or elsewhere, and sees to it that none begins any more: a plan that was saved for an
 * older serial is refused by Terraform.
 */
export async function fence(deps: Deps, ref: TerraformGuestRef, context: ActivityContext): Promise<Reached> {
  const { place } = await ready(deps, ref, context);
  const job = applyJob(ref);
  if ((await deps.local.jobs.status(job, context)).type !== 'absent') await followTerraform(deps, place, job, context);
  return patiently(async () => {
    const current = await stateAtLast(deps, place, ref, context);
    if (current === undefined) return 'already';
    await push(deps, place, ref, { current, text: withNextSerial(current) }, context);
    return 'done';
  });
}

/** The address as it was saved; what else is in the state by now stays. */
export async function putBack(deps: Deps, ref: SavedGuestRef, context: ActivityContext): Promise<Reached> {
  const { place } = await ready(deps, ref, context);
  return patiently(async () => {
    const current = await stateAtLast(deps, place, ref, context);
    if (!ref.wasIn) {
      if (current === undefined || !isInState(current, ref.address)) return 'already';
      await removeAt(deps, place, ref, context);
      return 'done';
    }
    const file = backupOf(place.infra, ref);
    const backup = await readFile(file, 'utf8').catch(() => undefined);
    // One that was made after the address was taken out says nothing of it.
    if (backup === undefined || !isInState(backup, ref.address)) throw notSaved(ref, whereSaved(ref, file));
    if (current !== undefined && isSameAt(current, backup, ref.address)) return 'already';
    if (current !== undefined && lineageOf(current) !== lineageOf(backup))
      throw notSaved(ref, `the state is another one than in ${file}`);
    const text = current === undefined ? backup : withEntryOf(current, backup, ref.address);
    await push(deps, place, ref, { current, text }, context).catch((error: unknown) => {
      if (error instanceof ApplicationFailure && error.nonRetryable === true && error.type !== 'StateLocked')
        throw notSaved(ref, `${file} has it; ${error.message}`);
      throw error;
    });
    const after = await stateAtLast(deps, place, ref, context);
    if (after === undefined || !isSameAt(after, backup, ref.address))
      throw notSaved(ref, `the state was pushed, and has it otherwise than ${file}`);
    return 'done';
  });
}

/** Where what holds the state is away for a moment, it is tried again, as long as the step is: nothing else gives it back. */
async function stateAtLast(
  deps: Deps,
  place: InfraPlace,
  ref: TerraformGuestRef & { saved?: SavedState },
  context: ActivityContext,
): Promise<string | undefined> {
  try {
    return await stateIn(deps, place, ref, context);
  } catch (error) {
    if (!(error instanceof ApplicationFailure) || !PASSING.includes(error.type ?? '')) throw error;
    const { saved } = ref;
    throw failure('Busy', saved === undefined ? error.message : `${error.message} ${whereSaved(ref, saved.file)}`);
  }
}

/** Of a backend that is away Terraform says no more than that it has failed. */
const PASSING = ['TerraformFailed', 'Unexpected'];

/** Where somebody has written meanwhile, Terraform refuses it, and it is made anew from what is there then. */
async function push(
  deps: Deps,
  place: InfraPlace,
  ref: TerraformGuestRef,
  { current, text }: { current: string | undefined; text: string },
  context: ActivityContext,
): Promise<void> {
  const file = join(place.root, 'to-push.tfstate');
  try {
    await deps.local.putFile(file, text, { mode: 0o600, signal: context.signal });
    await changeState(deps, place, ref, context, (terraform) => terraform.pushState(file));
  } catch (error) {
    if (!(error instanceof ApplicationFailure) || error.type === 'StateLocked') throw error;
    const now = await stateIn(deps, place, ref, context);
    if (current === undefined || now === undefined || serialOf(now) === serialOf(current)) throw error;
    throw failure('Busy', `The state of ${ref.node} was written by somebody else at the same time.`);
  } finally {
    // It has the secrets of the state, and this folder stays until the run is tidied up here.
    await rm(file, { force: true });
  }
}

const notSaved = ({ address, node }: TerraformGuestRef, why: string): Error =>
  failure('StateNotSaved', `${address} could not be put back into the state of ${node}: ${why}`);
