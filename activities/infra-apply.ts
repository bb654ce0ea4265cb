import { copyFile, chmod, mkdir, readdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { durationMs } from '../plan/duration.ts';
import type { AppliedInfra } from '../plan/infra.ts';
import { isRunName } from '../plan/run-name.ts';
import { applyArgv, applySteps, createTerraform, readApply } from '../tools/terraform.ts';
import type { InfraActivities, InfraPlanRef, NodeRef } from './contract.ts';
import type { Deps } from './deps.ts';
import { failure } from './failure.ts';
import type { ActivityContext } from './guard.ts';
import { terraformFailure } from './infra-failure.ts';
import { erroredAt, erroredIn, exists, placeOf, ready, rootOf, type InfraPlace } from './infra-folder.ts';
import { applyJob, followTerraform, startTerraform } from './infra-jobs.ts';
import { digestOf, planIn } from './infra-plan.ts';
import { infraOf } from './infra-scope.ts';
import { requireNothingOnItsWay } from './on-its-way.ts';
import { orTypedProblem } from './or-problem.ts';

type ApplyInput = Parameters<InfraActivities['applyInfra']>[0];

/** Applies a plan that was approved, unless it or the state is another one by now. */
export async function applyInfra(deps: Deps, input: ApplyInput, context: ActivityContext): Promise<AppliedInfra> {
  const place = await placeOf(deps, input);
  if (place === undefined) return { type: 'stale', why: 'the plan is not on this worker' };
  const name = applyJob(input);
  const argv = applyArgv(place.access, place.planFile(input.plan), durationMs(place.infra.lockTimeout) / 1000);
  if ((await deps.local.jobs.status(name, context)).type === 'absent') {
    const why = await whyStale(deps, place, input, context);
    if (why !== undefined) return { type: 'stale', why };
    const fleet = await deps.fleetAt(input.fleet);
    const asked = await orTypedProblem(
      () => requireNothingOnItsWay(deps, fleet, input.node, context.signal),
      context.signal,
    );
    if (asked.type === 'problem') {
      const { type, message } = asked.problem;
      if (type === 'GateRefused') throw failure(type, message);
      // Nothing is begun: whoever waits here for hours has had a yes for what may be another plan by then.
      return { type: 'stale', why: message.replace(/\.$/, '') };
    }
    await startTerraform(deps, { name, argv, node: input.node }, context);
  }
  const ended = await followTerraform(deps, place, name, context);
  if (await pushErrored(deps, place, input, context))
    return { type: 'interrupted', why: 'the state could not be saved at once, and was pushed afterwards' };
  if (ended.how !== 'exited') return { type: 'interrupted', why: `Terraform was ended from outside (${ended.how})` };
  const read = readApply({ argv, result: ended });
  switch (read.type) {
    case 'applied':
      return { type: 'applied' };
    case 'stale':
      return { type: 'stale', why: 'the state has changed since' };
    case 'failed':
      return { type: 'failed', message: read.message, done: doneIn(ended.stdout) };
    case 'unexpected':
      return { type: 'failed', message: `it ended with ${read.exitCode}: ${read.output}`, done: doneIn(ended.stdout) };
    case 'locked':
    case 'bad environment':
      // Nothing was begun: who tries again begins anew.
      await deps.local.jobs.remove(name, context);
      throw terraformFailure(input.node, read);
  }
}

async function whyStale(
  deps: Deps,
  place: InfraPlace,
  input: ApplyInput,
  context: ActivityContext,
): Promise<string | undefined> {
  const file = place.planFile(input.plan);
  if (!(await exists(file)) || (await digestOf(file)) !== input.file) return 'the plan on this worker is another one';
  const { hash } = await planIn(deps, place, input, context);
  return hash === input.hash ? undefined : 'the state has changed since';
}

const MOST_DONE = 100;

function doneIn(stdout: string): string[] {
  const steps = applySteps(stdout.split('\n'));
  return steps.flatMap(({ step, address }) => (step === 'apply_complete' ? [address] : [])).slice(0, MOST_DONE);
}

/** What Terraform wrote beside its files because the backend did not take it: `true` where it did. */
async function pushErrored(
  { local }: Deps,
  { access, infra }: InfraPlace,
  ref: InfraPlanRef,
  { signal }: ActivityContext,
): Promise<boolean> {
  const errored = erroredIn(access.folder);
  const folder = join(infra.stateBackups.dir, ref.node);
  const kept = join(folder, `${ref.name}-${ref.plan}-errored.tfstate`);
  // An attempt that was killed may have pushed it already: the copy is what it leaves.
  if (!(await exists(errored))) return exists(kept);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await copyFile(errored, kept);
  await chmod(kept, 0o600);
  const pushed = await createTerraform(local, access, { signal }).pushState(errored);
  if (pushed.type === 'pushed') {
    await rm(errored);
    return true;
  }
  const why = terraformFailure(ref.node, pushed).message;
  throw failure(
    'StateNotSaved',
    `Terraform could not save the state of ${ref.node}; it is in ${kept} on the worker. ${why}`,
  );
}

/** @throws {ApplicationFailure} where the only copy of a state is in what the run has planned with. */
export async function requireSaved(deps: Deps, ref: NodeRef): Promise<void> {
  const errored = await erroredAt(rootOf(deps, ref));
  if (errored === undefined) return;
  const digest = await digestOf(errored);
  const { stateBackups } = infraOf(await deps.fleetAt(ref.fleet));
  const folder = join(stateBackups.dir, ref.node);
  for (const name of await readdir(folder).catch(() => []))
    if (name.startsWith(`${ref.name}-`) && (await digestOf(join(folder, name))) === digest) return;
  throw failure(
    'StateNotSaved',
    `Terraform could not save the state of ${ref.node}; it is in ${errored} on the worker.`,
  );
}

/** Where the state is that was there before that plan. */
export const backupOf = ({ stateBackups }: InfraPlace['infra'], { name, node, plan }: InfraPlanRef): string =>
  join(stateBackups.dir, node, `${name}-${plan}.tfstate`);

/** The state as it is, in a file that only its owner reads. Older ones than are kept go. */
export async function backUpState(
  deps: Deps,
  ref: InfraPlanRef,
  context: ActivityContext,
): Promise<string | undefined> {
  const { place } = await ready(deps, ref, context);
  const { infra, access } = place;
  const state = await createTerraform(deps.local, access, context).pullState();
  if (state.type === 'none') return undefined;
  if (state.type !== 'state') throw terraformFailure(ref.node, state);
  const file = backupOf(infra, ref);
  const folder = dirname(file);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  // Of an attempt that went before: after an apply it would be another one.
  if (!(await exists(file))) await deps.local.putFile(file, state.text, { mode: 0o600, signal: context.signal });
  await forgetOld(folder, infra.stateBackups.keep);
  return file;
}

/** Names sort by time; what no run has made stays. */
async function forgetOld(folder: string, keep: number): Promise<void> {
  const ours = (await readdir(folder)).filter(
    (name) => isRunName(name.slice(0, RUN_NAME)) && /-\d+\.tfstate$/.test(name),
  );
  for (const name of ours.sort().slice(0, Math.max(0, ours.length - keep)))
    await rm(join(folder, name), { force: true });
}

const RUN_NAME = 'runbook-20261123-0214-3f9c'.length;
