import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { ApplicationFailure } from '@temporalio/common';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { Worker } from '@temporalio/worker';
import { TASK_QUEUE } from '../../workflows/messages.ts';
import { bundleOf } from './environment.ts';
import type { ProcedureActivities } from './fixtures/procedure.ts';

const PROCEDURE = fileURLToPath(new URL('fixtures/procedure.ts', import.meta.url));

/** Nodes of the fleet file below, each called for what its run does. */
export const NODES = [
  'works',
  'already',
  'sick',
  'breaks',
  'asks',
  'loses',
  'waits',
  'cleans',
  'retries',
  'refused',
] as const;

const GIT_IDENTITY = {
  ...{ GIT_AUTHOR_NAME: 'Ada', GIT_AUTHOR_EMAIL: 'ada@lan', GIT_AUTHOR_DATE: '2026-11-23T02:14:00Z' },
  ...{ GIT_COMMITTER_NAME: 'Ada', GIT_COMMITTER_EMAIL: 'ada@lan', GIT_COMMITTER_DATE: '2026-11-23T02:14:00Z' },
  ...{ GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1' },
};

/** A worker for fixtures/procedure.ts on the task queue of the real one. `mend` lets the step that is retried succeed. */
export async function procedureWorker(env: TestWorkflowEnvironment): Promise<{ worker: Worker; mend: () => void }> {
  let broken = true;
  const activities: ProcedureActivities = {
    work: (node, step) => {
      if (node === 'retries' && step === 'deploy' && broken)
        return Promise.reject(new Error('elitedesk-1 is unreachable: \u001b[31mNo route to host'));
      if ((node === 'sick' || node === 'breaks') && step === 'verify')
        return Promise.reject(ApplicationFailure.nonRetryable('https://edge.lan/health: 502', 'Unhealthy'));
      return Promise.resolve(`${step} is fine`);
    },
  };
  const worker = await Worker.create({
    connection: env.nativeConnection,
    taskQueue: TASK_QUEUE,
    identity: 'test@worker',
    workflowBundle: await bundleOf(PROCEDURE),
    activities,
  });
  return {
    worker,
    mend: () => {
      broken = false;
    },
  };
}

/** A monorepo with a fleet file, on one commit; `remove` it after the tests. */
export async function procedureRepository(): Promise<{ path: string; revision: string; remove: () => Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'runbook-cli-'));
  const members = NODES.map((name, index) => `  ${name}: { address: 10.0.0.${index + 1} }\n`);
  await writeFile(join(path, 'runbook.yaml'), `version: 1\nname: homelab\nmembers:\n${members.join('')}`);
  const git = (...args: string[]) => execa('git', ['-C', path, ...args], { env: GIT_IDENTITY });
  await git('init', '--quiet');
  await git('add', '.');
  await git('commit', '--quiet', '--message', 'A fleet');
  const { stdout: revision } = await git('rev-parse', 'HEAD');
  return { path, revision, remove: () => rm(path, { recursive: true }) };
}
