import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ApplicationFailure } from '@temporalio/common';
import { isLeftBy } from '../plan/infra-lock.ts';
import { createTerraform, type Terraform } from '../tools/terraform.ts';
import type { TerraformProblem } from '../tools/terraform-command.ts';
import type { NodeRef } from './contract.ts';
import type { Deps } from './deps.ts';
import { failure } from './failure.ts';
import type { ActivityContext } from './guard.ts';
import { terraformFailure } from './infra-failure.ts';
import type { InfraPlace } from './infra-folder.ts';
import { interruptionsIn, noteInterruption } from './infra-jobs.ts';

/** What a command that changes the state came to. */
type Changed = { type: 'pushed' } | { type: 'removed' } | { type: 'none' };

/** A lock that is left again and again is another matter. */
const MAX_TRIES = 4;
/** When the command that changes the state now has begun. */
const BEGUN = 'state-command.json';

/**
 * A short command that locks the state. It ends with its worker, and its lock can stay: so it is written down before that it
 * has begun, and by that the next attempt knows such a lock for its own.
 */
export async function changeState(
  deps: Deps,
  place: InfraPlace,
  { node }: NodeRef,
  context: ActivityContext,
  command: (terraform: Terraform) => Promise<Changed | TerraformProblem>,
): Promise<Changed> {
  const { signal } = context;
  const terraform = createTerraform(deps.local, place.access, { signal });
  const begun = join(place.root, BEGUN);
  for (let tries = 1; ; tries += 1) {
    await noteCutOff(deps, place, signal);
    await deps.local.putFile(begun, JSON.stringify(new Date().toISOString()), { mode: 0o600, signal });
    const answer = await command(terraform);
    await rm(begun, { force: true });
    if (answer.type === 'pushed' || answer.type === 'removed' || answer.type === 'none') return answer;
    if (tries >= MAX_TRIES || !(await unlockOwn(deps, place, answer, context))) throw terraformFailure(node, answer);
  }
}

async function noteCutOff({ local }: Deps, place: InfraPlace, signal: AbortSignal): Promise<void> {
  const text = await readFile(join(place.root, BEGUN), 'utf8').catch(() => undefined);
  if (text === undefined) return;
  await noteInterruption(local, place, { startedAt: JSON.parse(text) as string, how: 'lost', durationMs: 0 }, signal);
}

/** Takes away a lock that a command of this run has left when it was ended from outside, and no other. */
export async function unlockOwn(
  { local }: Deps,
  { root, access }: InfraPlace,
  problem: TerraformProblem,
  { signal }: ActivityContext,
): Promise<boolean> {
  if (problem.type !== 'locked' || !isLeftBy(problem.lock, await interruptionsIn(root))) return false;
  return (await createTerraform(local, access, { signal }).unlock(problem.lock.id)).type === 'unlocked';
}

/** Whoever has locked the state comes to an end: until then it is tried again, as long as the step is. */
export async function patiently<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof ApplicationFailure && error.type === 'StateLocked') throw failure('Busy', error.message);
    throw error;
  }
}
