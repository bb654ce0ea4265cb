import { keyWords, planRotation, type RotationPlan, type RotationScope } from '../plan/rotation.ts';
import type { Closure, SystemState } from '../plan/observation.ts';
import { durationMs } from '../plan/duration.ts';
import type { RunResult, RunView } from '../plan/run.ts';
import type { RotateKeysInput } from './messages.ts';
import { planned, rotated, stuck, takenBack } from './rotation/results.ts';
import { cutOver, handOver, takeBack, type Rotation } from './rotation/steps.ts';
import { ended } from './rotation/tidy.ts';
import { untilAtRest } from './support/at-rest.ts';
import { conclude, unchanged } from './support/conclude.ts';
import { failure } from './support/failures.ts';
import { withLocks } from './support/locks.ts';
import { Run } from './support/run.ts';
import { refused } from './upgrade/results.ts';

/**
 * Another key for a guest, without making it anew. Until the old key is taken out of the files everything can be taken back;
 * from there on it only goes forward, and the guest has both keys until the new one alone was seen to read them all.
 */
export async function rotateKeys(input: RotateKeysInput): Promise<RunView> {
  const { guest, fleet, planOnly } = input;
  const run = new Run({ runbook: 'rotate-keys', subject: guest, revision: fleet.revision, startedBy: input.actor });
  return conclude(
    run,
    async () => {
      const scope = await run.step(
        { id: 'scope', phase: 'gate', title: 'fleet file', kind: 'observe' },
        (act) => act.resolveRotation({ fleet, guest }),
        ({ keyFile }) => ({ state: 'done', detail: keyFile }),
      );
      const work = (): Promise<RunResult> => rotate(run, input, scope);
      return planOnly ? work() : withLocks(run, [`member/${scope.member}`, 'secrets'], work);
    },
    input,
  );
}

interface Looked {
  plan: RotationPlan;
  names: Record<string, string>;
  system?: SystemState;
}

async function rotate(run: Run, input: RotateKeysInput, scope: RotationScope): Promise<RunResult> {
  const { fleet, guest, planOnly } = input;
  const ref = { fleet, name: run.view.name, guest };
  const first = await look(run, ref, scope, 'observe');
  run.judge(first.plan.gates);
  if (first.plan.refusals.length > 0)
    return ended(run, ref, refused(first.plan, planOnly ? 'It would not start' : 'Not started'));
  const closure = await build(run, ref);
  const plan = { ...first, plan: planRotation(scope, first.observation, fleet.revision, closure) };
  run.judge(plan.plan.gates);
  if (plan.plan.refusals.length > 0)
    return ended(run, ref, refused(plan.plan, planOnly ? 'It would not start' : 'Not started'));
  run.announce(plan.plan.steps);
  if (planOnly) return ended(run, ref, planned(guest, plan.plan));
  try {
    await approve(run, scope, plan);
    // Hours may have gone by.
    const again = await look(run, ref, scope, 'look-again');
    const now = planRotation(scope, again.observation, fleet.revision, closure);
    if (now.refusals.length > 0 || now.old !== plan.plan.old) {
      run.view.gates = now.gates;
      return await ended(run, ref, refused(now, 'Not done'));
    }
    await run.hold();
  } catch (error) {
    return ended(run, ref, unchanged(error));
  }
  if (plan.system === undefined) throw failure('Unexpected', `What ${guest} runs is not known.`);
  return act({ run, ref, scope, plan: plan.plan, names: plan.names, before: plan.system });
}

/** What is before the cut is taken back where it fails; what is after it is told. */
async function act(rotation: Rotation): Promise<RunResult> {
  try {
    await handOver(rotation);
  } catch (error) {
    return rotation.run.unstoppable(() => undo(rotation, error));
  }
  return rotation.run.unstoppable(async () => {
    try {
      return rotated(rotation, await cutOver(rotation));
    } catch (error) {
      if (rotation.cut === undefined) return undo(rotation, error);
      return stuck(rotation, error);
    }
  });
}

async function undo(rotation: Rotation, error: unknown): Promise<RunResult> {
  await untilAtRest(error);
  return takenBack(rotation, error, await takeBack(rotation));
}

type Ref = Rotation['ref'];

async function look(
  run: Run,
  ref: Ref,
  scope: RotationScope,
  id: string,
): Promise<Looked & { observation: Parameters<typeof planRotation>[1] }> {
  return run.step(
    { id, phase: 'gate', title: id === 'observe' ? 'repository, files, guest' : 'the same once more', kind: 'observe' },
    async (activities) => {
      const observation = await activities.observeRotation(ref);
      const { names, system } = observation;
      return {
        observation,
        names,
        plan: planRotation(scope, observation, ref.fleet.revision),
        ...(system === undefined ? {} : { system }),
      };
    },
    ({ plan: { files, old }, names }) => ({
      state: 'done',
      detail: old === '' ? 'no key of it is known' : `${files.length} files for ${keyWords(names, old)}`,
    }),
  );
}

async function build(run: Run, ref: Ref): Promise<Closure> {
  return run.step(
    { id: 'build', phase: 'plan', title: `build ${ref.guest} as it is`, kind: 'long' },
    (activities) => activities.buildClosure({ ...ref, node: ref.guest }),
    ({ nixosVersion }) => ({ state: 'done', detail: nixosVersion }),
  );
}

async function approve(run: Run, scope: RotationScope, { plan, names }: Looked): Promise<void> {
  const { guest, push } = scope;
  const where =
    push === undefined ? 'stay on a branch of the worker’s clone' : `are pushed to ${push.remote}/${push.branch}`;
  const { approved, actor, reason } = await run.ask({
    id: 'rotate',
    destructive: false,
    question: `Give ${guest} another key?`,
    consequences: [
      `Yes: a new key is made in ${guest}, ${plan.files.map(({ path }) => path).join(', ')} are encrypted to it, and in the end ${keyWords(names, plan.old)} can decrypt none of them.`,
      `Two commits ${where}, and ${guest} is deployed twice.`,
      'No, or no answer in time: nothing is changed.',
    ],
    timeoutMs: durationMs(scope.approvalTimeout),
  });
  if (!approved) throw failure('NotApproved', `Another key for ${guest} was not approved (${actor}: ${reason}).`);
}
