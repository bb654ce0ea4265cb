import { describe, expect, it } from '@jest/globals';
import type { WorkflowHandle } from '@temporalio/client';
import type { RunView } from '../../plan/run.ts';
import { hostKeyOf } from '../../simulator/core/host-key.ts';
import { TASK_QUEUE, VIEW_QUERY, workflowId } from '../../workflows/messages.ts';
import type { clusterBootstrap } from '../../workflows/cluster-bootstrap.ts';
import { eventually } from '../hosts/eventually.ts';
import { aServer } from './a-simulated-fleet.ts';
import { startSimulatedFleet, viewOf, type SimulatedFleet } from './simulated-fleet.ts';

const TIMEOUT_MS = 240_000;

describe('the roles of the database after cluster-bootstrap', () => {
  const env = aServer();

  /** So many bare hosts, and a run over them. */
  async function withMembers(
    count: number,
    work: (fleet: SimulatedFleet, start: () => Promise<WorkflowHandle>) => Promise<void>,
  ): Promise<void> {
    const members = Object.fromEntries(Array.from({ length: count }, (_, at) => [`m${at + 1}`, `10.0.0.${31 + at}`]));
    const declared = Object.entries(members).map(
      ([name, address]) => `  ${name}: { address: ${address}, ssh: { hostKey: ${hostKeyOf(name)} } }`,
    );
    const fleetFile = `version: 1
name: some
members:
${declared.join('\n')}
cluster:
  pools: { zpool: { type: zfs, dataset: zpool/incus } }
`;
    const fleet = await startSimulatedFleet(env(), { bare: true, members, fleetFile });
    const start = (): Promise<WorkflowHandle> =>
      env().client.workflow.start<typeof clusterBootstrap>('clusterBootstrap', {
        taskQueue: TASK_QUEUE,
        workflowId: workflowId('cluster-bootstrap', 'all'),
        args: [{ fleet: { revision: fleet.simulation.revision() }, actor: 'tester', planOnly: false }],
      });
    try {
      await work(fleet, start);
      expect(fleet.simulation.unknown()).toEqual([]);
    } finally {
      await fleet.dispose();
    }
  }

  it.each([1, 2, 3, 5])(
    'are as they are to be, of %d',
    (count) =>
      withMembers(count, async ({ simulation }, start) => {
        const view = await viewOf((await start()) as WorkflowHandle & { result(): Promise<RunView> });
        expect(view.result).toMatchObject({ outcome: 'Done', left: [] });
        expect(view.steps.find(({ id }) => id === 'roles')).toMatchObject({ state: 'already' });
        expect(Object.keys(simulation.readState().cluster.members)).toHaveLength(count);
      }),
    TIMEOUT_MS,
  );

  it(
    'are waited for',
    () =>
      withMembers(5, async ({ simulation }, start) => {
        const pause = await simulation.addFault({ tool: 'incus', args: 'launch', times: 1, effect: { type: 'pause' } });
        const handle = await start();
        await eventually('all have joined', () => simulation.isPaused(pause), 120_000);
        await simulation.store.update(({ cluster }) => {
          cluster.leaderIsIdle = true;
        });
        simulation.releasePause(pause);
        const isAtRoles = async (): Promise<boolean> => {
          const { steps } = await handle.query<RunView>(VIEW_QUERY);
          return steps.some(({ id, state }) => id === 'roles' && state === 'running');
        };
        await eventually('it comes to roles', isAtRoles, 120_000);
        const looks = (): number =>
          simulation.journal().filter(({ tool, args }) => tool === 'incus' && args[1] === 'list').length;
        const before = looks();
        // Each look is two entries of the journal.
        await eventually('it looks again', () => looks() >= before + 4, 60_000);
        await simulation.store.update(({ cluster }) => {
          cluster.leaderIsIdle = false;
        });
        const view = await viewOf(handle as WorkflowHandle & { result(): Promise<RunView> });
        expect(view.result).toMatchObject({ outcome: 'Done', left: [] });
        expect(view.steps.find(({ id }) => id === 'roles')).toMatchObject({ state: 'done' });
      }),
    TIMEOUT_MS,
  );
});
