import { patched, sleep } from '@temporalio/workflow';
import type { RunRef } from '../activities/contract.ts';
import { formatAge } from '../plan/duration.ts';
import {
  describeRejoinStep,
  importsIn,
  planRejoin,
  rejoinViews,
  type RejoinPlan,
  type RejoinStep,
} from '../plan/node-rejoin.ts';
import type { RejoinScope } from '../plan/rejoin.ts';
import type { RunResult, RunView } from '../plan/run.ts';
import { checkDrift } from './drift/check.ts';
import { saveIdentities } from './identity/save.ts';
import type { NodeRejoinInput } from './messages.ts';
import { askForImport, askToForget } from './rejoin/approvals.ts';
import { alreadySo, back, halfWay, planned } from './rejoin/results.ts';
import { perform, type Done } from './rejoin/steps.ts';
import { isTakeBack, takeBack } from './rejoin/take-back.ts';
import { Watch } from './rejoin/watch.ts';
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
  const run = new Run({ runbook: 'node-rejoin', subject: member, revision: fleet.revision, startedBy: input.actor });
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

async function rejoin(
  run: Run,
  ref: Ref,
  scope: RejoinScope,
  { anew, planOnly }: Pick<NodeRejoinInput, 'anew' | 'planOnly'>,
): Promise<RunResult> {
  const watch = new Watch();
  const asks = async (act: StepActivities): Promise<RejoinPlan> =>
    planRejoin(scope, await watch.whileLooking(() => act.observeRejoin({ ...ref, anew })));
  const look = (id: string): Promise<RejoinPlan> => observe(run, ref.member, id, asks);
  const first = await untilOthersAreThere(run, await look('observe'), asks, planOnly);
  if (first.refusals.length > 0) return refuse(run, first, planOnly);
  if (planOnly) return showPlan(run, ref, first);
  const done: Done[] = [];
  let plan = first;
  try {
    // Only then is to be seen what the pools have, and another one may be seen meanwhile: each is asked for by its name.
    for (let round = 1; plan.case === 'unknown' || importsIn(plan).length > 0; round += 1) {
      const now: RejoinPlan = { ...plan, steps: importsIn(plan) };
      await watch.whileAsking(() => askForImport(run, scope, now, round));
      await actAll(run, ref, scope, now, done);
      plan = await look(round === 1 ? 'observe-again' : `observe-again-${round}`);
      if (plan.refusals.length > 0) return { ...refuse(run, plan, false), left: stays(ref, done) };
      if (round >= IMPORT_ROUNDS) throw failure('Unexpected', 'The zpools of its disks are others with each look.');
    }
    run.judge(plan.gates);
    plan = inOrder(plan);
    run.announce(rejoinViews(plan.steps, ref.member));
    await watch.whileAsking(() => askToForget(run, scope, plan));
    await run.hold();
  } catch (error) {
    return unchanged(error, stays(ref, done));
  }
  try {
    await actAll(run, ref, scope, plan, done);
    if (plan.case === 'nothing lost' && done.every(({ reached }) => reached === 'already'))
      return alreadySo(scope, plan);
    const took = watch.took();
    const unsaved = await saveNew(run, ref, scope, plan);
    await checkDrift(run, ref, ref.member);
    return back(scope, plan, done, { took, unsaved });
  } catch (error) {
    return halfWay(error, ref.member, plan, done);
  }
}

/** Runs of before closed their notes last: a guest that did not get healthy kept Terraform away. */
function inOrder(plan: RejoinPlan): RejoinPlan {
  if (patched('rejoin-notes-before-health')) return plan;
  const isLast = ({ type }: RejoinStep): boolean => type === 'forget notes';
  return { ...plan, steps: [...plan.steps.filter((step) => !isLast(step)), ...plan.steps.filter(isLast)] };
}

/** As often as new disks are seen, at most. */
const IMPORT_ROUNDS = 5;

/** A house that has had no power comes up in some minutes. */
const OTHERS_WITHIN_MS = 10 * 60_000;

/** Where nothing but others that are away is in the way, they are waited for. A plan is shown as it would be now. */
async function untilOthersAreThere(
  run: Run,
  first: RejoinPlan,
  look: (act: StepActivities) => Promise<RejoinPlan>,
  planOnly: boolean,
): Promise<RejoinPlan> {
  const { waitsFor } = first;
  if (planOnly || waitsFor === undefined || !patched('rejoin-waits-for-others')) return first;
  run.warn(`${waitsFor} It waits at most ${formatAge(OTHERS_WITHIN_MS)} for that to change.`);
  const until = Date.now() + OTHERS_WITHIN_MS;
  return run.step(
    { id: 'others', phase: 'gate', title: 'others that are away', kind: 'observe' },
    async (act) => {
      for (;;) {
        await sleep(AGAIN_MS, { summary: `waits: ${waitsFor}`.slice(0, 200) });
        const plan = await look(act);
        if (plan.waitsFor === undefined || Date.now() >= until) return plan;
      }
    },
    (plan) => ({ state: 'done', detail: plan.waitsFor === undefined ? 'they are there' : 'they are not back' }),
  );
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

const observe = (
  run: Run,
  member: string,
  id: string,
  look: (act: StepActivities) => Promise<RejoinPlan>,
): Promise<RejoinPlan> =>
  run.step({ id, phase: 'gate', title: `${member} and the cluster`, kind: 'observe' }, look, (plan) => ({
    state: 'done',
    detail: plan.case === 'unknown' ? 'its pools are not imported' : plan.case,
  }));

async function actAll(run: Run, ref: Ref, scope: RejoinScope, plan: RejoinPlan, done: Done[]): Promise<void> {
  // What is not made anew cannot be healthy, and was named before.
  const absent = new Set(plan.missing?.notRemade.map(({ instance }) => instance.name));
  const guests = scope.guests.filter((name) => !absent.has(name));
  for (const step of plan.steps) {
    if (isTakeBack(step)) {
      done.push(await takeBack(run, ref, scope, step));
      continue;
    }
    const result = await run.step(
      { ...describeRejoinStep(step, ref.member), kind: 'act' },
      (act) =>
        step.type === 'health' ? untilHealthy(act, ref, { guests, away: plan.away }, step) : perform(act, ref, step),
      ({ reached, detail }) => ({ state: reached, ...(detail === undefined ? {} : { detail }) }),
    );
    done.push(result);
  }
}

/** Guests that lost their host have a file system to check and a database to recover: their probes get more than one round. */
const HEALTHY_WITHIN_MS = 15 * 60_000;

async function untilHealthy(
  act: StepActivities,
  ref: Ref,
  { guests, away }: { guests: readonly string[]; away: string[] },
  step: RejoinStep,
): Promise<Done> {
  const until = Date.now() + HEALTHY_WITHIN_MS;
  const nodes = [ref.member, ...guests];
  for (;;) {
    const { findings } = await act.checkHealth({
      ...{ fleet: ref.fleet, name: ref.name, member: ref.member, nodes },
      ...{ failedBefore: {}, allowOffline: away, patience: 'patient' },
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
