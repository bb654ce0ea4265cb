import { durationMs } from '../../plan/duration.ts';
import type { RejoinPlan } from '../../plan/node-rejoin.ts';
import type { RejoinScope } from '../../plan/rejoin.ts';
import { missingWords } from '../../plan/rejoin-missing.ts';
import { failure } from '../support/failures.ts';
import type { Run } from '../support/run.ts';

/** Of a pool that another system had: nothing was changed yet, and a no ends the run. */
export async function askForImport(
  run: Run,
  { member, approvalTimeout }: RejoinScope,
  plan: RejoinPlan,
  round = 1,
): Promise<void> {
  const pools = plan.steps.flatMap((step) => (step.type === 'import' && step.force ? step.zpool : []));
  if (pools.length === 0) return;
  const { approved, actor, reason } = await run.ask({
    id: round === 1 ? 'import' : `import-${round}`,
    destructive: true,
    question: `Import zpool ${pools.join(', ')} on ${member}, though another system had it last?`,
    consequences: [
      'Yes: right where this host was reinstalled and got another hostid.',
      'If another machine that runs now uses the same disks, both destroy what is on them: look first.',
      'No, or no answer in time: nothing is changed.',
    ],
    timeoutMs: durationMs(approvalTimeout),
  });
  if (!approved) throw failure('NotApproved', `The import was not approved (${actor}: ${reason}).`);
}

/** What a forced removal drops is dropped for good: it asks for the name. */
export async function askToForget(run: Run, { member, approvalTimeout }: RejoinScope, plan: RejoinPlan): Promise<void> {
  if (!plan.steps.some(({ type }) => type === 'forget')) return;
  const { forgets, lost, missing, steps } = plan;
  const renamed = steps.flatMap((step) => (step.type === 'set aside' ? step.dataset : []));
  const lostNames = [...lost.instances, ...lost.volumes];
  const { approved, actor, reason } = await run.ask({
    id: 'forget',
    destructive: true,
    expects: member,
    question: `Have the cluster forget ${member}, and let it join anew?`,
    consequences: [
      `Forgotten: ${named('instance', forgets.instances)}; ${named('volume', forgets.volumes)}.`,
      ...(renamed.length === 0
        ? []
        : [
            `${renamed.join(', ')} on ${member} is renamed aside, and what Incus needs of it back. Nothing is destroyed.`,
          ]),
      'Yes: after the join the records are recovered from the disks.',
      ...(missing !== undefined ? missingWords(missing) : []),
      ...(missing !== undefined || lostNames.length === 0
        ? []
        : [`Not on the disks, so not recovered: ${lostNames.join(', ')}.`]),
      'Terraform must not be applied before this run has ended: it would make anew what is only away.',
      'No, or no answer in time: the cluster stays as it is.',
    ],
    timeoutMs: durationMs(approvalTimeout),
  });
  if (!approved) throw failure('NotApproved', `The removal of ${member} was not approved (${actor}: ${reason}).`);
}

const named = (what: string, names: readonly string[]): string =>
  names.length === 0 ? `no ${what}s` : `${what}${names.length === 1 ? '' : 's'} ${names.join(', ')}`;
