/** Every workflow that a worker offers. */
export { backups } from './backups.ts';
export { clusterBootstrap } from './cluster-bootstrap.ts';
export { clusterUpgrade } from './cluster-upgrade.ts';
export { doctor } from './doctor.ts';
export { glance } from './glance.ts';
export { identityBackup } from './identity-backup.ts';
export { nightlyBackup } from './nightly-backup.ts';
export { nodeReinstall } from './node-reinstall.ts';
export { nodeRejoin } from './node-rejoin.ts';
export { kept } from './kept.ts';
export { memberRemove } from './member-remove.ts';
export { quorumRecover } from './quorum-recover.ts';
export { releaseKept } from './release-kept.ts';
export { resourceLock } from './resource-lock.ts';
export { safeUpgradeAll } from './safe-upgrade-all.ts';
export { scheduled } from './scheduled.ts';
export { safeUpgrade } from './safe-upgrade.ts';
