import { FAILURES } from '../../plan/failures.ts';
import type { Gate } from '../../plan/gates.ts';
import { count } from '../../plan/count.ts';
import type { RunResult } from '../../plan/run.ts';
import type { UpgradePlan, UpgradeScope } from '../../plan/safe-upgrade.ts';
import type { DescribedFailure } from '../support/failures.ts';
import type { Run } from '../support/run.ts';
import type { Undone } from './roll-back.ts';
import { changedAnything, type Upgrade } from './upgrade.ts';

const report = ({ runbook, subject }: { runbook: string; subject: string }): RunResult['next'][number] => ({
  command: `runbook report ${runbook}/${subject}`,
  purpose: 'what happened, minute by minute',
});

/** The plan as a result: nothing was changed. */
export function planned({ view }: Run, plan: UpgradePlan): RunResult {
  if (plan.refusals.length > 0) return refused(plan, 'It would not start');
  if (plan.alreadySo)
    return { outcome: 'AlreadySo', summary: `${view.subject} is already so. Nothing was changed.`, left: [], next: [] };
  return {
    outcome: 'Done',
    summary: 'Nothing was changed.',
    left: [],
    next: [{ command: `runbook start safe-upgrade --node ${view.subject}`, purpose: 'do it' }],
  };
}

/** Each gate says for itself why: the summary does not say it again. */
export function refused({ refusals }: { refusals: readonly Omit<Gate, 'name'>[] }, fact = 'Not started'): RunResult {
  const gates = `${count(refusals.length, 'gate')} ${refusals.length === 1 ? 'refuses' : 'refuse'}`;
  return {
    outcome: 'Failed',
    summary: `${fact}: ${gates}. Nothing was changed.`,
    unchanged: true,
    failure: {
      type: 'GateRefused',
      message: refusals.map(({ message }) => message).join(' '),
      whatToDo:
        [...new Set(refusals.flatMap(({ whatToDo }) => whatToDo ?? []))].join(' ') || FAILURES.GateRefused.whatToDo,
    },
    left: [],
    next: [],
  };
}

export function alreadySo({ view }: Run, scope: UpgradeScope): RunResult {
  return {
    outcome: 'AlreadySo',
    summary: `${scope.node} already runs the system of revision ${view.revision.slice(0, 7)}.`,
    left: [],
    next: [],
  };
}

export function done(upgrade: Upgrade): RunResult {
  const { run, scope, plan } = upgrade;
  if (!changedAnything(upgrade)) return alreadySo(run, scope);
  // Also what an earlier attempt deployed that this one went on from.
  const systems = plan.deployments
    .filter(({ node }) => upgrade.begun.deployments.some(({ deployment }) => deployment.node === node))
    .map(({ node, to }) => `${node} runs ${to.nixosVersion}`);
  const containers = plan.updates
    .filter((guest) => !upgrade.begun.unchangedContainers.has(guest))
    .map((guest) => `${guest} runs new containers`);
  return {
    outcome: 'Done',
    summary: `${[...systems, ...containers].join('; ')}.`,
    left: keptSnapshots(upgrade),
    next: [report(run.view)],
  };
}

export function rolledBack(upgrade: Upgrade, cause: DescribedFailure, { undone }: Undone): RunResult {
  const { run, scope } = upgrade;
  const now = undone.length === 0 ? `${scope.node} is as before.` : `${undone.join('; ')}.`;
  return {
    outcome: 'RolledBack',
    summary: `${now} Healthy.`,
    failure: cause,
    left: keptSnapshots(upgrade),
    next: [report(run.view)],
  };
}

export function notRolledBack(
  upgrade: Upgrade,
  cause: DescribedFailure,
  { undone, problems }: Undone,
  unhealthy: string,
): RunResult {
  const { run, scope } = upgrade;
  return {
    outcome: 'Failed',
    summary: `${scope.node} needs you: ${unhealthy === '' ? problems.map(({ text }) => text).join('; ') : unhealthy}`,
    failure: cause,
    left: [
      ...problems.map(({ text }) => text),
      ...(unhealthy === '' ? [] : [`unhealthy: ${unhealthy}`]),
      ...undone,
      ...keptSnapshots(upgrade),
    ],
    next: [
      report(run.view),
      { command: `runbook retry ${run.view.runbook}/${run.view.subject}`, purpose: 'try again when it is mended' },
    ],
  };
}

function keptSnapshots({ plan, ref, begun, snapshotsUntil }: Upgrade): string[] {
  if (!begun.snapshots || plan.instances.length === 0) return [];
  const volumes = plan.instances.reduce((sum, instance) => sum + instance.volumes.length, 0);
  const names = plan.instances.map(({ name }) => name).join(', ');
  const andVolumes = volumes === 0 ? '' : ` and ${count(volumes, 'volume')}`;
  return [`Snapshots ${ref.name} of ${names}${andVolumes} are kept until ${snapshotsUntil.slice(0, 10)}.`];
}
