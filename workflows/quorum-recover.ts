import type { RunRef } from '../activities/contract.ts';
import { durationMs } from '../plan/duration.ts';
import { planQuorum, type QuorumObservation, type QuorumPlan, type QuorumScope } from '../plan/quorum.ts';
import type { RunResult, RunView } from '../plan/run.ts';
import type { QuorumRecoverInput } from './messages.ts';
import { alreadySo, halfWay, planned, recovered } from './quorum/results.ts';
import { questions } from './quorum/questions.ts';
import { conclude, unchanged } from './support/conclude.ts';
import { failure } from './support/failures.ts';
import { withLocks } from './support/locks.ts';
import { Run } from './support/run.ts';
import { refused } from './upgrade/results.ts';

/** A member that is slow to answer is no member without a leader: it is asked again before anybody is asked to approve. */
const LOOKS = 2;

/**
 * The database of a cluster that has lost most of its voters, and with them its leader, is given to one survivor. It goes
 * forward only: what is half-way is finished by the next run, which looks before it acts.
 */
export async function quorumRecover(input: QuorumRecoverInput): Promise<RunView> {
  const { member, fleet, planOnly } = input;
  const run = new Run({ runbook: 'quorum-recover', subject: member, revision: fleet.revision, startedBy: input.actor });
  const ref = { fleet, name: run.view.name, member };
  return conclude(
    run,
    async () => {
      const scope = await run.step(
        { id: 'scope', phase: 'gate', title: 'fleet file', kind: 'observe' },
        (act) => act.resolveQuorum({ fleet, member }),
        ({ others }) => ({ state: 'done', detail: [member, ...others].join(', ') }),
      );
      const work = (): Promise<RunResult> => recover(run, ref, scope, planOnly);
      const members = [member, ...scope.others].map((name) => `member/${name}`);
      return planOnly ? work() : withLocks(run, members, work);
    },
    input,
  );
}

type Ref = RunRef & { member: string };

interface Looked {
  plan: QuorumPlan;
  observation: QuorumObservation;
}

async function recover(run: Run, ref: Ref, scope: QuorumScope, planOnly: boolean): Promise<RunResult> {
  const first = await look(run, ref, scope, { id: 'observe', phase: 'gate', title: 'members and their leader' });
  if (first.plan.mode === 'none') return alreadySo(ref.member, first.observation);
  run.judge(first.plan.gates);
  if (first.plan.refusals.length > 0) return refused(first.plan, planOnly ? 'It would not start' : 'Not started');
  run.announce(first.plan.steps);
  if (planOnly) return planned(run, ref.member, first.plan);
  let now: Looked = first;
  try {
    if (first.plan.mode === 'recover') {
      await approve(run, scope, first.plan);
      // Hours may have gone by.
      now = await look(run, ref, scope, { id: 'look-again', phase: 'gate', title: 'the same once more' }, 1);
      if (now.plan.refusals.length > 0) {
        run.view.gates = now.plan.gates;
        return refused(now.plan, 'Not done');
      }
      requireSame(first.plan, now.plan);
    }
    await run.hold();
  } catch (error) {
    return unchanged(error);
  }
  return run.unstoppable(() => actAndVerify(run, ref, scope, now));
}

/** What was approved is what is done: nobody is stopped, or taken for gone, that was not told. */
function requireSame(approved: QuorumPlan, now: QuorumPlan): void {
  const told = ({ mode, stops, gone, apart }: QuorumPlan): string => JSON.stringify([mode, stops, gone, apart]);
  if (told(approved) !== told(now))
    throw failure('GateRefused', 'It is another one than was approved: members have come or gone meanwhile.');
}

async function look(
  run: Run,
  ref: Ref,
  scope: QuorumScope,
  step: { id: string; phase: 'gate' | 'verify'; title: string },
  looks = LOOKS,
): Promise<Looked> {
  return run.step(
    { ...step, kind: 'observe' },
    async (act) => {
      const observation = await act.observeQuorum({ ...ref, looks });
      return { observation, plan: planQuorum(scope, observation) };
    },
    ({ observation: { members } }) => ({
      state: 'done',
      detail: members
        .map(({ name, reach, voice }) => `${name} ${voice === undefined ? reach : VOICES[voice.type]}`)
        .join(', '),
    }),
  );
}

const VOICES = {
  leader: 'knows a leader',
  none: 'knows no leader',
  alone: 'is a server of its own',
  down: 'is stopped',
  unclear: 'is unclear',
} as const;

/** One question for each that is gone, and one for all of it. */
async function approve(run: Run, scope: QuorumScope, plan: QuorumPlan): Promise<void> {
  const timeoutMs = durationMs(scope.approvalTimeout);
  for (const question of questions(scope.member, plan)) {
    const { approved, actor, reason } = await run.ask({ ...question, destructive: true, timeoutMs });
    if (!approved) throw failure('NotApproved', `Not approved (${actor}: ${reason}): ${question.question}`);
  }
}

async function actAndVerify(run: Run, ref: Ref, scope: QuorumScope, before: Looked): Promise<RunResult> {
  try {
    const folder = before.plan.mode === 'recover' ? await giveDatabase(run, ref, before.plan) : undefined;
    const started = [ref.member, ...before.plan.stops.filter((name) => name !== ref.member)];
    for (const name of started)
      await run.step(
        { ...stepOf(before.plan, `start-${name}`), phase: 'recover', kind: 'act' },
        (act) => act.resumeIncus({ ...ref, member: name, via: ref.member }),
        (state) => ({ state }),
      );
    const verify = { id: 'verify', phase: 'verify', title: 'a leader, members, instances' } as const;
    const after = await look(run, ref, scope, verify, 1);
    return recovered(ref.member, before, after.observation, folder);
  } catch (error) {
    return halfWay(ref.member, error);
  }
}

/** Returns the folder that has the copy. */
async function giveDatabase(run: Run, ref: Ref, plan: QuorumPlan): Promise<string> {
  for (const name of plan.stops)
    await run.step(
      { ...stepOf(plan, `stop-${name}`), phase: 'recover', kind: 'act' },
      (act) => act.haltIncus({ ...ref, member: name }),
      (state) => ({ state }),
    );
  const folder = await run.step(
    { ...stepOf(plan, 'keep'), phase: 'recover', kind: 'act' },
    (act) => act.keepDatabase(ref),
    (path) => ({ state: 'done', detail: path }),
  );
  await run.step(
    { ...stepOf(plan, 'recover'), phase: 'recover', kind: 'act' },
    (act) => act.recoverDatabase(ref),
    (state) => ({ state }),
  );
  return folder;
}

const stepOf = ({ steps }: QuorumPlan, id: string): { id: string; title: string } => ({
  id,
  title: steps.find((step) => step.id === id)?.title ?? id,
});
