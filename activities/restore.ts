import type { RestoreActivities } from './contract.ts';
import type { Deps } from './deps.ts';
import { guarded } from './guard.ts';
import { listRestorable } from './list-restorable.ts';
import { observeRestore, restoreScope } from './observe-restore.ts';
import { observeRestoreFiles, restoreFilesScope } from './restore-files.ts';
import { receiveVolume, stopRestore } from './restore-volume.ts';
import { recoverVolume, verifyRestored } from './restored-volume.ts';

/** A volume as it was, from a replica and beside the original. */
export function createRestoreActivities(deps: Deps): RestoreActivities {
  return {
    resolveRestore: guarded(async ({ fleet, wish }) => restoreScope(await deps.fleetAt(fleet), wish)),
    listRestorable: guarded((input, context) => listRestorable(deps, input, context)),
    observeRestore: guarded((input, context) => observeRestore(deps, input, context)),
    resolveRestoreFiles: guarded(async ({ fleet, wish }) => restoreFilesScope(await deps.fleetAt(fleet), wish)),
    observeRestoreFiles: guarded((input, context) => observeRestoreFiles(deps, input, context)),
    receiveVolume: guarded((input, context) => receiveVolume(deps, input, context)),
    recoverVolume: guarded((input, context) => recoverVolume(deps, input, context)),
    verifyRestored: guarded((input, context) => verifyRestored(deps, input, context)),
    stopRestore: guarded((input, context) => stopRestore(deps, input, context)),
  };
}
