import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { fileURLToPath } from 'node:url';
import { Worker } from '@temporalio/worker';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { bundleOf, startLocalServer, startTimeSkippingServer } from './environment.ts';
import type { napThenTell } from './fixtures/nap.ts';

const NAP = fileURLToPath(new URL('fixtures/nap.ts', import.meta.url));

describe.each([
  { server: 'the time-skipping test server', start: startTimeSkippingServer, nap: '1 hour' },
  { server: 'the development server', start: () => startLocalServer(), nap: '10 ms' },
])('$server', ({ start, nap }) => {
  let env: TestWorkflowEnvironment;
  beforeAll(async () => {
    env = await start();
  }, 60_000);
  afterAll(() => env.teardown());

  it('runs a workflow of a test', async () => {
    const { nativeConnection: connection, client } = env;
    const worker = await Worker.create({ connection, taskQueue: 'nap', workflowBundle: await bundleOf(NAP) });
    const run = client.workflow.execute<typeof napThenTell>('napThenTell', {
      taskQueue: 'nap',
      workflowId: 'nap',
      args: [nap],
    });
    expect(await worker.runUntil(run)).toBe(`slept ${nap}`);
  }, 60_000);
});
