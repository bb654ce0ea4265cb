import { fileURLToPath } from 'node:url';
import { DefaultLogger, Runtime, Worker, type ReplayWorkerOptions } from '@temporalio/worker';
import { asHistory, type JsonHistory } from './histories.ts';

// The SDK also prints what it then answers: pages, where runs are refused on purpose.
Runtime.install({
  logger: new DefaultLogger('ERROR'),
  telemetryOptions: { logging: { filter: { core: 'ERROR', other: 'ERROR' } } },
});

/** The bundle of the real workflows, built before the tests. */
export const WORKFLOW_BUNDLE = { codePath: fileURLToPath(new URL('../../dist/workflow-bundle.js', import.meta.url)) };

/** What a replay came to: nothing where the workflow still asks for what the history has. */
export type Verdict = Error | undefined;

/** Replays them all with one bundle; the verdicts have the keys of the histories. */
export async function replay(
  workflowBundle: NonNullable<ReplayWorkerOptions['workflowBundle']>,
  histories: Readonly<Record<string, JsonHistory>>,
): Promise<Record<string, Verdict>> {
  const verdicts: Record<string, Verdict> = {};
  const all = Object.entries(histories).map(([workflowId, history]) => ({ workflowId, history: asHistory(history) }));
  for await (const { workflowId, error } of Worker.runReplayHistories({ workflowBundle }, all))
    verdicts[workflowId] = error;
  return verdicts;
}
