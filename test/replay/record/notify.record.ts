import { expect } from '@jest/globals';
import type { notify } from '../../../workflows/notify.ts';
import { notifyWorkflowId, TASK_QUEUE, type NotifyInput } from '../../../workflows/messages.ts';
import { httpServer } from '../../activities/notify/servers.ts';
import { record, type Stage } from './recorder.ts';

const NOTICE: NotifyInput['notice'] = {
  ...{ event: 'failure', fleet: 'lab', runbook: 'safe-upgrade', node: 'n1', run: 'safe-upgrade/n1' },
  ...{ headline: 'safe-upgrade/n1 failed', what: 'It was not upgraded.', at: '2026-11-23T02:14:00.000Z' },
};

async function told({ env, startFleet }: Stage, channels: string[]) {
  const server = await httpServer();
  try {
    const declared = `{ type: webhook, url: "${server.url}" }`;
    await startFleet(
      (fleetFile) => `${fleetFile}\nnotifications: { channels: { one: ${declared}, two: ${declared} } }\n`,
    );
    const handle = await env.client.workflow.start<typeof notify>('notify', {
      ...{ taskQueue: TASK_QUEUE, workflowId: notifyWorkflowId('recorded') },
      args: [{ notice: NOTICE, channels }],
    });
    return { handle, result: await handle.result() };
  } finally {
    await server.close();
  }
}

record('notify', {
  told: async (stage) => {
    const { handle, result } = await told(stage, ['one', 'two', 'gone']);
    expect(result.map(({ outcome }) => outcome)).toEqual(['sent', 'sent', 'dropped']);
    return handle;
  },
});
