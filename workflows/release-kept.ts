import { durationMs } from '../plan/duration.ts';
import { planRelease, whatIsLost, type ReleaseObservation, type ReleaseScope } from '../plan/release-kept.ts';
import type { RunResult, RunView } from '../plan/run.ts';
import type { RunRef } from '../activities/contract.ts';
import type { ReleaseKeptInput } from './messages.ts';
import { conclude, unchanged } from './support/conclude.ts';
import { describeFailure, failure } from './support/failures.ts';
import { withLocks } from './support/locks.ts';
import { Run } from './support/run.ts';
import { refused } from './upgrade/results.ts';

/** Destroys one thing that a run has set aside, by its typed name. Nothing else ever does. */
export async function releaseKept(input: ReleaseKeptInput): Promise<RunView> {
  const { member, name, fleet } = input;
  const run = new Run({ runbook: 'release-kept', subject: member, revision: fleet.revision, startedBy: input.actor });
  const ref = { fleet, name: run.view.name };
  return conclude(run, async () => {
    const scope = await run.step(
      { id: 'scope', phase: 'gate', title: 'fleet file', kind: 'observe' },
      (act) => act.resolveRelease({ fleet, member, kept: name }),
      () => ({ state: 'done', detail: `${name} on ${member}` }),
    );
    return withLocks(run, [`member/${member}`], () => release(run, ref, scope));
  });
}

async function release(run: Run, ref: RunRef, scope: ReleaseScope): Promise<RunResult> {
  const { member, name } = scope;
  const observation = await run.step(
    { id: 'observe', phase: 'gate', title: name, kind: 'observe' },
    (act) => act.observeRelease({ ...ref, member, kept: name }),
    ({ isThere, mark }) => ({ state: 'done', detail: isThere ? (mark?.from ?? 'it is there') : 'not there' }),
  );
  if (!observation.isThere)
    return { outcome: 'AlreadySo', summary: `There is no ${name} on ${member}.`, left: [], next: NEXT };
  const plan = planRelease(scope, observation);
  run.judge(plan.gates);
  if (plan.refusals.length > 0) return refused(plan);
  run.announce([{ id: 'release', phase: 'remove', title: name, state: 'pending' }]);
  try {
    await approve(run, scope, observation);
    await run.hold();
  } catch (error) {
    return unchanged(error);
  }
  try {
    await run.step(
      { id: 'release', phase: 'remove', title: name, kind: 'act' },
      (act) => act.releaseKept({ ...ref, member, kept: name }),
      (state) => ({ state }),
    );
  } catch (error) {
    return halfWay(scope, error);
  }
  return { outcome: 'Done', summary: `${name} on ${member} is destroyed.`, left: [], next: NEXT };
}

const NEXT = [{ command: 'runbook list-kept', purpose: 'what else is kept' }];

async function approve(run: Run, scope: ReleaseScope, observation: ReleaseObservation): Promise<void> {
  const { name, member, approvalTimeout } = scope;
  const { approved, actor, reason } = await run.ask({
    id: 'release',
    destructive: true,
    question: `Destroy ${name} on ${member}?`,
    consequences: [...whatIsLost(scope, observation), 'No, or no answer in time: it stays.'],
    expects: name,
    timeoutMs: durationMs(approvalTimeout),
  });
  if (!approved) throw failure('NotApproved', `The end of ${name} was not approved (${actor}: ${reason}).`);
}

/** A refusal of the activity's comes before it acts. */
function halfWay({ name, member }: ReleaseScope, error: unknown): RunResult {
  const cause = describeFailure(error);
  if (cause.type === 'GateRefused') return unchanged(error);
  return {
    outcome: 'Failed',
    summary: `${name} may be there in part. ${cause.message}`,
    failure: cause,
    left: [],
    next: [{ command: `runbook release-kept ${name} --node ${member}`, purpose: 'go on: it looks first' }],
  };
}
