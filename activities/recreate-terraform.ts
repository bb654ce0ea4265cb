import { createHmac } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { Fleet } from '../fleet/schema.ts';
import { redact } from '../hosts/redact.ts';
import { readPlan, sensitiveValues } from '../plan/infra-plan.ts';
import { attributesAt, isInState, keepsNumbers } from '../plan/infra-state.ts';
import type { OldGuest } from '../plan/recreate.ts';
import type { PlannedCreation } from '../plan/recreate-terraform.ts';
import type { TerraformPlan } from '../tools/terraform.ts';
import { again } from './again.ts';
import type { BroughtBack, NewGuest, TerraformGuestRef, TerraformRecreateActivities } from './contract.ts';
import type { Deps } from './deps.ts';
import { failure } from './failure.ts';
import { guarded, type ActivityContext } from './guard.ts';
import { isOfRun, noteOf, ofRun, withoutRun } from './guest-note.ts';
import { notOurs, outOfTheWay, recordOf, replace, type Place } from './guest-place.ts';
import { ready, readyToRehearse, stateIn, type InfraPlace } from './infra-folder.ts';
import { planJob } from './infra-jobs.ts';
import { patiently } from './infra-locks.ts';
import { digestOf, planIn, planInfra, planned } from './infra-plan.ts';
import { requireNothingOnItsWay } from './on-its-way.ts';
import { bringBackIn, placeOfGuest, requireFree, startedIn } from './recreate.ts';
import { fence, forget, knows, putBack, removeAt, save } from './recreate-state.ts';
import { operatorKeyFile } from './secrets-at.ts';

/** A guest that Terraform makes is made anew: what its state knows of the old one and of the new one. */
export function createTerraformRecreateActivities(deps: Deps): TerraformRecreateActivities {
  return {
    rehearseCreation: guarded((ref, context) => rehearse(deps, ref, context)),
    saveOldInState: guarded((ref, context) => save(deps, ref, context)),
    forgetOldInState: guarded((ref, context) => forget(deps, ref, context)),
    planCreation: guarded(async (ref, context) => {
      const { place } = await ready(deps, ref, context);
      await planned(deps, place, ref, context);
      return (await toldWithPlan(deps, place, ref, context)).told;
    }),
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
    planSettled: guarded((ref, context) => patiently(() => planInfra(deps, ref, context))),
    fenceState: guarded((ref, context) => fence(deps, ref, context)),
    takeBackGuest: guarded((ref, context) => takeBack(deps, ref, context)),
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
  if (inState) await removeAt(deps, copy, ref, context);
  await planned(deps, copy, ref, context);
  const { told, plan } = await toldWithPlan(deps, copy, ref, context);
  return {
    ...told,
    inState,
    isWritable: text === undefined || keepsNumbers(text),
    ...declaredIn(plan, ref.address),
    ...(inState ? { known: knownAs(text, ref.address) } : {}),
  };
}

type Told = Awaited<ReturnType<TerraformRecreateActivities['planCreation']>>;

async function toldWithPlan(
  deps: Deps,
  place: InfraPlace,
  ref: TerraformGuestRef,
  context: ActivityContext,
): Promise<{ told: Told; plan: TerraformPlan }> {
  const { plan, hash } = await planIn(deps, place, ref, context);
  const sensitive = await sensitiveDigest(await deps.fleetAt(ref.fleet), ref.name, plan);
  const told = {
    ...readPlan(plan, redact),
    ...{ hash, file: await digestOf(place.planFile(ref.plan)) },
    ...(sensitive === undefined ? {} : { sensitive }),
  };
  return { told, plan };
}

/**
 * Values that are sensitive are in no hash that anybody sees, for weak ones could be tried out. The operator's key is the same on
 * every worker and known to nobody else: with it, it can be seen that they are the same as at the yes, and nothing else.
 */
async function sensitiveDigest(fleet: Fleet, run: string, plan: TerraformPlan): Promise<string | undefined> {
  // The gates refuse what has none.
  if (fleet.secrets.identityFile === undefined) return undefined;
  const text = await readFile(operatorKeyFile(fleet), 'utf8').catch(() => undefined);
  // Comments and the order of lines may differ from worker to worker.
  const key =
    text
      ?.match(/^AGE-SECRET-KEY-\S+/gm)
      ?.sort()
      .join('\n') ?? text;
  return key === undefined
    ? undefined
    : createHmac('sha256', key).update(run).update('\0').update(sensitiveValues(plan)).digest('hex');
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');

/** Of another resource only its provider knows what it is made by. */
function declaredIn({ resource_changes: changes }: TerraformPlan, address: string): Pick<PlannedCreation, 'declared'> {
  const found = changes.find((each) => each.address === address);
  if (found?.type !== 'incus_instance') return {};
  const after = (found.change.after ?? {}) as Record<string, unknown>;
  const { name, target, project, type, remote, ephemeral } = after;
  return {
    declared: {
      ...{ name: textOf(name), target: textOf(target), remote: textOf(remote) },
      // Where none is said, the provider takes those.
      ...{ project: textOf(project) || 'default', type: textOf(type) || 'container', ephemeral: ephemeral === true },
    },
  };
}

/** What the state says of the old one. */
function knownAs(text: string, address: string): NonNullable<PlannedCreation['known']> {
  const { name, project, remote } = attributesAt(text, address);
  return { name: textOf(name), project: textOf(project) || 'default', remote: textOf(remote) };
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
async function claim(
  deps: Deps,
  ref: TerraformGuestRef & { old?: OldGuest },
  place: Place,
  context: ActivityContext,
): Promise<'old is gone' | undefined> {
  const { name, run, aside, failed } = place;
  const record = await recordOf(place, name);
  if (record === undefined || isOfRun(record, run) || noteOf(record, run) !== undefined) return undefined;
  if (ref.old !== 'gone' && (await recordOf(place, aside)) === undefined) {
    // An attempt that was cut off has taken the new one out of the way: what has the name is the old one.
    const isBack = (await recordOf(place, failed)) !== undefined;
    return isBack ? undefined : 'old is gone';
  }
  // A state that cannot be read keeps nobody from bringing the old one back.
  if (await hasMade(deps, ref, context).catch(() => false)) {
    await replace(place, name, { ...record, config: { ...record.config, ...ofRun(run) } });
    return undefined;
  }
  await outOfTheWay(place, async () => (await recordOf(place, name)) ?? record);
  return undefined;
}

/** Asked on whichever worker this is, and again where the state is away for a moment only. */
async function hasMade(deps: Deps, ref: TerraformGuestRef, context: ActivityContext): Promise<boolean> {
  const look = async (): Promise<boolean> => {
    const { place } = await ready(deps, ref, context);
    return knows(deps, place, ref, context);
  };
  return again(look, context.signal);
}

/** What cannot be told of the new one keeps nobody from bringing the old one back, unless it has the name. */
async function takeBack(
  deps: Deps,
  ref: TerraformGuestRef & { old?: OldGuest },
  context: ActivityContext,
): Promise<BroughtBack> {
  const place = await placeOfGuest(deps, ref, context);
  const claimed = await claim(deps, ref, place, context).catch((error: unknown) => ({ error }));
  if (claimed === 'old is gone') return claimed;
  try {
    return await bringBackIn(deps, ref, context);
  } catch (error) {
    if (!(await isTaken(place))) throw error;
    const cause = claimed?.error ?? error;
    const why = cause instanceof Error ? cause.message : String(cause);
    throw failure('Busy', `The old ${place.name} is ${place.aside}: another one has its name. ${why}`);
  }
}

/** Whether something has the name of the old one that this run does not know for its own. */
async function isTaken(place: Place): Promise<boolean> {
  const record = await recordOf(place, place.name);
  if (record === undefined || isOfRun(record, place.run) || noteOf(record, place.run) !== undefined) return false;
  return (await recordOf(place, place.aside)) !== undefined;
}
