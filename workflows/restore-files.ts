import { isCancellation } from '@temporalio/workflow';
import type { RunRef } from '../activities/contract.ts';
import { dated } from '../plan/restore.ts';
import { filesStep, planRestoreFiles, type RestoreFiles, type RestoreFilesScope } from '../plan/restore-files.ts';
import type { RunResult, RunView } from '../plan/run.ts';
import { asSentence } from '../plan/sentence.ts';
import type { RestoreFilesInput } from './messages.ts';
import { activitiesFor } from './support/activities.ts';
import { conclude, unchanged } from './support/conclude.ts';
import { describeFailure, failure } from './support/failures.ts';
import { withLocks } from './support/locks.ts';
import { Run } from './support/run.ts';
import { refused } from './upgrade/results.ts';

/** Files of a guest as restic has them, into an empty folder of the guest. Nothing that is there is changed. */
export async function restoreFiles(input: RestoreFilesInput): Promise<RunView> {
  const { fleet, planOnly, wish } = input;
  const run = new Run({ runbook: 'restore', subject: wish.backup, revision: fleet.revision });
  const ref = { fleet, name: run.view.name };
  return conclude(
    run,
    async () => {
      const scope = await run.step(
        { id: 'scope', phase: 'gate', title: 'fleet file', kind: 'observe' },
        (act) => act.resolveRestoreFiles({ fleet, wish }),
        ({ path, address }) => ({ state: 'done', detail: `${path} in ${address}` }),
      );
      const work = (): Promise<RunResult> => bringBack(run, ref, scope, input);
      return planOnly ? work() : withLocks(run, [`member/${scope.member}`, scope.lock], work);
    },
    input,
  );
}

async function bringBack(
  run: Run,
  ref: RunRef,
  scope: RestoreFilesScope,
  { planOnly, wish }: RestoreFilesInput,
): Promise<RunResult> {
  const plan = await run.step(
    { id: 'observe', phase: 'gate', title: 'snapshots and the guest', kind: 'observe' },
    async (act) =>
      planRestoreFiles(scope, await act.observeRestoreFiles({ ...ref, scope }), {
        run: ref.name,
        now: new Date().toISOString(),
      }),
    ({ files }) => ({ state: 'done', detail: files?.snapshot.id.slice(0, 8) ?? 'nothing to take' }),
  );
  run.judge(plan.gates);
  if (plan.refusals.length > 0) return refused(plan, planOnly ? 'It would not start' : 'Not started');
  const { files } = plan;
  if (files === undefined) throw failure('Unexpected', 'No gate refuses, and there is nothing to bring back.');
  run.announce([filesStep(files)]);
  if (planOnly) return planned(wish);
  try {
    await run.hold();
  } catch (error) {
    return unchanged(error);
  }
  return act(run, ref, files);
}

async function act(run: Run, ref: RunRef, files: RestoreFiles): Promise<RunResult> {
  const { guest, path, target, snapshot } = files;
  const { id, phase, title } = filesStep(files);
  const work = { repository: files.repository, source: files.source, snapshot: snapshot.id, path, target };
  try {
    const { files: number } = await run.step(
      { id, phase, title, kind: 'long', within: '22h' },
      (each) => each.restoreFromRestic({ ...ref, ...work }),
      ({ files: count }) => ({ state: 'done', detail: `${count} files, read again` }),
    );
    await forgetJobs(run, ref, guest);
    return {
      outcome: 'Done',
      summary: `${path} as of ${dated(snapshot.at)} is in ${target} of ${guest}: ${number} files. The original is as it was.`,
      left: [`Folder ${target} of ${guest}, until you delete it.`],
      next: [],
    };
  } catch (error) {
    const problem = describeFailure(error);
    const [fact = ''] = problem.message.split('\n');
    return {
      ...{ outcome: 'Failed', failure: problem, next: [] },
      summary: `${asSentence(fact)} The original is as it was.`,
      left: [`What came to ${target} of ${guest}, if anything did: delete it before the next.`],
    };
  }
}

const planned = ({ backup, until, path, to }: RestoreFilesInput['wish']): RunResult => {
  const options = Object.entries({ at: until, path, to });
  const words = options.flatMap(([name, value]) => (value === undefined ? [] : [`--${name} ${value}`]));
  const command = ['runbook start restore --from restic', `--backup ${backup}`, ...words].join(' ');
  return { outcome: 'Done', summary: 'Nothing was changed.', left: [], next: [{ command, purpose: 'do it' }] };
};

async function forgetJobs(run: Run, ref: RunRef, guest: string): Promise<void> {
  const acts = activitiesFor({ id: 'forget-jobs', phase: 'clean up', title: 'jobs of this run', kind: 'observe' });
  try {
    await acts.forgetJobs({ ...ref, nodes: [guest] });
  } catch (error) {
    if (isCancellation(error)) throw error;
    run.warn(`Jobs of this run were not removed: ${asSentence(describeFailure(error).message)}`);
  }
}
