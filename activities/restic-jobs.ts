import { Context } from '@temporalio/activity';
import type { Host } from '../hosts/host.ts';
import { RESTIC_ENV } from '../tools/restic-backup.ts';
import type { ResticAccess, ResticProblem } from '../tools/restic-command.ts';
import { resticUnlock } from '../tools/restic-maintenance.ts';
import type { Ran } from '../tools/result.ts';
import { failure } from './failure.ts';
import type { ActivityContext } from './guard.ts';
import { awaitJob } from './jobs.ts';

export interface ResticJob {
  /** Of the run and what is done: whoever asks again finds it. */
  name: string;
  argv: readonly string[];
  access: ResticAccess;
  /** Short id of the repository. */
  repository: string;
}

/** A first backup over a slow line takes days; so it is not for us to end. What hangs is ended all the same. */
const TIMEOUT_MS = 3 * 24 * 3_600_000;
/** Something ended restic from outside, or its machine was restarted. What does that again and again is another matter. */
const MAX_INTERRUPTIONS = 2;

/**
 * Sees a job of restic to its end and reads it. Locks that restic itself takes for stale are removed before: a restic that was
 * killed leaves one, and everything but backups would fail for ever.
 */
export async function runRestic<Answer extends { type: string }>(
  host: Host,
  job: ResticJob,
  context: ActivityContext,
  read: (ran: Ran) => Answer | ResticProblem,
  describe: (lines: readonly string[]) => string,
): Promise<Answer | ResticProblem> {
  for (let interruptions = 0; ; interruptions += 1) {
    if ((await host.jobs.status(job.name, context)).type === 'absent') {
      const unlocked = await resticUnlock(host, job.access, context);
      if (unlocked.type !== 'unlocked') return unlocked;
      await start(host, job, context);
    }
    const state = await followed(host, job.name, context, describe);
    if (state.how === 'exited') return read({ argv: job.argv, result: state });
    await host.jobs.remove(job.name, context);
    if (interruptions >= MAX_INTERRUPTIONS || state.how === 'timed out')
      throw failure('Unexpected', `restic on ${host.name} was cut off (${state.how}): ${state.stderr.slice(-500)}`);
  }
}

async function start(host: Host, { name, argv, repository }: ResticJob, context: ActivityContext): Promise<void> {
  const spec = { name, argv, timeoutMs: TIMEOUT_MS, fence: `restic-${repository}`, env: RESTIC_ENV };
  const started = await host.jobs.start(spec, context);
  if (started.type === 'fenced')
    throw failure('Busy', `Another job of restic works on this repository on ${host.name}: ${started.holder}.`);
}

/** A worker's end leaves it running, a person's cancellation ends it: restic takes its lock away then. */
async function followed(
  host: Host,
  name: string,
  context: ActivityContext,
  describe: (lines: readonly string[]) => string,
) {
  try {
    return await awaitJob(host.jobs, name, context, describe);
  } catch (error) {
    if (Context.current().cancellationDetails?.cancelRequested === true) await host.jobs.stop(name);
    throw error;
  }
}
