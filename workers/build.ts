import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { WorkerDeploymentOptions } from '@temporalio/worker';

/** What all workers of runbook are called together, in histories and in the Web UI. */
const DEPLOYMENT = 'runbook';
const HASH_LENGTH = 12;

/**
 * Says in histories which build did what: the version, and a hash of its workflows. Work is not given out by it (docs/architecture.md,
 * "A run outlives the program"): there is one worker that is replaced, and a run that waited for the old one would wait for ever.
 */
export async function deploymentOf(
  { codePath }: { codePath: string },
  version: string | undefined,
): Promise<WorkerDeploymentOptions> {
  const hash = createHash('sha256')
    .update(await readFile(codePath))
    .digest('hex');
  const buildId = [version, hash.slice(0, HASH_LENGTH)].filter(Boolean).join('-');
  return { version: { deploymentName: DEPLOYMENT, buildId }, useWorkerVersioning: false };
}
