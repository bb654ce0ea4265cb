import { describe, expect, it } from '@jest/globals';
import type { WorkflowHandle } from '@temporalio/client';
import type { Approval, RunView } from '../../plan/run.ts';
import { DECIDE_UPDATE, TASK_QUEUE, VIEW_QUERY, workflowId, type DecideArgs } from '../../workflows/messages.ts';
import type { quorumRecover } from '../../workflows/quorum-recover.ts';
import { eventually } from '../hosts/eventually.ts';
import { aSimulatedFleet } from './a-simulated-fleet.ts';
import { impatient } from './impatient.ts';
import { viewOf } from './simulated-fleet.ts';
import { changingCommands } from './simulated-world.ts';

const TIMEOUT_MS = 400_000;
const SURVIVOR = 'elitedesk-1';
const LOST = ['elitedesk-2', 'nuc-1'];
type Handle = WorkflowHandle<typeof quorumRecover>;

describe('quorum-recover over the simulated fleet', () => {
  const { env, simulation } = aSimulatedFleet({ machines: impatient });

  const start = (member = SURVIVOR, planOnly = false): Promise<Handle> =>
    env().client.workflow.start<typeof quorumRecover>('quorumRecover', {
      taskQueue: TASK_QUEUE,
      workflowId: workflowId('quorum-recover', member),
      args: [{ fleet: { revision: simulation().revision() }, actor: 'tester', planOnly, member }],
    });
  const asked = async (handle: Handle, id: string): Promise<Approval> => {
    let approval: RunView['approval'];
    await eventually(
      `it asks ${id}`,
      async () => {
        ({ approval } = await handle.query<RunView>(VIEW_QUERY));
        return approval?.id === id;
      },
      150_000,
    );
    return approval as Approval;
  };
  const decide = (handle: Handle, args: Partial<DecideArgs>): Promise<unknown> =>
    handle.executeUpdate(DECIDE_UPDATE, { args: [{ approved: true, actor: 'Ada', reason: 'so be it', ...args }] });
  const loseMost = async (): Promise<void> => {
    for (const name of LOST) await simulation().power(name, 'off');
  };
  /** Says of each that is gone that it is. */
  const sayGone = async (handle: Handle): Promise<void> => {
    for (const name of LOST) {
      await asked(handle, `gone-${name}`);
      await decide(handle, { name });
    }
  };
  const voters = (): string[] | undefined => simulation().readState().cluster.voters;
  const changes = (from = 0): string[] => changingCommands(simulation().journal().slice(from));

  it(
    'lets a survivor carry on, by typed names only; its instances run on; there is nothing to do the second time',
    async () => {
      await loseMost();
      const handle = await start();
      const first = await asked(handle, 'gone-elitedesk-2');
      expect(first).toMatchObject({ expects: 'elitedesk-2' });
      for (const name of [undefined, SURVIVOR])
        await expect(decide(handle, name === undefined ? {} : { name })).rejects.toMatchObject({
          cause: { message: expect.stringContaining('waits for a yes with the name elitedesk-2') as unknown },
        });
      await sayGone(handle);
      expect(await asked(handle, 'recover')).toMatchObject({ expects: SURVIVOR });
      expect(changes()).toEqual([]);
      await decide(handle, { name: SURVIVOR });
      const { result, steps, name } = await viewOf(handle);
      expect(result).toMatchObject({
        outcome: 'Done',
        summary: `${SURVIVOR} carries the database on: elitedesk-1 Online, elitedesk-2 Offline, nuc-1 Offline.`,
      });
      expect(result?.left[0]).toBe(
        `The former database of ${SURVIVOR} is in /var/lib/runbook/set-aside/${name} on ${SURVIVOR}.`,
      );
      expect(result?.next.map(({ command }) => command)).toContain('runbook start node-rejoin --node nuc-1');
      expect(steps.filter(({ phase }) => phase === 'recover').map(({ id }) => id)).toEqual([
        'stop-elitedesk-1',
        'keep',
        'recover',
        'start-elitedesk-1',
      ]);
      expect(voters()).toEqual([SURVIVOR]);
      expect(Object.keys(simulation().readState().cluster.members)).toHaveLength(3);
      const { length } = simulation().journal();
      expect((await viewOf(await start())).result).toMatchObject({ outcome: 'AlreadySo' });
      expect(changes(length)).toEqual([]);
    },
    TIMEOUT_MS,
  );

  it(
    'refuses where there is a leader, and before it asks',
    async () => {
      const { result } = await viewOf(await start());
      expect(result).toMatchObject({ outcome: 'Failed', unchanged: true, failure: { type: 'GateRefused' } });
      expect(result?.failure?.message).toContain(`The cluster has a leader, ${SURVIVOR} says: elitedesk-1 Online`);
      expect(changes()).toEqual([]);
    },
    TIMEOUT_MS,
  );

  it(
    'changes nothing where a lost one is back before the last answer',
    async () => {
      await loseMost();
      const handle = await start();
      await sayGone(handle);
      await asked(handle, 'recover');
      await simulation().power('nuc-1', 'on');
      await decide(handle, { name: SURVIVOR });
      const { result } = await viewOf(handle);
      expect(result).toMatchObject({ outcome: 'Failed', unchanged: true, failure: { type: 'GateRefused' } });
      expect(result?.failure?.message).toContain('The cluster has a leader');
      expect(changes()).toEqual([]);
    },
    TIMEOUT_MS,
  );

  it(
    'finds done what was done where answers are lost, says where it does not get there, and goes on from there',
    async () => {
      await loseMost();
      const drop = { when: 'after', times: 1, effect: { type: 'drop' } } as const;
      await simulation().addFault({ tool: 'systemctl', args: 'signal=KILL', ...drop });
      await simulation().addFault({ tool: 'mv', args: 'database.part', ...drop });
      await simulation().addFault({
        tool: 'incus',
        args: 'recover-from-quorum-loss',
        when: 'after',
        times: 1,
        effect: { type: 'fail', exitCode: 1, stderr: 'Error: the disk is full' },
      });
      const handle = await start();
      await sayGone(handle);
      await asked(handle, 'recover');
      await decide(handle, { name: SURVIVOR });
      expect((await viewOf(handle)).result).toMatchObject({
        outcome: 'Failed',
        failure: { type: 'Unexpected', message: expect.stringContaining('the disk is full') as unknown },
        next: [{ command: `runbook start quorum-recover --node ${SURVIVOR}`, purpose: 'go on' }],
      });
      await simulation().addFault({ tool: 'systemctl', args: 'start --no-block', ...drop });
      const again = await start();
      await sayGone(again);
      await asked(again, 'recover');
      await decide(again, { name: SURVIVOR });
      expect((await viewOf(again)).result).toMatchObject({ outcome: 'Done' });
      expect(voters()).toEqual([SURVIVOR]);
    },
    TIMEOUT_MS,
  );
});
