import { describe, expect, it } from '@jest/globals';
import type { WorkflowHandle } from '@temporalio/client';
import type { Approval, RunView } from '../../plan/run.ts';
import { DECIDE_UPDATE, TASK_QUEUE, VIEW_QUERY, workflowId, type DecideArgs } from '../../workflows/messages.ts';
import type { memberRemove } from '../../workflows/member-remove.ts';
import { eventually } from '../hosts/eventually.ts';
import { aSimulatedFleet } from './a-simulated-fleet.ts';
import { viewOf } from './simulated-fleet.ts';
import { changingCommands } from './simulated-world.ts';

const TIMEOUT_MS = 240_000;
type Handle = WorkflowHandle<typeof memberRemove>;

describe('member-remove over the simulated fleet', () => {
  const { env, simulation } = aSimulatedFleet();

  const start = (member: string, planOnly = false): Promise<Handle> =>
    env().client.workflow.start<typeof memberRemove>('memberRemove', {
      taskQueue: TASK_QUEUE,
      workflowId: workflowId('member-remove', member),
      args: [{ fleet: { revision: simulation().revision() }, actor: 'tester', planOnly, member }],
    });
  const asked = async (handle: Handle): Promise<Approval> => {
    let approval: RunView['approval'];
    await eventually(
      'it asks',
      async () => {
        ({ approval } = await handle.query<RunView>(VIEW_QUERY));
        return approval !== undefined;
      },
      120_000,
    );
    return approval as Approval;
  };
  const decide = (handle: Handle, args: Partial<DecideArgs> = {}): Promise<unknown> =>
    handle.executeUpdate(DECIDE_UPDATE, { args: [{ approved: true, actor: 'Ada', reason: 'so be it', ...args }] });
  const members = (): string[] => Object.keys(simulation().readState().cluster.members).sort();
  const empty = async (member: string): Promise<void> => {
    await simulation().store.update(({ cluster }) => {
      for (const records of [cluster.instances, cluster.volumes])
        for (const [key, { location }] of Object.entries(records))
          if (location === member) Reflect.deleteProperty(records, key);
    });
  };

  it(
    'lets an empty member leave, says what is left to do, and has nothing to do the second time',
    async () => {
      await empty('nuc-1');
      const handle = await start('nuc-1');
      const approval = await asked(handle);
      expect(approval).toMatchObject({ id: 'remove', question: 'Take nuc-1 out of the cluster?' });
      expect(approval).not.toHaveProperty('expects');
      expect(changingCommands(simulation().journal())).toEqual([]);
      await decide(handle);
      const { result } = await viewOf(handle);
      expect(result).toMatchObject({
        outcome: 'Done',
        summary: 'nuc-1 is no member any more; elitedesk-1, elitedesk-2 are the cluster.',
      });
      expect(result?.left).toContain('runbook.yaml declares guest dns-ct on nuc-1: change its member, or take it out.');
      expect(members()).toEqual(['elitedesk-1', 'elitedesk-2']);
      const { length } = simulation().journal();
      expect((await viewOf(await start('nuc-1'))).result).toMatchObject({
        outcome: 'AlreadySo',
        summary: 'nuc-1 is no member: elitedesk-1, elitedesk-2 are the cluster.',
      });
      expect(changingCommands(simulation().journal().slice(length))).toEqual([]);
    },
    TIMEOUT_MS,
  );

  it(
    'refuses what is not empty, and what would be lost with a pool, all at once and before it asks',
    async () => {
      await simulation().store.update((state) => {
        const { datasets } = state.machines['elitedesk-1'] as (typeof state.machines)[string];
        datasets['zpool/incus'] = { snapshots: {} };
        datasets['zpool/incus/photos'] = { snapshots: {} };
      });
      const { result } = await viewOf(await start('elitedesk-1'));
      expect(result).toMatchObject({ outcome: 'Failed', unchanged: true, failure: { type: 'GateRefused' } });
      expect(result?.failure?.message).toContain('It has 2 instances: edge-vm (Running), home-vm (Running).');
      expect(result?.failure?.message).toContain('It has 2 custom volumes: zpool/edge-data, zpool/home-data.');
      expect(result?.failure?.message).toContain('has more than Incus put there: zpool/incus/photos.');
      expect(changingCommands(simulation().journal())).toEqual([]);
    },
    TIMEOUT_MS,
  );

  it(
    'forgets a dead member only by its typed name',
    async () => {
      await simulation().power('elitedesk-2', 'off');
      const handle = await start('elitedesk-2');
      const approval = await asked(handle);
      expect(approval).toMatchObject({ id: 'forget', expects: 'elitedesk-2' });
      expect(approval.consequences.join(' ')).toContain(
        'The cluster forgets: instance metrics-vm, volume zpool/metrics-data.',
      );
      for (const name of [undefined, 'elitedesk-1'])
        await expect(decide(handle, name === undefined ? {} : { name })).rejects.toMatchObject({
          cause: { message: expect.stringContaining('waits for a yes with the name elitedesk-2') as unknown },
        });
      expect(changingCommands(simulation().journal())).toEqual([]);
      await decide(handle, { name: 'elitedesk-2' });
      const { result } = await viewOf(handle);
      expect(result).toMatchObject({ outcome: 'Done' });
      expect(result?.left).toContain('The cluster has forgotten: instance metrics-vm, volume zpool/metrics-data.');
      expect(members()).toEqual(['elitedesk-1', 'nuc-1']);
      expect(Object.keys(simulation().readState().cluster.instances)).not.toContain('metrics-vm');
    },
    TIMEOUT_MS,
  );

  it(
    'forgets nothing where the dead one lives again before the answer',
    async () => {
      await simulation().power('elitedesk-2', 'off');
      const handle = await start('elitedesk-2');
      await asked(handle);
      await simulation().power('elitedesk-2', 'on');
      await decide(handle, { name: 'elitedesk-2' });
      const { result } = await viewOf(handle);
      expect(result).toMatchObject({ outcome: 'Failed', unchanged: true });
      expect(result?.summary).toContain('elitedesk-2 lives again meanwhile.');
      expect(members()).toHaveLength(3);
    },
    TIMEOUT_MS,
  );

  it(
    'changes nothing on a no, and plans without asking',
    async () => {
      await empty('nuc-1');
      const handle = await start('nuc-1');
      await asked(handle);
      await decide(handle, { approved: false, reason: 'not tonight' });
      expect((await viewOf(handle)).result).toMatchObject({
        outcome: 'Failed',
        unchanged: true,
        summary: expect.stringContaining('not approved (Ada: not tonight)') as unknown,
      });
      const { result, steps } = await viewOf(await start('nuc-1', true));
      expect(result).toMatchObject({ outcome: 'Done', summary: 'Nothing was changed.' });
      expect(steps.filter(({ state }) => state === 'pending').map(({ title }) => title)).toContain(
        'nuc-1 leaves the cluster',
      );
      expect(changingCommands(simulation().journal())).toEqual([]);
    },
    TIMEOUT_MS,
  );

  it(
    'finds a removal done whose answer was lost',
    async () => {
      await empty('nuc-1');
      await simulation().addFault({
        tool: 'incus',
        args: 'cluster remove',
        when: 'after',
        times: 1,
        effect: { type: 'drop' },
      });
      const handle = await start('nuc-1');
      await asked(handle);
      await decide(handle);
      expect((await viewOf(handle)).result).toMatchObject({ outcome: 'Done' });
      expect(members()).toEqual(['elitedesk-1', 'elitedesk-2']);
      const removals = simulation()
        .journal()
        .filter(({ phase, args }) => phase === 'before' && args.join(' ').includes('cluster remove'));
      expect(removals).toHaveLength(1);
    },
    TIMEOUT_MS,
  );
});
