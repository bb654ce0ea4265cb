import { expect } from '@jest/globals';
import type { WorkflowHandle } from '@temporalio/client';
import type { Lab } from '../../lab/api.ts';
import type { RunView } from '../../plan/run.ts';
import type { clusterBootstrap } from '../../workflows/cluster-bootstrap.ts';
import { TASK_QUEUE, VIEW_QUERY } from '../../workflows/messages.ts';
import { viewOf } from '../temporal/simulated-fleet.ts';
import { handsOn } from './hands.ts';
import type { aLabWorker } from './worker.ts';

export const MEMBERS = ['n1', 'n2', 'n3'];

export type Forming = WorkflowHandle<typeof clusterBootstrap>;

/** cluster-bootstrap on the hosts of a lab that were made bare, and what every way of it has to end in. */
export function formingOn(lab: () => Lab, worker: ReturnType<typeof aLabWorker>, source: string) {
  const { text } = handsOn(lab);
  const query = async (host: string, path: string): Promise<unknown> =>
    JSON.parse(await text(host, 'incus', 'query', path));

  const start = async (planOnly = false): Promise<Forming> => {
    const revision = (await lab().setSpec('n1', {})).trim();
    return worker().env.client.workflow.start<typeof clusterBootstrap>('clusterBootstrap', {
      taskQueue: TASK_QUEUE,
      workflowId: planOnly ? 'plan/cluster-bootstrap/all/test' : 'cluster-bootstrap/all',
      args: [{ fleet: { revision }, actor: 'tester', planOnly }],
    });
  };

  /** Whether it has begun to join, and is not through with it. */
  const isMarked = async (host: string): Promise<boolean> =>
    (await lab().run(host, ['test', '-e', '/var/lib/runbook/joining'])).exitCode === 0;

  return {
    query,
    start,
    isMarked,
    bootstrap: async (): Promise<RunView> => viewOf(await start()),
    isClustered: async (host: string): Promise<boolean> =>
      ((await query(host, '/1.0/cluster')) as { enabled: boolean }).enabled,

    /** Kills the worker once in each step of a run; returns their ids. */
    killAtEachStep: async (run: Forming): Promise<Set<string>> => {
      const killed = new Set<string>();
      while ((await run.describe()).status.name === 'RUNNING') {
        const view = await run.query<RunView>(VIEW_QUERY).catch(() => undefined);
        const running = view?.steps.find(({ state }) => state === 'running');
        if (running !== undefined && !killed.has(running.id)) {
          killed.add(running.id);
          await worker().kill();
          await worker().restart();
        } else await new Promise((resolve) => setTimeout(resolve, 20));
      }
      return killed;
    },

    expectFormed: async (): Promise<void> => {
      const listed = JSON.parse(await text('n1', 'incus', 'cluster', 'list', '-f', 'json')) as {
        server_name: string;
        status: string;
        roles: string[];
      }[];
      expect(listed.map(({ server_name, status }) => [server_name, status])).toEqual(
        MEMBERS.map((name) => [name, 'Online']),
      );
      expect(listed.filter(({ roles }) => roles.includes('database-leader'))).toHaveLength(1);
      for (const member of MEMBERS)
        expect(await query('n1', `/1.0/storage-pools/local?target=${member}`)).toMatchObject({
          status: 'Created',
          config: { source },
        });
      expect(await query('n2', '/1.0/networks/labnet')).toMatchObject({
        status: 'Created',
        config: { 'ipv4.address': '10.90.0.1/24' },
      });
      expect(await query('n3', '/1.0/profiles/default')).toMatchObject({
        config: { 'cluster.evacuate': 'stop' },
        devices: { root: { pool: 'local' }, eth0: { parent: 'br0' } },
      });
      expect(await query('n1', '/1.0/cluster/groups/small')).toMatchObject({ members: ['n2', 'n3'] });
      // Nothing of ours stays: no container of the trial, no token, no mark.
      expect(await text('n1', 'incus', 'list', '-f', 'csv')).toBe('');
      expect(await text('n1', 'incus', 'cluster', 'list-tokens', '-f', 'csv')).toBe('');
      for (const member of MEMBERS) expect(await isMarked(member)).toBe(false);
    },

    /** A cluster of one, as a fleet of one would have formed. */
    formOfOne: async (driver: string): Promise<void> => {
      const send = (method: string, path: string, body: object): Promise<string> =>
        text('n1', 'incus', 'query', '-X', method, '--wait', '-d', JSON.stringify(body), path);
      await send('PATCH', '/1.0', { config: { 'core.https_address': `${lab().address('n1')}:8443` } });
      await send('POST', '/1.0/storage-pools', { name: 'local', driver, config: { source } });
      await send('POST', '/1.0/networks', {
        name: 'labnet',
        type: 'bridge',
        config: { 'ipv4.address': '10.90.0.1/24', 'ipv4.nat': 'true', 'ipv6.address': 'none' },
      });
      await text('n1', 'incus', 'cluster', 'enable', 'n1');
    },
  };
}
