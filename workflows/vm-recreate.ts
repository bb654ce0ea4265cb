import { durationMs, durationWords } from '../plan/duration.ts';
import { shortHash } from '../plan/infra.ts';
import { planRecreate, type RecreatePlan, type RecreateScope } from '../plan/recreate.ts';
import { volumeWords } from '../plan/recreate-gates.ts';
import { creationWords } from '../plan/recreate-terraform.ts';
import { keyWords } from '../plan/rotation.ts';
import type { RunResult, RunView } from '../plan/run.ts';
import type { VmRecreateInput } from './messages.ts';
import { cleanInfra } from './infra/clean.ts';
import { planned, recreated, takenBack } from './recreate/results.ts';
import { endOld, makeAnew, takeBack, type Recreation } from './recreate/steps.ts';
import { nodeRef, rehearse } from './recreate/terraform.ts';
import { ended } from './rotation/tidy.ts';
import { untilAtRest } from './support/at-rest.ts';
import { conclude, unchanged } from './support/conclude.ts';
import { failure } from './support/failures.ts';
import { withLocks } from './support/locks.ts';
import { Run } from './support/run.ts';
import { refused } from './upgrade/results.ts';

/**
 * A guest is made anew, with a key of its own. Until the new one was seen to be well, the old one is aside as it was, and
 * everything can be taken back.
 */
export async function vmRecreate(input: VmRecreateInput): Promise<RunView> {
  const { guest, fleet, keepOld, planOnly } = input;
  const run = new Run({ runbook: 'vm-recreate', subject: guest, revision: fleet.revision, startedBy: input.actor });
  return conclude(
    run,
    async () => {
      const scope = await run.step(
        { id: 'scope', phase: 'gate', title: 'fleet file', kind: 'observe' },
        (act) => act.resolveRecreate({ fleet, guest, keepOld }),
        ({ member, image }) => ({ state: 'done', detail: `${image} on ${member}` }),
      );
      const ref = { fleet, name: run.view.name, guest };
      const { terraform, member } = scope;
      const work = (): Promise<RunResult> =>
        terraform === undefined
          ? recreate(run, input, scope)
          : cleanInfra(run, nodeRef(ref, scope), () => recreate(run, input, scope));
      const locks = [`member/${member}`, 'secrets', ...(terraform === undefined ? [] : [`infra/${member}`])];
      return planOnly ? work() : withLocks(run, locks, work);
    },
    input,
  );
}

type Ref = Recreation['ref'];
type Looked = { plan: RecreatePlan; names: Record<string, string> };

async function recreate(run: Run, input: VmRecreateInput, scope: RecreateScope): Promise<RunResult> {
  const { fleet, guest, planOnly } = input;
  const ref = { fleet, name: run.view.name, guest };
  const first = await look(run, ref, scope, 'observe');
  run.judge(first.plan.gates);
  if (first.plan.refusals.length > 0)
    return ended(run, ref, refused(first.plan, planOnly ? 'It would not start' : 'Not started'));
  await build(run, ref);
  run.announce(first.plan.steps);
  if (planOnly) return ended(run, ref, planned(scope, first.plan));
  try {
    await approve(run, scope, first);
    // Hours may have gone by.
    const { plan: now } = await look(run, ref, scope, 'look-again');
    requireSamePlan(now, first.plan);
    if (now.refusals.length > 0 || now.oldKey !== first.plan.oldKey || now.old !== first.plan.old) {
      run.view.gates = now.gates;
      return await ended(run, ref, refused(now, 'Not done'));
    }
    await run.hold();
  } catch (error) {
    return ended(run, ref, unchanged(error));
  }
  return act({ run, ref, scope, ...first });
}

/** A yes to what Terraform was to do is none to anything else. */
function requireSamePlan({ creation: now }: RecreatePlan, { creation: then }: RecreatePlan): void {
  if (now === undefined || then === undefined) return;
  if (now.hash === then.hash && now.sensitive === then.sensitive) return;
  if (now.hash === then.hash)
    throw failure('NotApproved', 'A value that is sensitive has changed since it was approved. Start it again.');
  const plans = `${shortHash(then.hash)} was approved, and by now Terraform plans ${shortHash(now.hash)}`;
  throw failure('NotApproved', `${plans}: the state or what is there has changed. Start it again.`);
}

/** Only once the new one is well does anything become final. */
async function act(recreation: Recreation): Promise<RunResult> {
  const { run } = recreation;
  try {
    await makeAnew(recreation);
  } catch (error) {
    return run.unstoppable(async () => {
      await untilAtRest(error);
      return takenBack(recreation, error, await takeBack(recreation));
    });
  }
  return run.unstoppable(async () => recreated(recreation, await endOld(recreation)));
}

async function look(run: Run, ref: Ref, scope: RecreateScope, id: string): Promise<Looked> {
  const creation = await rehearse(run, ref, scope, id);
  return run.step(
    {
      id,
      phase: 'gate',
      title: id === 'observe' ? 'instance, volumes, repository, files' : 'the same once more',
      kind: 'observe',
    },
    async (activities) => {
      const observation = await activities.observeRecreate(ref);
      return { names: observation.names, plan: planRecreate(scope, observation, ref.fleet.revision, creation) };
    },
    ({ plan: { files, old } }) => ({ state: 'done', detail: `the old one is ${old}, ${files.length} files` }),
  );
}

/** What cannot be built is found before anything is stopped. */
async function build(run: Run, ref: Ref): Promise<void> {
  await run.step(
    { id: 'build-as-is', phase: 'plan', title: `build ${ref.guest} as it is`, kind: 'long' },
    (activities) => activities.buildClosure({ ...ref, node: ref.guest }),
    ({ nixosVersion }) => ({ state: 'done', detail: nixosVersion }),
  );
}

async function approve(run: Run, scope: RecreateScope, { plan, names }: Looked): Promise<void> {
  const { guest, member, image, push, volumes, keepOld, terraform } = scope;
  const where =
    push === undefined ? 'stays on a branch of the worker’s clone' : `is pushed to ${push.remote}/${push.branch}`;
  const isRemoved = keepOld === '0s' && plan.old !== 'gone';
  const { approved, actor, reason } = await run.ask({
    id: 'recreate',
    destructive: isRemoved,
    question: `Make ${guest} anew?`,
    consequences: [
      ...(plan.old === 'gone'
        ? [`Yes: there is no ${guest} now, and none to go back to.`]
        : [`Yes: ${guest} is stopped and renamed aside; its services are away until the new one is there.`]),
      ...(terraform === undefined || plan.creation === undefined ? [] : [creationWords(terraform, plan.creation)]),
      `A new ${guest} is created on ${member} from ${image}${volumes.length === 0 ? '' : `, and gets ${volumeWords(volumes)}`}.`,
      `It makes a key of its own. ${plan.files.map(({ path }) => path).join(', ')} are encrypted to it, and ${keyWords(names, plan.oldKey)} can decrypt none of them. One commit ${where}.`,
      ...(plan.old === 'gone'
        ? []
        : [
            isRemoved
              ? `Once the new one is healthy, the old one is removed: all that is on its root disk is lost.`
              : `The old one is kept aside, for ${durationWords(keepOld)} or longer.`,
          ]),
      'No, or no answer in time: nothing is changed.',
    ],
    ...(isRemoved ? { expects: guest } : {}),
    ...(plan.creation === undefined ? {} : { plan: plan.creation.hash }),
    timeoutMs: durationMs(scope.approvalTimeout),
  });
  if (!approved) throw failure('NotApproved', `Making ${guest} anew was not approved (${actor}: ${reason}).`);
}
