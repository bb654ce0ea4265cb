import { isCancellation } from '@temporalio/workflow';
import type { RunRef } from '../activities/contract.ts';
import {
  describeStep,
  formationViews,
  planFormation,
  type FormationPlan,
  type FormationStep,
} from '../plan/cluster-bootstrap.ts';
import { durationWords } from '../plan/duration.ts';
import { FAILURES } from '../plan/failures.ts';
import type { FormationScope } from '../plan/formation.ts';
import { halfWayOf } from '../plan/half-way.ts';
import { handOver } from '../plan/hand-over.ts';
import type { RunResult, RunView } from '../plan/run.ts';
import { asSentence } from '../plan/sentence.ts';
import { saveIdentities } from './identity/save.ts';
import type { ClusterBootstrapInput } from './messages.ts';
import { conclude, unchanged } from './support/conclude.ts';
import type { StepActivities } from './support/activities.ts';
import { describeFailure, type DescribedFailure } from './support/failures.ts';
import { withLocks } from './support/locks.ts';
import { Run } from './support/run.ts';
import { refused } from './upgrade/results.ts';

/**
 * From hosts that each run an Incus of their own to the one cluster that the fleet file declares, and from a cluster to a
 * larger one. It only goes forward: what is half-way is finished by the next run, which looks before it acts.
 */
export async function clusterBootstrap(input: ClusterBootstrapInput): Promise<RunView> {
  const run = new Run({ runbook: 'cluster-bootstrap', subject: 'all', revision: input.fleet.revision });
  const ref = { fleet: input.fleet, name: run.view.name };
  return conclude(
    run,
    async () => {
      const scope = await resolveScope(run, ref);
      const work = (): Promise<RunResult> => bootstrap(run, ref, scope, input.planOnly);
      const members = scope.members.map(({ name }) => `member/${name}`);
      return input.planOnly ? work() : withLocks(run, members, work);
    },
    input,
  );
}

async function bootstrap(run: Run, ref: RunRef, scope: FormationScope, planOnly: boolean): Promise<RunResult> {
  const plan = await observe(run, ref, scope, 'gate');
  run.judge(plan.gates);
  if (plan.refusals.length > 0) return refused(plan, planOnly ? 'It would not start' : 'Not started');
  for (const difference of plan.drift) run.warn(`Not as declared, and left as it is: ${difference}.`);
  if (plan.alreadySo) return alreadySo(scope);
  if (plan.steps.length === 0) return notAsDeclared(plan);
  run.announce(formationViews(plan.steps, scope.cluster));
  if (planOnly) return planned();
  try {
    await run.hold();
  } catch (error) {
    return unchanged(error);
  }
  const done: FormationStep[] = [];
  try {
    for (const [index, step] of plan.steps.entries()) {
      await act(run, ref, scope, step, index);
      done.push(step);
    }
    const result = formed(scope, await observe(run, ref, scope, 'verify'));
    return scope.savesIdentities === true
      ? { ...result, left: [...result.left, ...(await save(run, ref, scope))] }
      : result;
  } catch (error) {
    return halfWay(error, scope, plan, done, await leftInTheMiddle(run, ref));
  }
}

/** Looked at also where it was cancelled. A look that fails leaves it open. */
async function leftInTheMiddle(run: Run, ref: RunRef): Promise<string[]> {
  try {
    return await run.unstoppable(() =>
      run.step(
        { id: 'left', phase: 'verify', title: 'what is half-way', kind: 'observe' },
        async (act) => halfWayOf(await act.observeFormation(ref)),
        (left) => ({ state: 'done', detail: left.length === 0 ? 'nothing' : left.join('; ') }),
      ),
    );
  } catch (error) {
    return [`what is half-way could not be looked at: ${describeFailure(error).message}`];
  }
}

/** Everybody has a new cluster to be a member of. What cannot be saved is said, and fails nothing. */
async function save(run: Run, ref: RunRef, { members }: FormationScope): Promise<string[]> {
  const names = members.map(({ name }) => name);
  try {
    return (await saveIdentities(run, ref, names)).left;
  } catch (error) {
    if (!isCancellation(error)) throw error;
    return ['It was cancelled before every identity was saved: runbook start identity-backup does it.'];
  }
}

async function resolveScope(run: Run, ref: RunRef): Promise<FormationScope> {
  return run.step(
    { id: 'scope', phase: 'gate', title: 'fleet file', kind: 'observe' },
    (act) => act.resolveFormation(ref),
    ({ members }) => ({ state: 'done', detail: members.map(({ name }) => name).join(', ') }),
  );
}

/** Before the first change, and again as the drift check at the end. */
async function observe(run: Run, ref: RunRef, scope: FormationScope, phase: 'gate' | 'verify'): Promise<FormationPlan> {
  return run.step(
    {
      id: phase === 'gate' ? 'observe' : 'drift',
      phase,
      title: phase === 'gate' ? 'members' : 'the cluster as declared',
      kind: 'observe',
    },
    async (act) => planFormation(scope, await act.observeFormation(ref), new Date().toISOString()),
    ({ steps, drift }) => ({
      state: 'done',
      detail: phase === 'gate' ? `${steps.length} steps ahead` : drift.length === 0 ? 'it is' : drift.join('; '),
    }),
  );
}

async function act(run: Run, ref: RunRef, scope: FormationScope, step: FormationStep, index: number): Promise<void> {
  await run.step(
    { ...describeStep(step, scope.cluster), kind: 'act', within: scope.cluster.waitForMembers },
    (activities) => perform(activities, ref, step, `${ref.name}-${index}`),
    (value) => (value === 'anew' ? { state: 'done', detail: ANEW } : { state: value }),
  );
}

const ANEW = 'an interrupted join was taken back first';

async function perform(
  act: StepActivities,
  ref: RunRef,
  step: FormationStep,
  instance: string,
): Promise<'done' | 'already' | 'anew'> {
  switch (step.type) {
    case 'listen':
      return act.listenForCluster({ ...ref, member: step.member });
    case 'pool':
      return act.createPool({ ...ref, member: step.member, pool: step.name });
    case 'network':
      return act.createManagedNetwork({ ...ref, member: step.member, network: step.name });
    case 'form':
      return act.formCluster({ ...ref, member: step.member });
    case 'join':
      return act.joinCluster({ ...ref, member: step.member, via: step.via });
    case 'config':
      return act.setClusterConfig({ ...ref, via: step.via, keys: step.keys });
    case 'profile':
      return act.setProfile({ ...ref, via: step.via, profile: step.name });
    case 'group':
      return act.setGroup({ ...ref, via: step.via, group: step.name });
    case 'trial':
      await act.tryMember({ ...ref, member: step.member, via: step.via, instance });
      return 'done';
    case 'roles':
      return act.settleRoles({ ...ref, via: step.via });
  }
}

function alreadySo({ members }: FormationScope): RunResult {
  const what = `${members.map(({ name }) => name).join(', ')} are one cluster already.`;
  return { outcome: 'AlreadySo', summary: what, left: [], next: [] };
}

/** Nothing is missing, and somebody has set something otherwise, which is theirs to decide. */
function notAsDeclared({ drift }: FormationPlan): RunResult {
  const message = `The cluster is not as declared: ${drift.join('; ')}.`;
  const whatToDo = 'Set it as declared, by hand or with Terraform, or declare in runbook.yaml what is right.';
  const failure = { type: 'Unhealthy', message, whatToDo };
  return {
    outcome: 'Failed',
    summary: `${message} Nothing was changed.`,
    unchanged: true,
    failure,
    left: [],
    next: [],
  };
}

function planned(): RunResult {
  return {
    outcome: 'Done',
    summary: 'Nothing was changed.',
    left: [],
    next: [{ command: 'runbook start cluster-bootstrap', purpose: 'do it' }],
  };
}

function formed(scope: FormationScope, { steps, refusals, drift }: FormationPlan): RunResult {
  const missing = [
    ...refusals.map(({ message }) => message),
    ...steps.map((step) =>
      step.type === 'roles' && step.problem !== undefined
        ? `roles of the database: ${step.problem}`
        : `not there: ${describeStep(step, scope.cluster).title}`,
    ),
  ];
  if (missing.length > 0)
    return needsYou(`The cluster is not as declared: ${missing.join('; ')}`, missing, {
      type: 'Unhealthy',
      message: missing.join('; '),
      whatToDo: MEND,
    });
  const names = scope.members.map(({ name }) => name);
  return {
    outcome: 'Done',
    summary: `${names.length === 1 ? `${names.join('')} is a cluster of one` : `${names.join(', ')} are one cluster`}.`,
    left: drift,
    handOver: handOver(scope),
    next: [
      { command: 'runbook show cluster-bootstrap/all', purpose: 'what Terraform and NixOS need to know' },
      { command: 'runbook status', purpose: 'the fleet as it is' },
    ],
  };
}

/** Nothing is taken back: a member that has joined stays one, and the next run goes on from there. */
function halfWay(
  error: unknown,
  { cluster }: FormationScope,
  plan: FormationPlan,
  done: readonly FormationStep[],
  inTheMiddle: readonly string[],
): RunResult {
  const cause = describeFailure(error);
  const titles = (steps: readonly FormationStep[]): string =>
    steps.map((step) => describeStep(step, cluster).title).join('; ');
  const missing = plan.steps.slice(done.length);
  const left = [
    ...(done.length === 0 ? [] : [`done, and it stays: ${titles(done)}`]),
    ...(missing.length === 0 ? [] : [`not done: ${titles(missing)}`]),
    ...inTheMiddle,
  ];
  const why = isCancellation(error) ? 'It was cancelled.' : asSentence(cause.message);
  return needsYou(`The cluster is not complete. ${why}`, left, { ...cause, whatToDo: afterwards(cause, cluster) });
}

/** What the table says of a failure that is tried again is true only until the time is over. */
function afterwards({ type, whatToDo }: DescribedFailure, { waitForMembers }: FormationScope['cluster']): string {
  if (type === 'Unhealthy') return MEND;
  if (!FAILURES[type].retryable) return whatToDo;
  return `It was tried for ${durationWords(waitForMembers)}. Bring back what is named, then start it again: it goes on.`;
}

const MEND = 'Mend what is named, then start it again: it goes on.';

function needsYou(summary: string, left: string[], failure: NonNullable<RunResult['failure']>): RunResult {
  const next = [{ command: 'runbook start cluster-bootstrap', purpose: 'go on: it begins with what is missing' }];
  return { outcome: 'Failed', summary, failure, left, next };
}
