import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { WorkflowHandle, WorkflowHandleWithFirstExecutionRunId } from '@temporalio/client';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { Worker } from '@temporalio/worker';
import { randomUUID } from 'node:crypto';
import type { Activities } from '../../activities/contract.ts';
import type { RunView } from '../../plan/run.ts';
import { lockWorkflowId, TASK_QUEUE, VIEW_QUERY, type SafeUpgradeInput } from '../../workflows/messages.ts';
import type { safeUpgrade } from '../../workflows/safe-upgrade.ts';
import { eventually } from '../hosts/eventually.ts';
import { startLocalServer, WORKFLOW_BUNDLE } from './environment.ts';
import { createWorld, FLEET, scope } from './fake-world.ts';

/** Longer than the lock looks for a holder that is gone, with a margin for a busy machine. */
const NOTICED_MS = 60_000;

describe('the lock of a member', () => {
  let env: TestWorkflowEnvironment;
  let worker: Worker;
  let running: Promise<void>;
  const order: string[] = [];
  /** Runs stay where they have the lock, until the end. */
  const held: (() => void)[] = [];

  beforeAll(async () => {
    env = await startLocalServer();
    worker = await Worker.create({
      connection: env.nativeConnection,
      taskQueue: TASK_QUEUE,
      workflowBundle: WORKFLOW_BUNDLE,
      activities: activities(),
      maxHeartbeatThrottleInterval: '100ms',
    });
    running = worker.run();
  });
  afterAll(async () => {
    for (const letGo of held) letGo();
    worker.shutdown();
    await running;
    await env.teardown();
  });

  /** Every node is a guest on member `m-<first letter>`: the lock is that of the member. */
  function activities(): Activities {
    const world = createWorld({
      resolveScope: ({ node }) =>
        Promise.resolve(
          scope({
            node,
            member: `m-${node.split('-')[0] ?? ''}`,
            targets: [
              {
                node,
                kind: 'guest',
                deploys: true,
                containers: false,
                probes: 0,
                snapshotRollback: 'never',
                project: 'default',
              },
            ],
          }),
        ),
      observeUpgrade: ({ scope: { node } }) => {
        order.push(node);
        return new Promise((_, reject) => {
          held.push(() => {
            reject(new Error('let go'));
          });
        });
      },
    });
    return world.activities;
  }

  const start = (node: string): Promise<WorkflowHandleWithFirstExecutionRunId<typeof safeUpgrade>> => {
    const input: SafeUpgradeInput = {
      fleet: FLEET,
      node,
      actor: 'tester',
      allowOffline: [],
      allowOrchestrator: false,
      planOnly: false,
    };
    return env.client.workflow.start<typeof safeUpgrade>('safeUpgrade', {
      taskQueue: TASK_QUEUE,
      workflowId: `safe-upgrade/${node}`,
      args: [input],
    });
  };
  const waitsFor = async (handle: WorkflowHandle<typeof safeUpgrade>): Promise<string | undefined> =>
    (await handle.query<RunView>(VIEW_QUERY)).waitingFor[0]?.holder;
  const has = (node: string): Promise<void> =>
    eventually(`${node} has the lock`, () => order.includes(node), NOTICED_MS);
  const member = (): string => randomUUID().slice(0, 8);

  it('goes to whoever asked first, in order of arrival, and each sees who holds it', async () => {
    const m = member();
    const first = await start(`${m}-1`);
    await has(`${m}-1`);
    const second = await start(`${m}-2`);
    await eventually('second waits', async () => (await waitsFor(second)) === `safe-upgrade/${m}-1`, NOTICED_MS);
    const third = await start(`${m}-3`);
    await eventually('third waits', async () => (await waitsFor(third)) === `safe-upgrade/${m}-1`, NOTICED_MS);
    await first.terminate();
    await has(`${m}-2`);
    await second.terminate();
    await has(`${m}-3`);
    expect(order.filter((node) => node.startsWith(m))).toEqual([`${m}-1`, `${m}-2`, `${m}-3`]);
    await third.terminate();
  }, 240_000);

  it('is not granted to a waiter that was cancelled', async () => {
    const m = member();
    const first = await start(`${m}-1`);
    await has(`${m}-1`);
    const second = await start(`${m}-2`);
    await eventually('second waits', async () => (await waitsFor(second)) !== undefined, NOTICED_MS);
    const third = await start(`${m}-3`);
    await eventually('third waits', async () => (await waitsFor(third)) !== undefined, NOTICED_MS);
    await second.cancel();
    await expect(second.result()).rejects.toThrow();
    await first.terminate();
    await has(`${m}-3`);
    expect(order).not.toContain(`${m}-2`);
    await third.terminate();
  }, 240_000);

  it('stays with its holder where a run of another member is under way', async () => {
    const [a, b] = [member(), member()];
    const first = await start(`${a}-1`);
    const other = await start(`${b}-1`);
    await has(`${a}-1`);
    await has(`${b}-1`);
    await Promise.all([first.terminate(), other.terminate()]);
  }, 120_000);

  it('is kept by a holder that was reset: it is known by its workflow id', async () => {
    const m = member();
    const first = await start(`${m}-1`);
    await has(`${m}-1`);
    const second = await start(`${m}-2`);
    await eventually('second waits', async () => (await waitsFor(second)) !== undefined, NOTICED_MS);
    const { events } = await first.fetchHistory();
    const firstTask = events?.find(({ workflowTaskCompletedEventAttributes }) => workflowTaskCompletedEventAttributes);
    await env.client.workflowService.resetWorkflowExecution({
      namespace: 'default',
      workflowExecution: { workflowId: `safe-upgrade/${m}-1`, runId: first.firstExecutionRunId },
      reason: 'test',
      workflowTaskFinishEventId: firstTask?.eventId ?? null,
      requestId: randomUUID(),
    });
    await eventually('the reset run has it', () => order.filter((node) => node === `${m}-1`).length >= 2, NOTICED_MS);
    expect(order).not.toContain(`${m}-2`);
    await env.client.workflow.getHandle(`safe-upgrade/${m}-1`).terminate();
    await has(`${m}-2`);
    await second.terminate();
  }, 240_000);

  it('is asked for again where somebody terminated the lock itself', async () => {
    const m = member();
    const first = await start(`${m}-1`);
    await has(`${m}-1`);
    const second = await start(`${m}-2`);
    await eventually('second waits', async () => (await waitsFor(second)) !== undefined, NOTICED_MS);
    await first.terminate();
    await env.client.workflow.getHandle(lockWorkflowId(`member/m-${m}`)).terminate();
    await has(`${m}-2`);
    await second.terminate();
  }, 240_000);
});
