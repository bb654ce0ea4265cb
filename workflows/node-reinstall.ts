import type { RunRef } from '../activities/contract.ts';
import type { RunResult, RunView } from '../plan/run.ts';
import type { NodeReinstallInput } from './messages.ts';
import { askToReinstall, configure, installAndConfigure, lookAtHost } from './reinstall/reinstall-member.ts';
import { conclude, unchanged } from './support/conclude.ts';
import { describeFailure } from './support/failures.ts';
import { withLocks } from './support/locks.ts';
import { Run } from './support/run.ts';
import { refused } from './upgrade/results.ts';

/** A member that answers as an installer, installed anew. It only goes forward: started again, it looks where it stands. */
export async function nodeReinstall(input: NodeReinstallInput): Promise<RunView> {
  const { node: member, fleet, planOnly } = input;
  const run = new Run({ runbook: 'node-reinstall', subject: member, revision: fleet.revision });
  const ref = { fleet, name: run.view.name, member };
  return conclude(
    run,
    () => {
      const work = (): Promise<RunResult> => reinstall(run, ref, planOnly);
      return planOnly ? work() : withLocks(run, [`member/${member}`], work);
    },
    input,
  );
}

/** Of a system that nothing was deployed to since it was installed. */
const FIRST_GENERATION = 1;

async function reinstall(run: Run, ref: RunRef & { member: string }, planOnly: boolean): Promise<RunResult> {
  const { member } = ref;
  const looked = await lookAtHost(run, ref);
  const { plan, system } = looked;
  if (system !== undefined && system.generation !== FIRST_GENERATION) return alreadyInstalled(member);
  if (system === undefined) {
    run.judge(plan.gates);
    if (plan.refusals.length > 0) return refused(plan, planOnly ? 'It would not start' : 'Not started');
    run.announce(plan.steps);
  }
  if (planOnly) return planned(run, member, plan.erased);
  try {
    if (system === undefined) await askToReinstall(run, looked);
    await run.hold();
  } catch (error) {
    return unchanged(error);
  }
  try {
    await (system === undefined ? installAndConfigure(run, ref, looked) : configure(run, ref, system));
    return {
      outcome: 'Done',
      summary: `${member} is installed and runs the system of revision ${run.view.revision.slice(0, 7)}.`,
      left: [],
      next: [{ command: `runbook start node-rejoin --node ${member}`, purpose: 'bring it back into its cluster' }],
    };
  } catch (error) {
    return halfWay(member, error);
  }
}

const alreadyInstalled = (member: string): RunResult => ({
  outcome: 'AlreadySo',
  summary: `${member} is installed. To install it anew, boot it from an installer first.`,
  left: [],
  next: [{ command: `runbook start safe-upgrade --node ${member}`, purpose: 'deploy to it' }],
});

function planned(run: Run, member: string, erased: readonly { path: string; what: string }[]): RunResult {
  for (const { path, what } of erased) run.warn(`It would erase ${path} (${what}), once you agree.`);
  return {
    outcome: 'Done',
    summary: 'Nothing was changed.',
    left: [],
    next: [{ command: `runbook start node-reinstall --node ${member}`, purpose: 'begin; it asks before it erases' }],
  };
}

/** A refusal of the activity's comes before it acts. */
function halfWay(member: string, error: unknown): RunResult {
  const cause = describeFailure(error);
  if (cause.type === 'GateRefused') return unchanged(error);
  return {
    outcome: 'Failed',
    summary: `${member} is not installed and configured yet. ${cause.message}`,
    failure: cause,
    left: [],
    next: [{ command: `runbook start node-reinstall --node ${member}`, purpose: 'go on: it looks first' }],
  };
}
