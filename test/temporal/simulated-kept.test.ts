import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from '@jest/globals';
import type { WorkflowHandle } from '@temporalio/client';
import type { KeptView } from '../../plan/kept.ts';
import type { RunView } from '../../plan/run.ts';
import type { Dataset } from '../../simulator/core/state.ts';
import { DECIDE_UPDATE, KEPT_WORKFLOW, TASK_QUEUE, VIEW_QUERY, workflowId } from '../../workflows/messages.ts';
import type { kept } from '../../workflows/kept.ts';
import type { releaseKept } from '../../workflows/release-kept.ts';
import { eventually } from '../hosts/eventually.ts';
import { aSimulatedFleet } from './a-simulated-fleet.ts';
import { viewOf } from './simulated-fleet.ts';
import { changingCommands } from './simulated-world.ts';

const TIMEOUT_MS = 120_000;
const OLD = 'zpool/incus.old';
const MARK = {
  'runbook:kept': 'runbook-20261127-0214-3f9c',
  'runbook:kept-from': 'zpool/incus',
  'runbook:kept-at': '2026-11-27T02:14:00Z',
  'runbook:kept-why': 'nuc-1 came back',
};

describe('what is kept on the simulated fleet', () => {
  const { env, simulation } = aSimulatedFleet();
  beforeEach(async () => {
    await put({
      [OLD]: { snapshots: {}, properties: MARK },
      [`${OLD}/images`]: { snapshots: { readonly: { creation: 1 } } },
    });
    const folder = join(simulation().store.root('elitedesk-1'), 'var/lib/runbook/set-aside/runbook-1');
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'database'), 'x');
  });

  async function put(datasets: Record<string, Dataset>): Promise<void> {
    await simulation().store.update((state) => {
      Object.assign(state.machines['nuc-1']?.datasets ?? {}, datasets);
    });
  }
  const list = (): Promise<KeptView> =>
    env().client.workflow.execute<typeof kept>(KEPT_WORKFLOW, {
      taskQueue: TASK_QUEUE,
      workflowId: `${KEPT_WORKFLOW}/test`,
      args: [{ fleet: { revision: simulation().revision() } }],
    });
  const release = (member: string, name: string): Promise<WorkflowHandle<typeof releaseKept>> =>
    env().client.workflow.start<typeof releaseKept>('releaseKept', {
      taskQueue: TASK_QUEUE,
      workflowId: workflowId('release-kept', member),
      args: [{ fleet: { revision: simulation().revision() }, actor: 'tester', member, name }],
    });
  const asked = (handle: WorkflowHandle<typeof releaseKept>): Promise<void> =>
    eventually('it asks', async () => (await handle.query<RunView>(VIEW_QUERY)).approval !== undefined, 60_000);
  const decide = (handle: WorkflowHandle<typeof releaseKept>, name?: string): Promise<unknown> =>
    handle.executeUpdate(DECIDE_UPDATE, {
      args: [{ approved: true, actor: 'Ada', reason: 'nobody needs it', ...(name === undefined ? {} : { name }) }],
    });
  const datasets = (): string[] => Object.keys(simulation().readState().machines['nuc-1']?.datasets ?? {}).sort();

  it(
    'is listed with where it comes from and why, of those members that answer',
    async () => {
      await simulation().power('elitedesk-2', 'off');
      const view = await list();
      expect(view.kept).toMatchObject([
        { member: 'elitedesk-1', kind: 'folder', name: 'runbook-1', since: expect.any(String) as unknown },
        {
          ...{ member: 'nuc-1', kind: 'dataset', name: OLD, from: 'zpool/incus' },
          ...{ since: '2026-11-27T02:14:00Z', bytes: 24_576, why: 'nuc-1 came back' },
        },
      ]);
      expect(view.silent).toMatchObject([{ member: 'elitedesk-2' }]);
      expect(changingCommands(simulation().journal())).toEqual([]);
    },
    TIMEOUT_MS,
  );

  it(
    'is destroyed by its typed name, and nothing else with it',
    async () => {
      const others = datasets().filter((name) => !name.startsWith(OLD));
      const handle = await release('nuc-1', OLD);
      await asked(handle);
      await expect(decide(handle)).rejects.toThrow();
      await expect(decide(handle, 'nuc-1')).rejects.toThrow();
      await decide(handle, OLD);
      expect((await viewOf(handle)).result).toMatchObject({
        outcome: 'Done',
        summary: 'zpool/incus.old on nuc-1 is destroyed.',
      });
      expect(datasets()).toEqual(others);
      expect((await viewOf(await release('nuc-1', OLD))).result).toMatchObject({ outcome: 'AlreadySo' });
    },
    TIMEOUT_MS,
  );

  it(
    'is destroyed where it is a folder',
    async () => {
      const handle = await release('elitedesk-1', 'runbook-1');
      await asked(handle);
      await decide(handle, 'runbook-1');
      expect((await viewOf(handle)).result).toMatchObject({ outcome: 'Done' });
      const folder = join(simulation().store.root('elitedesk-1'), 'var/lib/runbook/set-aside');
      expect(readdirSync(folder)).toEqual([]);
    },
    TIMEOUT_MS,
  );

  it(
    'is listed and removed where it is an instance, unless somebody has started it again',
    async () => {
      const name = 'instance:dns-old';
      const change = (status: 'Running' | 'Stopped'): Promise<unknown> =>
        simulation().store.update(({ cluster, machines }) => {
          const { 'dns-ct': instance } = cluster.instances;
          const { 'dns-ct': machine } = machines;
          if (instance === undefined || machine === undefined) throw new Error('Expected dns-ct in the simulation.');
          const mark = JSON.stringify({ from: 'dns-ct', at: '2026-11-27T02:14:00Z', why: 'made anew' });
          const config = { ...instance.config, 'user.runbook.kept': mark };
          cluster.instances['dns-old'] = { ...instance, name: 'dns-old', status, config };
          machines['dns-old'] = { ...machine, name: 'dns-old', address: '10.0.0.98' };
        });
      await change('Running');
      expect((await list()).kept).toContainEqual({
        ...{ member: 'nuc-1', kind: 'instance', name, from: 'dns-ct', since: '2026-11-27T02:14:00Z', why: 'made anew' },
      });
      expect((await viewOf(await release('nuc-1', name))).result).toMatchObject({
        ...{ unchanged: true, failure: { message: expect.stringContaining('is Running') as unknown } },
      });
      await change('Stopped');
      const handle = await release('nuc-1', name);
      await asked(handle);
      await decide(handle, name);
      expect((await viewOf(handle)).result).toMatchObject({ outcome: 'Done' });
      expect(Object.keys(simulation().readState().cluster.instances)).not.toContain('dns-old');
    },
    TIMEOUT_MS,
  );

  it.each<[string, string, Record<string, Dataset>, string]>([
    ['what only inherits the mark', `${OLD}/images`, {}, 'was not set aside by runbook'],
    ['replicas', 'tank/replica/edge-data', {}, 'was not set aside by runbook'],
    [
      'what was cloned, is held and is mounted',
      OLD,
      {
        [`${OLD}/images`]: {
          snapshots: { readonly: { creation: 1, clones: ['zpool/incus/containers/x'], holds: 1 } },
          mounted: true,
        },
      },
      'zpool/incus/containers/x is a clone of zpool/incus.old/images@readonly',
    ],
  ])(
    'is refused before it asks: %s',
    async (_, name, changed, why) => {
      await put(changed);
      const before = datasets();
      const { result } = await viewOf(await release('nuc-1', name));
      expect(result).toMatchObject({ outcome: 'Failed', unchanged: true, failure: { type: 'GateRefused' } });
      expect(result?.failure?.message).toContain(why);
      expect(datasets()).toEqual(before);
      expect(changingCommands(simulation().journal())).toEqual([]);
    },
    TIMEOUT_MS,
  );

  it(
    'stays where it was cloned while the question was open',
    async () => {
      const handle = await release('nuc-1', OLD);
      await asked(handle);
      await put({ [`${OLD}/images`]: { snapshots: { readonly: { creation: 1, clones: ['zpool/clone'] } } } });
      await decide(handle, OLD);
      expect((await viewOf(handle)).result).toMatchObject({ outcome: 'Failed', unchanged: true });
      expect(datasets()).toContain(OLD);
    },
    TIMEOUT_MS,
  );
});
