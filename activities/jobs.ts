import type { Jobs, JobState } from '../hosts/host.ts';
import type { NodeRef } from './contract.ts';
import { failure } from './failure.ts';
import type { ActivityContext } from './guard.ts';

/** So often its progress is told; its end is noticed at once. */
const LOOK_MS = 500;

/**
 * Follows a job to its end. A worker's shutdown leaves it running for the next attempt to adopt;
 * what a cancellation means is the caller's to decide, after the job's end.
 */
export async function awaitJob(
  jobs: Jobs,
  name: string,
  { signal, report }: ActivityContext,
  describe: (lines: readonly string[]) => string,
): Promise<JobState & { type: 'ended' }> {
  let shown = '';
  for (;;) {
    const state = await jobs.status(name, { signal, waitMs: LOOK_MS });
    if (state.type === 'ended') return state;
    if (state.type === 'absent') throw failure('Busy', `Job ${name} vanished while it was followed; looking again.`);
    const message = describe(state.lines);
    if (message !== shown) report({ progress: message });
    shown = message;
  }
}

/** The deployment of a node in a run: one job, whoever asks. */
export function deployJob({ name, node }: NodeRef): string {
  return `${name}-deploy-${node.toLowerCase()}`;
}

/** Its activation of the former system. */
export function rollBackJob({ name, node }: NodeRef): string {
  return `${name}-roll-back-${node.toLowerCase()}`;
}
