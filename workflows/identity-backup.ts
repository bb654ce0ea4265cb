import { isCancellation } from '@temporalio/workflow';
import type { RunRef } from '../activities/contract.ts';
import { planIdentities, type IdentityPlan, type IdentityScope } from '../plan/identity.ts';
import type { RunResult, RunView } from '../plan/run.ts';
import { asSentence } from '../plan/sentence.ts';
import { identityStep, saveIdentities, type SavedIdentities } from './identity/save.ts';
import type { IdentityBackupInput } from './messages.ts';
import { conclude, unchanged } from './support/conclude.ts';
import { withLocks } from './support/locks.ts';
import { Run } from './support/run.ts';
import { refused } from './upgrade/results.ts';

/**
 * Who each member is to its cluster, encrypted and kept elsewhere. It takes no lock of a member: reading changes nothing, and
 * a night's copy waits for no upgrade.
 */
export async function identityBackup(input: IdentityBackupInput): Promise<RunView> {
  const { fleet, node, planOnly } = input;
  const run = new Run({ runbook: 'identity-backup', subject: node ?? 'all', revision: fleet.revision });
  const ref = { fleet, name: run.view.name };
  return conclude(
    run,
    async () => {
      const scope = await resolveScope(run, ref, node);
      const work = (): Promise<RunResult> => backUp(run, ref, scope, input);
      return planOnly ? work() : withLocks(run, ['identities'], work);
    },
    input,
  );
}

async function backUp(run: Run, ref: RunRef, scope: IdentityScope, input: IdentityBackupInput): Promise<RunResult> {
  const plan = await observe(run, ref, scope);
  run.judge(plan.gates);
  if (plan.refusals.length > 0) return refused(plan, input.planOnly ? 'It would not start' : 'Not started');
  run.announce(
    plan.steps.map(({ member, places }) => ({
      ...identityStep(member),
      member,
      state: 'pending',
      detail: `copies to ${places.join(', ')}`,
    })),
  );
  if (input.planOnly) return planned(input);
  try {
    await run.hold();
  } catch (error) {
    return unchanged(error);
  }
  for (const { member, problem } of plan.failing)
    run.note({ ...identityStep(member), state: 'failed', detail: problem.split('\n')[0] ?? '' });
  try {
    const members = plan.steps.map(({ member }) => member);
    return ended(plan, await saveIdentities(run, ref, members));
  } catch (error) {
    if (!isCancellation(error)) throw error;
    return { ...unchanged(error), summary: 'It was cancelled. Copies that were made stay.' };
  }
}

async function resolveScope(run: Run, { fleet }: RunRef, member: string | undefined): Promise<IdentityScope> {
  return run.step(
    { id: 'scope', phase: 'gate', title: 'fleet file', kind: 'observe' },
    (act) => act.resolveIdentities({ fleet, ...(member === undefined ? {} : { member }) }),
    ({ members }) => ({ state: 'done', detail: members.join(', ') }),
  );
}

async function observe(run: Run, ref: RunRef, scope: IdentityScope): Promise<IdentityPlan> {
  return run.step(
    { id: 'observe', phase: 'gate', title: 'members', kind: 'observe' },
    async (act) => planIdentities(scope, await act.observeIdentities(ref)),
    ({ steps }) => ({ state: 'done', detail: `${steps.length} of ${scope.members.length} can be read` }),
  );
}

function planned({ node }: IdentityBackupInput): RunResult {
  const command = `runbook start identity-backup${node === undefined ? '' : ` --node ${node}`}`;
  return { outcome: 'Done', summary: 'Nothing was changed.', left: [], next: [{ command, purpose: 'do it' }] };
}

/** As bad as its worst. */
function ended({ failing }: IdentityPlan, { saved, failed, left }: SavedIdentities): RunResult {
  const names = saved.map(({ member }) => member).join(', ');
  const fact = saved.length === 0 ? 'No identity is saved.' : `The identity of ${names} is saved.`;
  const missing = [...failing, ...failed.map(({ member, cause }) => ({ member, problem: cause.message }))];
  const lines = [
    ...failing.map(({ member, problem }) => `The identity of ${member} was not saved: ${asSentence(problem)}`),
    ...left,
  ];
  if (missing.length === 0) return { outcome: 'Done', summary: fact, left: lines, next: [] };
  const cause = failed[0]?.cause ?? {
    type: 'Unreachable' as const,
    message: missing.map(({ member, problem }) => `${member}: ${problem}`).join('; '),
    whatToDo: `runbook doctor --node ${missing[0]?.member ?? ''} shows what is wrong.`,
  };
  return {
    outcome: 'Failed',
    summary: `${fact} Not that of ${missing.map(({ member }) => member).join(', ')}.`,
    failure: cause,
    left: lines,
    next: missing.map(({ member }) => ({
      command: `runbook start identity-backup --node ${member}`,
      purpose: 'try again when it is mended',
    })),
  };
}
