/** A worker as a process of its own, so that it can be killed: polls until then. Its order is one JSON argument. */
import { createActivities } from '../../activities/index.ts';
import { createLogger } from '../../workers/logging.ts';
import { startWorker } from '../../workers/worker.ts';

export interface WorkerOrder {
  address: string;
  namespace: string;
  /** Of the workflows. */
  codePath: string;
  repo: string;
  stateDir: string;
  /** PATH of everything that it starts. */
  path: string;
}

const { address, namespace, codePath, repo, stateDir, path } = JSON.parse(process.argv[2] ?? '') as WorkerOrder;
const { activities } = createActivities({ repo, stateDir, env: { PATH: path } });
const worker = await startWorker({
  activities,
  logger: createLogger({ level: 'error' }),
  env: { TEMPORAL_ADDRESS: address, TEMPORAL_NAMESPACE: namespace },
  workflowBundle: { codePath },
});
process.stdout.write('polls\n');
await worker.stopped;
