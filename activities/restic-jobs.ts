import { Context } from '@temporalio/activity';
import type { Host } from '../hosts/host.ts';
import { RESTIC_ENV } from '../tools/restic-backup.ts';
import type { ResticAccess, ResticProblem } from '../tools/restic-command.ts';
import { resticUnlock } from '../tools/restic-maintenance.ts';
import type { Ran } from '../tools/result.ts';
import { failure } from './failure.ts';
import type { ActivityContext } from './guard.ts';
import { awaitJob } from './jobs.ts';
import { resticFailure } from './restic-failure.ts';

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
 * Sees a job of restic to its end and reads it. Where the repository is locked, the locks that restic itself takes for stale
 * are removed, and it is done once more: a restic that was killed leaves one, and everything but backups would fail for ever.
 */
export async function runRestic<Answer extends { type: string }>(
  host: Host,
  job: ResticJob,
  context: ActivityContext,
  read: (ran: Ran) => Answer | ResticProblem,
  describe: (lines: readonly string[]) => string,
): Promise<Answer | ResticProblem> {
  const answer = read(await ended(host, job, context, describe));
  if (answer.type !== 'locked') return answer;
  const unlocked = await resticUnlock(host, job.access, context);
  if (unlocked.type !== 'unlocked') throw resticFailure(host, unlocked);
  return read(await ended(host, { ...job, name: `${job.name}-again` }, context, describe));
}

async function ended(
  host: Host,
  { name, argv, repository }: ResticJob,
  context: ActivityContext,
  describe: (lines: readonly string[]) => string,
): Promise<Ran> {
  const { jobs } = host;
  for (let interruptions = 0; ; interruptions += 1) {
    const spec = { name, argv, timeoutMs: TIMEOUT_MS, fence: `restic-${repository}`, env: RESTIC_ENV };
    const started = await jobs.start(spec, context);
    if (started.type === 'fenced')
      throw failure('Busy', `Another job of restic works on this repository on ${host.name}: ${started.holder}.`);
    const state = await followed(host, name, context, describe);
    if (state.how === 'exited') return { argv, result: state };
    await jobs.remove(name, context);
    if (interruptions >= MAX_INTERRUPTIONS || state.how === 'timed out')
      throw failure('Unexpected', `restic on ${host.name} was cut off (${state.how}): ${state.stderr.slice(-500)}`);
  }
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
