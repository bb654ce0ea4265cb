import type { RunRef } from '../activities/contract.ts';
import type { BackupPolicy } from '../fleet/schema.ts';
import { count } from '../plan/count.ts';
import { planBackup, type BackupPlan } from '../plan/nightly-backup.ts';
import type { RunResult, RunView } from '../plan/run.ts';
import { copyAll } from './backup/copy.ts';
import { copyToRepositories, planRepositories, resticSteps, tellHeld } from './backup/restic.ts';
import { backedUp, planned, stopped } from './backup/results.ts';
import { backupSteps } from './backup/steps.ts';
import type { NightlyBackupInput } from './messages.ts';
import { conclude } from './support/conclude.ts';
import { withLocks } from './support/locks.ts';
import { Run } from './support/run.ts';
import { refused } from './upgrade/results.ts';

/** Snapshots of the guests' volumes, and copies of them in every place that the fleet file declares. */
export async function nightlyBackup(input: NightlyBackupInput): Promise<RunView> {
  const { fleet, backup, planOnly } = input;
  const run = new Run({ runbook: 'nightly-backup', subject: backup ?? 'all', revision: fleet.revision });
  const ref = { fleet, name: run.view.name };
  const work = (): Promise<RunResult> => backUp(run, ref, input);
  return conclude(run, () => (planOnly ? work() : withLocks(run, ['backups'], work)), input);
}

async function backUp(run: Run, ref: RunRef, input: NightlyBackupInput): Promise<RunResult> {
  const { plan, policy, guest } = await observe(run, ref, input);
  const restic = await planRepositories(run, ref, guest);
  run.judge(plan.gates);
  if (plan.refusals.length > 0) return refused(plan, input.planOnly ? 'It would not start' : 'Not started');
  run.announce([...backupSteps(plan), ...resticSteps(restic)]);
  if (input.planOnly) return planned(input);
  run.copied(plan.failing);
  tellHeld(run, restic);
  try {
    await copyAll(run, ref, plan, policy);
    await copyToRepositories(run, ref, restic);
    await run.hold();
  } catch (error) {
    return stopped(run.view, error);
  }
  return backedUp(run.view, input);
}

async function observe(
  run: Run,
  ref: RunRef,
  { backup }: NightlyBackupInput,
): Promise<{ plan: BackupPlan; policy: BackupPolicy; guest?: string }> {
  const scope = await run.step(
    { id: 'scope', phase: 'gate', title: 'fleet file', kind: 'observe' },
    (act) => act.resolveBackup({ fleet: ref.fleet, ...(backup === undefined ? {} : { backup }) }),
    ({ backups }) => ({ state: 'done', detail: Object.keys(backups).join(', ') }),
  );
  const plan = await run.step(
    { id: 'observe', phase: 'gate', title: 'volumes and places', kind: 'act', within: '30m' },
    async (act) => planBackup(scope, await act.observeBackup({ ...ref, scope })),
    ({ groups, pairs }) => ({
      state: 'done',
      detail: `${count(groups.length, 'guest')}, ${count(pairs.length, 'way')}`,
    }),
  );
  const guest = backup === undefined ? undefined : scope.backups[backup]?.guest;
  return { plan, policy: scope.policy, ...(guest === undefined ? {} : { guest }) };
}
