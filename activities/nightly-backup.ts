import { backupScope, observeBackup } from './observe-backup.ts';
import { snapshotGroup } from './backup-snapshots.ts';
import type { BackupActivities } from './contract.ts';
import type { Deps } from './deps.ts';
import { listBackups } from './list-backups.ts';
import { guarded } from './guard.ts';
import { pruneReplicas } from './prune-replicas.ts';
import { replicate, stopTransfer } from './replicate.ts';

/** Snapshots, replicas, and what of them stays. */
export function createBackupActivities(deps: Deps): BackupActivities {
  return {
    resolveBackup: guarded(async ({ fleet, backup }) => backupScope(await deps.fleetAt(fleet), backup)),
    observeBackup: guarded((input, context) => observeBackup(deps, input, context)),
    listBackups: guarded((input, context) => listBackups(deps, input, context)),
    snapshotGroup: guarded((input, context) => snapshotGroup(deps, input, context)),
    replicate: guarded((input, context) => replicate(deps, input, context)),
    stopTransfer: guarded((input, context) => stopTransfer(deps, input, context)),
    pruneReplicas: guarded((input, context) => pruneReplicas(deps, input, context)),
  };
}
