import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { redact } from '../hosts/redact.ts';
import type { PlannedInfra } from '../plan/infra.ts';
import { canonicalPlan, readPlan } from '../plan/infra-plan.ts';
import { durationMs } from '../plan/duration.ts';
import { createTerraform, planArgv, readPlanning, type TerraformPlan } from '../tools/terraform.ts';
import type { InfraPlanRef } from './contract.ts';
import type { Deps } from './deps.ts';
import { failure } from './failure.ts';
import type { ActivityContext } from './guard.ts';
import { terraformFailure } from './infra-failure.ts';
import { ready, type InfraPlace } from './infra-folder.ts';
import { followTerraform, planJob, startTerraform } from './infra-jobs.ts';
import { unlockOwn } from './infra-locks.ts';

/** It was ended from outside, or waits for a lock that this run has left. What does that again and again is another matter. */
const MAX_TRIES = 4;

/** Plans into a file of the run's own, and tells of it what may leave this machine. */
export async function planInfra(deps: Deps, ref: InfraPlanRef, context: ActivityContext): Promise<PlannedInfra> {
  const { place } = await ready(deps, ref, context);
  await planned(deps, place, ref, context);
  const { plan, hash } = await planIn(deps, place, ref, context);
  return { ...readPlan(plan, redact), hash, file: await digestOf(place.planFile(ref.plan)) };
}

/** Makes a plan in the place, as a job that survives the worker. */
export async function planned(
  deps: Deps,
  place: InfraPlace,
  ref: InfraPlanRef,
  context: ActivityContext,
): Promise<void> {
  const name = planJob(ref);
  const argv = planArgv(place.access, place.planFile(ref.plan), durationMs(place.infra.lockTimeout) / 1000);
  for (let tries = 1; ; tries += 1) {
    await startTerraform(deps, { name, argv, node: ref.node }, context);
    const ended = await followTerraform(deps, place, name, context);
    const read = ended.how === 'exited' ? readPlanning({ argv, result: ended }) : undefined;
    if (read?.type === 'planned') return;
    await deps.local.jobs.remove(name, context);
    if (tries >= MAX_TRIES && read === undefined)
      throw failure('Unexpected', `Planning for ${ref.node} was ended ${tries} times (${ended.how}).`);
    const goesOn = read === undefined || (tries < MAX_TRIES && (await unlockOwn(deps, place, read, context)));
    if (!goesOn) throw terraformFailure(ref.node, read);
  }
}

/** What is in a saved plan, and its hash for the state as it is now. */
export async function planIn(
  { local }: Deps,
  { access, planFile }: InfraPlace,
  { node, plan }: InfraPlanRef,
  { signal }: ActivityContext,
): Promise<{ plan: TerraformPlan; hash: string }> {
  const terraform = createTerraform(local, access, { signal });
  const shown = await terraform.show(planFile(plan));
  if (shown.type !== 'plan') throw terraformFailure(node, shown);
  const state = await terraform.pullState();
  if (state.type !== 'state' && state.type !== 'none') throw terraformFailure(node, state);
  const text = canonicalPlan(shown.plan, state.type === 'state' ? state : undefined);
  return { plan: shown.plan, hash: createHash('sha256').update(text).digest('hex') };
}

export const digestOf = async (file: string): Promise<string> =>
  createHash('sha256')
    .update(await readFile(file))
    .digest('hex');
