import { createLocalHost } from '../hosts/local.ts';
import type { HostLogger } from '../hosts/logger.ts';
import { createApprovalActivities } from './approvals.ts';
import { createContainerActivities } from './containers.ts';
import type { Activities } from './contract.ts';
import { createDeployActivities } from './deploy.ts';
import type { Deps } from './deps.ts';
import { createDriftActivities } from './drift.ts';
import { createDoctorActivities } from './doctor.ts';
import { createMonorepo } from './fleet-at.ts';
import { createFormationActivities } from './formation.ts';
import { createGlanceActivities } from './glance.ts';
import { createHealthActivities } from './health.ts';
import { createHousekeepingActivities } from './housekeeping.ts';
import { createKeptActivities } from './kept.ts';
import { createLockActivities } from './locks.ts';
import { createInfraActivities } from './infra.ts';
import { createIdentityActivities } from './identities.ts';
import { createMachines, stateFolders } from './machines.ts';
import { createMemberActivities } from './members.ts';
import { createBackupActivities } from './nightly-backup.ts';
import { createNotifyActivities } from './notify.ts';
import { createObserveActivities } from './observe.ts';
import { createReinstallActivities } from './reinstall.ts';
import { createQuorumActivities } from './quorum.ts';
import { createRejoinActivities } from './rejoin.ts';
import { createRemovalActivities } from './removal.ts';
import { createDrillActivities } from './restore-drill.ts';
import { createResolveActivities } from './resolve-replica.ts';
import { createRestoreActivities } from './restore.ts';
import { createInPlaceActivities } from './restore-in-place.ts';
import { createResticActivities } from './restic.ts';
import { createRecreateActivities } from './recreate.ts';
import { createTerraformRecreateActivities } from './recreate-terraform.ts';
import { createRotationActivities } from './rotation.ts';
import { createScheduleActivities } from './schedules.ts';
import { createSnapshotActivities } from './snapshots.ts';

export interface ActivitySettings {
  /** The worker's clone of the monorepo. */
  repo: string;
  /** The worker's own folder: jobs, ssh sockets. Made 0700 when needed. */
  stateDir: string;
  /** Added to the environment of every program that is started, ssh and deploy-rs among them. */
  env?: Readonly<Record<string, string>>;
  logger?: HostLogger;
}

/** Every activity of a worker, and how to let go of the connections that they keep. */
export function createActivities(settings: ActivitySettings): { activities: Activities; close: () => Promise<void> } {
  const { deps, close } = createDeps(settings);
  return { activities: activitiesOver(deps), close };
}

/** What a worker's activities are made of. */
export function createDeps({ repo, stateDir, env, logger }: ActivitySettings): {
  deps: Deps;
  close: () => Promise<void>;
} {
  const common = { ...(logger && { logger }), ...(env && { env }) };
  const local = createLocalHost({ stateDir, ...common });
  const machines = createMachines({ controlDir: stateFolders(stateDir).controlDir, ...common });
  const monorepo = createMonorepo(local, repo);
  return { deps: { ...monorepo, machines, local, stateDir }, close: () => machines.close() };
}

/** The same over machines of the caller's making. */
export function activitiesOver(deps: Deps): Activities {
  return {
    ...createObserveActivities(deps),
    ...createSnapshotActivities(deps),
    ...createDeployActivities(deps),
    ...createMemberActivities(deps),
    ...createFormationActivities(deps),
    ...createRejoinActivities(deps),
    ...createReinstallActivities(deps),
    ...createIdentityActivities(deps),
    ...createBackupActivities(deps),
    ...createRestoreActivities(deps),
    ...createInPlaceActivities(deps),
    ...createScheduleActivities(deps),
    ...createDriftActivities(deps),
    ...createRemovalActivities(deps),
    ...createQuorumActivities(deps),
    ...createKeptActivities(deps),
    ...createResolveActivities(deps),
    ...createDrillActivities(deps),
    ...createContainerActivities(deps),
    ...createHealthActivities(deps),
    ...createHousekeepingActivities(deps),
    ...createResticActivities(deps),
    ...createInfraActivities(deps),
    ...createRecreateActivities(deps),
    ...createTerraformRecreateActivities(deps),
    ...createRotationActivities(deps),
    ...createApprovalActivities(deps),
    ...createLockActivities(),
    ...createDoctorActivities(deps),
    ...createGlanceActivities(deps),
    ...createNotifyActivities(deps),
  };
}
