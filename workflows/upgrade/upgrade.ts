import type { RunRef } from '../../activities/contract.ts';
import type { ContainerImage } from '../../plan/run.ts';
import { durationMs } from '../../plan/duration.ts';
import type { UpgradeResume } from '../../plan/run.ts';
import type { Finding } from '../../plan/observation.ts';
import { findingKey, type Deployment, type UpgradePlan, type UpgradeScope } from '../../plan/safe-upgrade.ts';
import type { SafeUpgradeInput } from '../messages.ts';
import type { Run } from '../support/run.ts';

/** One upgrade on its way: what was decided, and what was begun and has to be undone if it fails. */
export interface Upgrade {
  run: Run;
  ref: RunRef;
  scope: UpgradeScope;
  input: SafeUpgradeInput;
  plan: UpgradePlan;
  /** When the snapshots go away by themselves. ISO 8601. */
  snapshotsUntil: string;
  /** Entered before acting: a rollback must know what may have happened. */
  begun: {
    snapshots: boolean;
    /** We took the member out of service, so we return it. */
    evacuated: boolean;
    deployments: { deployment: Deployment; finished: boolean }[];
    /** The images that ran before, by guest. */
    images: Map<string, ContainerImage[]>;
    /** Guests whose containers ended up as they were. */
    unchangedContainers: Set<string>;
  };
}

export function startUpgrade(run: Run, scope: UpgradeScope, input: SafeUpgradeInput, plan: UpgradePlan): Upgrade {
  const { resume } = input;
  const deployments = plan.deployments.map((deployment) => withOrigin(deployment, resume));
  const upgrade: Upgrade = {
    run,
    ref: { fleet: input.fleet, name: run.view.name },
    scope,
    input,
    plan: { ...plan, deployments },
    snapshotsUntil: new Date(Date.now() + durationMs(scope.policy.snapshotExpiry)).toISOString(),
    begun: {
      snapshots: false,
      evacuated: resume?.evacuated ?? false,
      // What an earlier attempt deployed is part of this upgrade: a rollback goes back to before it.
      deployments: deployments
        .filter(({ node, mode }) => mode === 'already' && resume?.systems[node] !== undefined)
        .map((deployment) => ({ deployment, finished: true })),
      images: new Map(Object.entries(resume?.images ?? {})),
      unchangedContainers: new Set(),
    },
  };
  remember(upgrade);
  return upgrade;
}

function withOrigin(deployment: Deployment, resume: UpgradeResume | undefined): Deployment {
  const from = resume?.systems[deployment.node];
  return from === undefined ? deployment : { ...deployment, from };
}

/** Keeps what a retry would need where it can be read, also from a run that somebody terminated. */
export function remember({ run, ref, begun }: Upgrade): void {
  if (!begun.snapshots && begun.deployments.length === 0) return;
  run.view.resume = {
    name: ref.name,
    evacuated: begun.evacuated,
    systems: Object.fromEntries(begun.deployments.map(({ deployment }) => [deployment.node, deployment.from])),
    images: Object.fromEntries(begun.images),
  };
}

/** What was unhealthy already before the upgrade does not count against it. */
export function isNews(upgrade: Upgrade, finding: Finding): boolean {
  return !finding.healthy && !upgrade.plan.unhealthyBefore.includes(findingKey(finding));
}

/** False where every system and every image was the newest already. */
export function changedAnything({ begun }: Upgrade): boolean {
  return (
    begun.deployments.length > 0 || [...begun.images.keys()].some((guest) => !begun.unchangedContainers.has(guest))
  );
}
