import { CancellationScope } from '@temporalio/workflow';
import type { BroughtBack, NewGuest, NodeRef, SavedGuestRef, TerraformGuestRef } from '../../activities/contract.ts';
import { countsOf, isEmpty, shortHash, type PlannedInfra } from '../../plan/infra.ts';
import type { RecreateScope } from '../../plan/recreate.ts';
import type { PlannedCreation, TerraformOrigin } from '../../plan/recreate-terraform.ts';
import { asSentence } from '../../plan/sentence.ts';
import type { StepActivities } from '../support/activities.ts';
import { failure } from '../support/failures.ts';
import type { Run, StepSpec } from '../support/run.ts';
import type { Recreation } from './steps.ts';

/** As infra-apply has it: everything of a member is read, and its state is waited for. */
const PLANNING = '1h';
/** A new guest that does not come up is not waited for longer: the old one is. */
const PATIENCE = '1h';

export const nodeRef = (ref: Recreation['ref'], { member }: RecreateScope): NodeRef => ({
  ...{ fleet: ref.fleet, name: ref.name, node: member },
});

const refOf = (
  { ref, scope }: Pick<Recreation, 'ref' | 'scope'>,
  { address }: TerraformOrigin,
  plan = '1',
): TerraformGuestRef => ({ ...nodeRef(ref, scope), guest: ref.guest, address, plan });

/** What Terraform would do without the old one: undefined for a guest that it does not make. */
export async function rehearse(
  run: Run,
  ref: Recreation['ref'],
  scope: RecreateScope,
  id: string,
): Promise<PlannedCreation | undefined> {
  const { terraform } = scope;
  if (terraform === undefined) return undefined;
  return run.step(
    {
      id: `${id}-terraform`,
      phase: 'gate',
      title: `${terraform.program} plan without the old one`,
      ...ACT,
      within: PLANNING,
    },
    (act) => act.rehearseCreation(refOf({ ref, scope }, terraform)),
    (found) => ({ state: 'done', detail: `${countsOf(found)} · ${shortHash(found.hash)}` }),
  );
}

const ACT = { kind: 'act' } as const;

/** The state forgets the old one, and the plan that was approved is applied. */
export async function createByTerraform(recreation: Recreation, terraform: TerraformOrigin): Promise<NewGuest> {
  const { run, ref, plan } = recreation;
  const at = refOf(recreation, terraform);
  await run.step(
    { ...spec(run, 'forget', ACT), within: PATIENCE },
    async (act) => {
      const saved = await act.saveOldInState(at);
      if (saved) recreation.saved = saved;
      recreation.forgetting = true;
      return act.forgetOldInState(savedRef(recreation, at));
    },
    (state) => ({ state }),
  );
  const made = await run.step(
    { ...spec(run, 'plan-1', ACT), within: PLANNING },
    (act) => act.planCreation(at),
    ({ hash }) => ({ state: 'done', detail: shortHash(hash) }),
  );
  if (made.hash !== plan.creation?.hash)
    throw failure(
      'Unexpected',
      `Terraform plans ${shortHash(made.hash)} by now (${countsOf(made)}), which nobody has approved.`,
    );
  if (made.sensitive !== plan.creation.sensitive)
    throw failure('Unexpected', 'A value that is sensitive is another one by now than when the plan was approved.');
  // Paused in there, it would hear no cancel.
  await run.hold();
  recreation.applying = true;
  // Cut in half, Terraform would leave what it is at half-made.
  await CancellationScope.nonCancellable(() => apply(recreation, at, made));
  return run.step(
    { ...spec(run, 'create', ACT), within: PATIENCE },
    (act) => act.adoptGuest(ref),
    ({ system }) => ({ state: 'done', detail: system.nixosVersion }),
  );
}

async function apply({ run }: Recreation, at: TerraformGuestRef, { hash, file }: PlannedInfra): Promise<void> {
  const ended = await run.step(
    spec(run, 'apply-1', { kind: 'long' }),
    (act) => act.applyInfra({ ...at, hash, file }),
    ({ type }) => ({ state: 'done', ...(type === 'applied' ? {} : { detail: type }) }),
  );
  if (ended.type === 'applied') return;
  const why = ended.type === 'failed' ? ended.message : ended.why;
  throw failure('TerraformFailed', `The plan was not applied to its end. ${asSentence(why)}`);
}

/** Terraform has nothing to do any more, also not because of what this run has marked. */
export async function settle(recreation: Recreation, terraform: TerraformOrigin): Promise<void> {
  const { run, ref } = recreation;
  await run.step(
    { ...spec(run, 'settle', ACT), within: PLANNING },
    async (act) => {
      await act.unmarkGuest(ref);
      const left = await act.planSettled(refOf(recreation, terraform, '2'));
      if (isEmpty(left)) return;
      const changes = left.changes.map(({ action, address }) => `${action} ${address}`).join(', ');
      throw failure('Unhealthy', `Terraform plans again: ${countsOf(left)} (${changes}).`);
    },
    () => ({ state: 'done' }),
  );
}

const savedRef = ({ plan, saved }: Recreation, at: TerraformGuestRef): SavedGuestRef => ({
  ...{ ...at, wasIn: plan.creation?.inState === true },
  ...(saved === undefined ? {} : { saved }),
});

/** How long the old one is kept waiting for an apply that goes on somewhere. */
const FENCE_WITHIN = '30m';

/** Terraform may be at work yet, on another machine than this worker's: it comes to its end first. */
export async function fence({ run, ...recreation }: Recreation): Promise<void> {
  const { terraform } = recreation.scope;
  if (terraform === undefined || recreation.applying !== true) return;
  await run.step(
    { id: 'fence', phase: 'roll back', title: `${terraform.program} comes to its end`, ...ACT, within: FENCE_WITHIN },
    (act) => act.fenceState(refOf(recreation, terraform)),
    (state) => ({ state }),
  );
}

/** The old one as it was, by whatever way the new one was made. */
export async function bringBack(recreation: Recreation, act: StepActivities): Promise<BroughtBack> {
  const { ref, scope, plan } = recreation;
  return scope.terraform !== undefined && recreation.applying === true
    ? act.takeBackGuest({ ...refOf(recreation, scope.terraform), old: plan.old })
    : act.bringBackGuest({ ...ref, old: plan.old });
}

/** The state as it was. Only where it may be another one by now. */
export async function putBack(recreation: Recreation, act: StepActivities): Promise<'done' | 'already'> {
  const { terraform } = recreation.scope;
  if (terraform === undefined || recreation.forgetting !== true) return 'already';
  return act.putBackInState(savedRef(recreation, refOf(recreation, terraform)));
}

function spec(run: Run, id: string, more: Pick<StepSpec, 'kind'>): StepSpec {
  const step = run.view.steps.find((each) => each.id === id);
  return { id, phase: step?.phase ?? 'install', title: step?.title ?? id, ...more };
}
