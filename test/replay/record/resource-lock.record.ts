import { expect } from '@jest/globals';
import type { RunView } from '../../../plan/run.ts';
import {
  LOCK_ACQUIRE,
  LOCK_RELEASE,
  lockWorkflowId,
  TASK_QUEUE,
  VIEW_QUERY,
  type LockClaim,
} from '../../../workflows/messages.ts';
import type { resourceLock } from '../../../workflows/resource-lock.ts';
import { eventually } from '../../hosts/eventually.ts';
import { viewOf } from '../../temporal/simulated-fleet.ts';
import { record } from './recorder.ts';

record('resourceLock', {
  /** A member and two of its guests ask for it in turn; unused it closes by itself after a minute. */
  'queue-then-idle': async ({ env, startFleet }) => {
    const fleet = await startFleet();
    const { simulation } = fleet;
    const pause = await simulation.addFault({
      tool: 'incus',
      machine: 'elitedesk-1',
      times: 1,
      effect: { type: 'pause' },
    });
    const member = { allowOrchestrator: true };
    const first = await fleet.start('elitedesk-1', member);
    await eventually('the first is at work', () => simulation.isPaused(pause), 60_000);
    const others = [];
    for (const guest of ['edge-vm', 'home-vm']) {
      const other = await fleet.start(guest, member);
      const waits = async (): Promise<boolean> =>
        (await other.query<RunView>(VIEW_QUERY)).waitingFor[0]?.holder === 'safe-upgrade/elitedesk-1';
      await eventually(`${guest} waits`, waits, 60_000);
      others.push(other);
    }
    simulation.releasePause(pause);
    for (const each of [first, ...others]) expect((await viewOf(each)).result).toMatchObject({ outcome: 'AlreadySo' });
    const lock = env.client.workflow.getHandle(lockWorkflowId('member/elitedesk-1'));
    await lock.result();
    return lock;
  },
});

record(
  'resourceLock',
  {
    'continued-as-new': async ({ env, startFleet }) => {
      await startFleet();
      const first = await env.client.workflow.start<typeof resourceLock>('resourceLock', {
        taskQueue: TASK_QUEUE,
        workflowId: lockWorkflowId('member/busy'),
        args: [{ resource: 'member/busy', queue: [] }],
      });
      const latest = env.client.workflow.getHandle(lockWorkflowId('member/busy'));
      const claim: LockClaim = { workflowId: 'safe-upgrade/gone' };
      const continued = async (): Promise<boolean> => {
        await latest.signal(LOCK_ACQUIRE, claim);
        await latest.signal(LOCK_RELEASE, claim);
        return (await latest.describe()).runId !== first.firstExecutionRunId;
      };
      await eventually('it continued as new', continued, 60_000);
      await latest.terminate('by the recorder');
      return env.client.workflow.getHandle(lockWorkflowId('member/busy'), first.firstExecutionRunId);
    },
  },
  ['--dynamic-config-value', 'limit.historyCount.suggestContinueAsNew=40'],
);
