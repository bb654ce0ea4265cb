import type { RunRef } from '../activities/contract.ts';
import type { SystemState } from '../plan/observation.ts';
import type { ErasedDisk } from '../plan/reinstall.ts';
import type { RunResult, RunView } from '../plan/run.ts';
import type { NodeReinstallInput } from './messages.ts';
import { askToReinstall, build, deploy, deployStep, installAndConfigure, lookAtHost, runs } from './reinstall/steps.ts';
import { conclude, unchanged } from './support/conclude.ts';
import { describeFailure } from './support/failures.ts';
import { withLocks } from './support/locks.ts';
import { Run } from './support/run.ts';
import { refused } from './upgrade/results.ts';

/** A member that answers as an installer, installed anew. It only goes forward: started again, it looks where it stands. */
export async function nodeReinstall(input: NodeReinstallInput): Promise<RunView> {
  const { node: member, fleet, planOnly } = input;
  const run = new Run({ runbook: 'node-reinstall', subject: member, revision: fleet.revision, startedBy: input.actor });
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

async function reinstall(run: Run, ref: RunRef & { member: string }, planOnly: boolean): Promise<RunResult> {
  const { member } = ref;
  const looked = await lookAtHost(run, ref);
  const { plan, system } = looked;
  run.judge(plan.gates);
  if (plan.refusals.length > 0) return refused(plan, planOnly ? 'It would not start' : 'Not started');
  if (system !== undefined) return configure(run, ref, system, planOnly);
  run.announce(plan.steps);
  if (planOnly) return planned(run, member, plan.erased);
  try {
    await askToReinstall(run, looked);
    await run.hold();
  } catch (error) {
    return unchanged(error);
  }
  try {
    await installAndConfigure(run, ref, looked);
    return installed(run, member);
  } catch (error) {
    return halfWay(member, error);
  }
}

/** A host that was installed, by this runbook or by hand: all that may be missing is its configuration. */
async function configure(
  run: Run,
  ref: RunRef & { member: string },
  system: SystemState,
  planOnly: boolean,
): Promise<RunResult> {
  const { member } = ref;
  const closure = await build(run, ref);
  if (runs(system, closure)) return alreadyInstalled(member);
  if (planOnly) {
    run.announce([deployStep(member, closure)]);
    return planned(run, member, []);
  }
  try {
    await deploy(run, ref, system, closure);
    return installed(run, member);
  } catch (error) {
    return halfWay(member, error);
  }
}

const rejoin = (member: string): RunResult['next'] => [
  { command: `runbook start node-rejoin --node ${member}`, purpose: 'bring it back into its cluster, with its pools' },
];

const installed = (run: Run, member: string): RunResult => ({
  outcome: 'Done',
  summary: `${member} is installed and runs the system of revision ${run.view.revision.slice(0, 7)}.`,
  left: [],
  next: rejoin(member),
});

const alreadyInstalled = (member: string): RunResult => ({
  outcome: 'AlreadySo',
  summary: `${member} is installed and runs its configuration. To install it anew, boot it from an installer first.`,
  left: [],
  next: rejoin(member),
});

function planned(run: Run, member: string, erased: readonly ErasedDisk[]): RunResult {
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
