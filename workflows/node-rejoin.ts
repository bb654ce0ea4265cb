import { sleep } from '@temporalio/workflow';
import type { RunRef } from '../activities/contract.ts';
import { describeRejoinStep, planRejoin, rejoinViews, type RejoinPlan, type RejoinStep } from '../plan/node-rejoin.ts';
import type { RejoinScope } from '../plan/rejoin.ts';
import type { RunResult, RunView } from '../plan/run.ts';
import { checkDrift } from './drift/check.ts';
import { saveIdentities } from './identity/save.ts';
import type { NodeRejoinInput } from './messages.ts';
import { askForImport, askToForget } from './rejoin/approvals.ts';
import { alreadySo, back, halfWay, planned } from './rejoin/results.ts';
import { perform, type Done } from './rejoin/steps.ts';
import type { StepActivities } from './support/activities.ts';
import { conclude, unchanged } from './support/conclude.ts';
import { failure } from './support/failures.ts';
import { withLocks } from './support/locks.ts';
import { Run } from './support/run.ts';
import { describeFindings } from './upgrade/health.ts';
import { refused } from './upgrade/results.ts';

/**
 * A lost member back into its cluster, with its data. It only goes forward: what is half-way is finished by the next run, which
 * looks before it acts. Nothing that held data is destroyed.
 */
export async function nodeRejoin(input: NodeRejoinInput): Promise<RunView> {
  const { node: member, fleet, planOnly } = input;
  const run = new Run({ runbook: 'node-rejoin', subject: member, revision: fleet.revision });
  const ref = { fleet, name: run.view.name, member };
  return conclude(
    run,
    async () => {
      const scope = await resolveScope(run, ref);
      const work = (): Promise<RunResult> => rejoin(run, ref, scope, input);
      const members = [member, ...scope.others].map((name) => `member/${name}`);
      return planOnly ? work() : withLocks(run, members, work);
    },
    input,
  );
}

type Ref = RunRef & { member: string };
/** Saved identities are not looked for where it is to join anew. */
type Looking = Ref & { anew: boolean };

async function rejoin(
  run: Run,
  ref: Ref,
  scope: RejoinScope,
  { anew, planOnly }: Pick<NodeRejoinInput, 'anew' | 'planOnly'>,
): Promise<RunResult> {
  const look = (id: string): Promise<RejoinPlan> => observe(run, { ...ref, anew }, scope, id);
  const first = await look('observe');
  if (first.refusals.length > 0) return refuse(run, first, planOnly);
  if (planOnly) return showPlan(run, ref, first);
  const done: Done[] = [];
  let plan = first;
  try {
    if (first.case === 'unknown') {
      await askForImport(run, scope, first);
      await actAll(run, ref, scope, first.steps, done);
      // Only now is to be seen what the pools have.
      plan = await look('observe-again');
      if (plan.refusals.length > 0) return { ...refuse(run, plan, false), left: stays(ref, done) };
    } else run.judge(plan.gates);
    run.announce(rejoinViews(plan.steps, ref.member));
    await askToForget(run, scope, plan);
    await run.hold();
  } catch (error) {
    return unchanged(error, stays(ref, done));
  }
  try {
    await actAll(run, ref, scope, plan.steps, done);
    if (plan.case === 'nothing lost' && done.every(({ reached }) => reached === 'already'))
      return alreadySo(ref.member);
    const unsaved = await saveNew(run, ref, scope, plan);
    await checkDrift(run, ref, ref.member);
    return back(ref.member, plan, done, unsaved);
  } catch (error) {
    return halfWay(error, ref.member, plan, done);
  }
}

const stays = ({ member }: Ref, done: readonly Done[]): string[] =>
  done.map(({ step }) => `done, and it stays: ${describeRejoinStep(step, member).title}`);

/** One that joined anew is somebody else to its cluster. What cannot be saved is said, and fails nothing. */
async function saveNew(run: Run, ref: Ref, { savesIdentities }: RejoinScope, { steps }: RejoinPlan): Promise<string[]> {
  const isNew = steps.some(({ type }) => type === 'join');
  return savesIdentities && isNew ? (await saveIdentities(run, ref, [ref.member])).left : [];
}

function refuse(run: Run, plan: RejoinPlan, planOnly: boolean): RunResult {
  run.judge(plan.gates);
  return refused(plan, planOnly ? 'It would not start' : 'Not started');
}

function showPlan(run: Run, { member }: Ref, plan: RejoinPlan): RunResult {
  run.judge(plan.gates);
  run.announce(rejoinViews(plan.steps, member));
  return planned(member, plan);
}

async function resolveScope(run: Run, { fleet, member }: Ref): Promise<RejoinScope> {
  return run.step(
    { id: 'scope', phase: 'gate', title: 'fleet file', kind: 'observe' },
    (act) => act.resolveRejoin({ fleet, member }),
    ({ pools }) => ({ state: 'done', detail: pools.map(({ dataset }) => dataset).join(', ') }),
  );
}

async function observe(run: Run, { anew, ...ref }: Looking, scope: RejoinScope, id: string): Promise<RejoinPlan> {
  return run.step(
    { id, phase: 'gate', title: `${ref.member} and the cluster`, kind: 'observe' },
    async (act) => planRejoin(scope, await act.observeRejoin({ ...ref, anew })),
    (plan) => ({ state: 'done', detail: plan.case === 'unknown' ? 'its pools are not imported' : plan.case }),
  );
}

async function actAll(
  run: Run,
  ref: Ref,
  scope: RejoinScope,
  steps: readonly RejoinStep[],
  done: Done[],
): Promise<void> {
  for (const step of steps) {
    const result = await run.step(
      { ...describeRejoinStep(step, ref.member), kind: 'act' },
      (act) => (step.type === 'health' ? untilHealthy(act, ref, scope, step) : perform(act, ref, step)),
      ({ reached, detail }) => ({ state: reached, ...(detail === undefined ? {} : { detail }) }),
    );
    done.push(result);
  }
}

/** Guests that lost their host have a file system to check and a database to recover: their probes get more than one round. */
const HEALTHY_WITHIN_MS = 15 * 60_000;

async function untilHealthy(act: StepActivities, ref: Ref, scope: RejoinScope, step: RejoinStep): Promise<Done> {
  const until = Date.now() + HEALTHY_WITHIN_MS;
  const nodes = [ref.member, ...scope.guests];
  for (;;) {
    const { findings } = await act.checkHealth({
      ...{ fleet: ref.fleet, name: ref.name, member: ref.member, nodes },
      ...{ failedBefore: {}, allowOffline: [], patience: 'patient' },
    });
    const sick = findings.filter(({ healthy }) => !healthy);
    // It was looked at, and nothing was done.
    if (sick.length === 0)
      return { step, reached: 'already', detail: `${findings.length} of ${findings.length} hold`, left: [], kept: [] };
    if (Date.now() >= until) throw failure('Unhealthy', describeFindings(sick));
    await sleep(AGAIN_MS, { summary: `not healthy yet: ${describeFindings(sick)}`.slice(0, 200) });
  }
}

const AGAIN_MS = 10_000;
