import { dstSafeSchedules } from './boundaries/dst-safe-schedules.ts';
import { guestMadeKeys } from './boundaries/guest-made-keys.ts';
import { hostApplications } from './boundaries/host-applications.ts';
import { hostContainers } from './boundaries/host-containers.ts';
import { hostDatabases } from './boundaries/host-databases.ts';
import { hostMonitoring } from './boundaries/host-monitoring.ts';
import { hostProxies } from './boundaries/host-proxies.ts';
import { hostServicesKnown } from './boundaries/host-services-known.ts';
import { noCredentialsDownward } from './boundaries/no-credentials-downward.ts';
import { noHypervisorBackups } from './boundaries/no-hypervisor-backups.ts';
import { noImplicitMigration } from './boundaries/no-implicit-migration.ts';
import { noImplicitPlacement } from './boundaries/no-implicit-placement.ts';
import { noOrchestrator } from './boundaries/no-orchestrator.ts';
import { noPlaintextSecrets } from './boundaries/plaintext-secrets.ts';
import { noPrivateKeys } from './boundaries/private-keys.ts';
import { noScheduler } from './boundaries/no-scheduler.ts';
import { noSharedSecrets } from './boundaries/no-shared-secrets.ts';
import { readable } from './boundaries/readable.ts';
import { recipients } from './boundaries/recipients.ts';
import { samePoolNames } from './boundaries/same-pool-names.ts';
import { sameVersions } from './boundaries/same-versions.ts';
import { snapshotPolicy } from './boundaries/snapshot-policy.ts';
import { stableNames } from './boundaries/stable-names.ts';
import type { Rule } from './rule.ts';
import { SUPPRESSION_RULES } from './suppressions.ts';

/** Every rule, in the order of docs/check.md. */
export const RULES: readonly Rule[] = [
  hostDatabases,
  hostProxies,
  hostContainers,
  hostApplications,
  hostServicesKnown,
  hostMonitoring,
  noImplicitPlacement,
  noScheduler,
  noImplicitMigration,
  noOrchestrator,
  sameVersions,
  stableNames,
  samePoolNames,
  snapshotPolicy,
  dstSafeSchedules,
  noHypervisorBackups,
  guestMadeKeys,
  recipients,
  noSharedSecrets,
  noPlaintextSecrets,
  noPrivateKeys,
  noCredentialsDownward,
  readable,
  ...SUPPRESSION_RULES,
];
