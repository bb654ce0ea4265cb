import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { redact } from '../hosts/redact.ts';
import { durationMs } from '../plan/duration.ts';
import { readPlan } from '../plan/infra-plan.ts';
import { isInState, isSameAt, keepsNumbers, withEntryOf } from '../plan/infra-state.ts';
import type { PlannedCreation } from '../plan/recreate-terraform.ts';
import { createTerraform, type TerraformPlan } from '../tools/terraform.ts';
import type { NewGuest, Reached, TerraformGuestRef, TerraformRecreateActivities } from './contract.ts';
import type { Deps } from './deps.ts';
import { failure } from './failure.ts';
import { guarded, type ActivityContext } from './guard.ts';
import { isOfRun, noteOf, ofRun, withoutRun } from './guest-note.ts';
import { notOurs, outOfTheWay, recordOf, replace, type Place } from './guest-place.ts';
import { backUpState, backupOf } from './infra-apply.ts';
import { terraformFailure } from './infra-failure.ts';
import { placeOf, ready, readyToRehearse, type InfraPlace } from './infra-folder.ts';
import { applyJob, followTerraform, planJob } from './infra-jobs.ts';
import { digestOf, planIn, planned } from './infra-plan.ts';
import { requireNothingOnItsWay } from './on-its-way.ts';
import { placeOfGuest, requireFree, startedIn } from './recreate.ts';

/** A guest that Terraform makes is made anew: what its state knows of the old one and of the new one. */
export function createTerraformRecreateActivities(deps: Deps): TerraformRecreateActivities {
  return {
    rehearseCreation: guarded((ref, context) => rehearse(deps, ref, context)),
    forgetOldInState: guarded((ref, context) => forget(deps, ref, context)),
    adoptGuest: guarded(async (ref, context) => {
      const place = await placeOfGuest(deps, ref, context);
      await adopt(place);
      return startedIn(deps, ref, place, context) satisfies Promise<NewGuest>;
    }),
    unmarkGuest: guarded(async (ref, context) => {
      const place = await placeOfGuest(deps, ref, context);
      const record = await recordOf(place, place.name);
      if (record === undefined || !isOfRun(record, place.run)) return 'already';
      await replace(place, place.name, withoutRun(record));
      return 'done';
    }),
    claimGuest: guarded((ref, context) => claim(deps, ref, context)),
    putBackInState: guarded((ref, context) => putBack(deps, ref, context)),
  };
}

/** Of a plan that is only made to be looked at. */
const REHEARSAL = 'rehearsal';

async function rehearse(deps: Deps, given: TerraformGuestRef, context: ActivityContext): Promise<PlannedCreation> {
  const ref = { ...given, plan: REHEARSAL };
  // As before every apply, which comes when the old one is down.
  await requireNothingOnItsWay(deps, await deps.fleetAt(ref.fleet), ref.node, context.signal);
  const { place } = await ready(deps, ref, context);
  const text = await stateIn(deps, place, ref, context);
  // An earlier one would be taken for this one, and is of another state.
  await deps.local.jobs.stop(planJob(ref), context);
  await deps.local.jobs.remove(planJob(ref), context);
  const copy = await readyToRehearse(deps, ref, place, text, context);
  const inState = text !== undefined && isInState(text, ref.address);
  if (inState) await remove(deps, copy, ref, context);
  await planned(deps, copy, ref, context);
  const { plan, hash } = await planIn(deps, copy, ref, context);
  return {
    ...readPlan(plan, redact),
    ...{ hash, file: await digestOf(copy.planFile(REHEARSAL)), inState },
    isWritable: text === undefined || keepsNumbers(text),
    ...declaredIn(plan, ref.address),
  };
}

/** What other resources are made by, only their provider knows. */
function declaredIn({ resource_changes: changes }: TerraformPlan, address: string): Pick<PlannedCreation, 'declared'> {
  const found = changes.find((each) => each.address === address);
  if (found?.type !== 'incus_instance') return {};
  const { name, target, project } = (found.change.after ?? {}) as Record<string, unknown>;
  const text = (value: unknown): string => (typeof value === 'string' ? value : '');
  // Where none is said, the provider takes that one.
  return { declared: { name: text(name), target: text(target), project: text(project) || 'default' } };
}

/** The state as it is: undefined where there is none yet. */
async function stateIn(
  { local }: Deps,
  { access }: InfraPlace,
  { node }: TerraformGuestRef,
  { signal }: ActivityContext,
): Promise<string | undefined> {
  const state = await createTerraform(local, access, { signal }).pullState();
  if (state.type === 'none') return undefined;
  if (state.type !== 'state') throw terraformFailure(node, state);
  return state.text;
}

async function remove(
  { local }: Deps,
  { access, infra }: InfraPlace,
  { node, address }: TerraformGuestRef,
  { signal }: ActivityContext,
): Promise<void> {
  const seconds = durationMs(infra.lockTimeout) / 1000;
  const answer = await createTerraform(local, access, { signal }).removeFromState(address, seconds);
  if (answer.type !== 'removed' && answer.type !== 'none') throw terraformFailure(node, answer);
}

/** The copy comes first: whatever is cut off, what the state knew of the old one is not lost. */
async function forget(deps: Deps, ref: TerraformGuestRef, context: ActivityContext): Promise<Reached> {
  const guest = await placeOfGuest(deps, ref, context);
  if ((await recordOf(guest, ref.guest)) !== undefined)
    throw failure('Unexpected', `There is an instance ${ref.guest}: Terraform cannot make one of that name.`);
  await backUpState(deps, ref, context);
  const { place } = await ready(deps, ref, context);
  if (!(await knows(deps, place, ref, context))) return 'already';
  await remove(deps, place, ref, context);
  if (await knows(deps, place, ref, context))
    throw failure('Unexpected', `Terraform said that ${ref.address} was removed from its state, and it is there.`);
  return 'done';
}

async function knows(
  deps: Deps,
  place: InfraPlace,
  ref: TerraformGuestRef,
  context: ActivityContext,
): Promise<boolean> {
  const text = await stateIn(deps, place, ref, context);
  return text !== undefined && isInState(text, ref.address);
}

/** The mark says to whoever takes this back that it may be removed. */
async function adopt(place: Place): Promise<void> {
  const { name, guest, run } = place;
  const record = await recordOf(place, name);
  if (record === undefined)
    throw failure('TerraformFailed', `Terraform has applied its plan, and Incus has no ${name} on ${guest.member}.`);
  if (noteOf(record, run) !== undefined) throw notOurs(name);
  if (!isOfRun(record, run)) await replace(place, name, { ...record, config: { ...record.config, ...ofRun(run) } });
  if (record.location !== guest.member && record.location !== 'none')
    throw failure('BadConfig', `Terraform has made ${name} on ${record.location} instead of ${guest.member}.`);
  const attached = Object.values(record.expanded_devices);
  const without = guest.volumes.find(
    (volume) =>
      !attached.some(({ type, pool, source }) => type === 'disk' && pool === volume.pool && source === volume.name),
  );
  if (without !== undefined)
    throw failure('BadConfig', `What Terraform has made is without the volume ${without.name} of ${name}.`);
  await requireFree(place);
}

/**
 * The name was free when the apply began, so what Terraform knows by now under the address is what it has made. What it does not
 * know it may have begun, or somebody else: that is only taken out of the way.
 */
async function claim(deps: Deps, ref: TerraformGuestRef, context: ActivityContext): Promise<Reached> {
  const made = await placeOf(deps, ref);
  const job = applyJob(ref);
  if (made !== undefined && (await deps.local.jobs.status(job, context)).type !== 'absent')
    await followTerraform(deps, made, job, context);
  const place = await placeOfGuest(deps, ref, context);
  const { name, run } = place;
  const record = await recordOf(place, name);
  if (record === undefined || isOfRun(record, run) || noteOf(record, run) !== undefined) return 'already';
  // A state that cannot be read keeps nobody from bringing the old one back.
  if (made !== undefined && (await knows(deps, made, ref, context).catch(() => false))) {
    await replace(place, name, { ...record, config: { ...record.config, ...ofRun(run) } });
    return 'done';
  }
  await outOfTheWay(place, async () => (await recordOf(place, name)) ?? record);
  return 'done';
}

async function putBack(
  deps: Deps,
  { wasIn, ...ref }: TerraformGuestRef & { wasIn: boolean },
  context: ActivityContext,
): Promise<Reached> {
  const { place } = await ready(deps, ref, context);
  const current = await stateIn(deps, place, ref, context);
  if (!wasIn) {
    if (current === undefined || !isInState(current, ref.address)) return 'already';
    await remove(deps, place, ref, context);
    return 'done';
  }
  const file = backupOf(place.infra, ref);
  const backup = await readFile(file, 'utf8').catch(() => undefined);
  if (backup === undefined) throw notSaved(ref, `the copy of the state, ${file}, is not on this worker`);
  if (current !== undefined && isSameAt(current, backup, ref.address)) return 'already';
  await push(deps, place, ref, { current, backup, file }, context);
  const after = await stateIn(deps, place, ref, context);
  if (after === undefined || !isSameAt(after, backup, ref.address))
    throw notSaved(ref, `the state was pushed, and has it otherwise than ${file}`);
  return 'done';
}

async function push(
  { local }: Deps,
  { access, root }: InfraPlace,
  ref: TerraformGuestRef,
  { current, backup, file }: { current: string | undefined; backup: string; file: string },
  { signal }: ActivityContext,
): Promise<void> {
  if (current !== undefined && lineageOf(current) !== lineageOf(backup))
    throw notSaved(ref, `the state is another one than in ${file}`);
  const merged = join(root, 'put-back.tfstate');
  const text = current === undefined ? backup : withEntryOf(current, backup, ref.address);
  await local.putFile(merged, text, { mode: 0o600, signal });
  const pushed = await createTerraform(local, access, { signal }).pushState(merged);
  if (pushed.type !== 'pushed') throw notSaved(ref, `${file} has it; ${terraformFailure(ref.node, pushed).message}`);
}

const lineageOf = (text: string): unknown => (JSON.parse(text) as { lineage: unknown }).lineage;

const notSaved = ({ address, node }: TerraformGuestRef, why: string): Error =>
  failure('StateNotSaved', `${address} could not be put back into the state of ${node}: ${why}`);
