import { describe, expect, it } from '@jest/globals';
import type { RestorableView } from '../../plan/restorable.ts';
import type { RunView } from '../../plan/run.ts';
import type { restore } from '../../workflows/restore.ts';
import type { restorable } from '../../workflows/restorable.ts';
import { RESTORABLE_WORKFLOW, TASK_QUEUE, workflowId, type RestoreInput } from '../../workflows/messages.ts';
import { aSimulatedFleet } from './a-simulated-fleet.ts';
import { viewOf } from './simulated-fleet.ts';
import { inRepository } from './simulated-repository.ts';

const TIMEOUT_MS = 240_000;
const REPLICA = 'tank/replica/edge-data';

describe('restore over the simulated fleet', () => {
  const { env, simulation } = aSimulatedFleet();

  const begin = (wish: Partial<RestoreInput> = {}) =>
    env().client.workflow.start<typeof restore>('restore', {
      taskQueue: TASK_QUEUE,
      workflowId: workflowId('restore', wish.volume ?? 'edge-data'),
      args: [
        {
          ...{ fleet: { revision: simulation().revision() }, actor: 'tester', planOnly: false },
          ...{ project: 'default', volume: 'edge-data', ...wish },
        },
      ],
    });
  const bring = async (wish: Partial<RestoreInput> = {}): Promise<RunView> => viewOf(await begin(wish));
  const volumes = () => Object.values(simulation().readState().cluster.volumes);
  const named = (name: string) => volumes().find((each) => each.name === name);
  const refusals = ({ gates }: RunView): string[] =>
    gates.filter(({ verdict }) => verdict === 'refused').map(({ name, message }) => `${name}: ${message}`);
  const replica = () => simulation().readState().machines['nuc-1']?.datasets[REPLICA];
  const takeMore = async (name: string, hoursAgo: number): Promise<void> => {
    await simulation().store.update(({ machines }) => {
      const dataset = machines['nuc-1']?.datasets[REPLICA];
      const creation = Math.floor(Date.now() / 1000) - hoursAgo * 3600;
      if (dataset) dataset.snapshots[name] = { creation, guid: String(hoursAgo + 1000) };
    });
  };
  const list = (volume?: string): Promise<RestorableView> =>
    env().client.workflow.execute<typeof restorable>(RESTORABLE_WORKFLOW, {
      taskQueue: TASK_QUEUE,
      workflowId: `${RESTORABLE_WORKFLOW}/test`,
      args: [{ fleet: { revision: simulation().revision() }, ...(volume === undefined ? {} : { volume }) }],
    });
  const hoursAgo = (hours: number): string => new Date(Date.now() - hours * 3_600_000).toISOString();

  it(
    'makes a new volume of the newest copy beside the original, configured as that is',
    async () => {
      await takeMore('snapshot-older', 30);
      await simulation().store.update(({ cluster }) => {
        for (const each of Object.values(cluster.volumes))
          if (each.name === 'edge-data') each.config = { size: '20GiB', 'volatile.uuid': 'its own' };
      });
      const view = await bring({ to: 'found' });
      expect(view.result).toMatchObject({ outcome: 'Done' });
      expect(view.result?.summary).toMatch(
        /^edge-data as of .* \(4 h.* old\) is volume found in pool zpool on elitedesk-1/,
      );
      const made = named('found');
      expect(made).toMatchObject({ location: 'elitedesk-1', config: { size: '20GiB' } });
      expect(made?.config).not.toHaveProperty(['volatile.uuid']);
      expect(made?.dataset).toMatchObject({
        readonly: false,
        properties: { mountpoint: 'legacy', canmount: 'noauto' },
      });
      expect(Object.keys(made?.dataset?.snapshots ?? {})).toEqual(['snapshot-nightly']);
      expect(named('edge-data')).toMatchObject({ content: 'as created' });
      // Nothing stays held.
      expect(Object.values(replica()?.snapshots ?? {}).flatMap(({ tags = [] }) => tags)).toEqual([]);
    },
    TIMEOUT_MS,
  );

  it(
    'takes what is not younger than was asked for, and says from when copies are where all are',
    async () => {
      await takeMore('snapshot-older', 30);
      const view = await bring({ until: hoursAgo(10), to: 'older' });
      expect(view.result).toMatchObject({ outcome: 'Done' });
      expect(Object.keys(named('older')?.dataset?.snapshots ?? {})).toEqual(['snapshot-older']);
      const none = await bring({ until: hoursAgo(48) });
      expect(none.result).toMatchObject({ outcome: 'Failed', unchanged: true });
      expect(refusals(none)[0]).toMatch(/^copy: No copy of edge-data is as old as .* begins with /);
    },
    TIMEOUT_MS,
  );

  it(
    'wants to be told where, where the member is gone, and restores there',
    async () => {
      await simulation().power('elitedesk-1', 'off');
      const lost = await bring();
      expect(refusals(lost)[0]).toMatch(/^member: elitedesk-1 cannot take it/);
      expect(lost.result?.failure?.whatToDo).toContain('--member NAME');
      const view = await bring({ member: 'elitedesk-2' });
      expect(view.result).toMatchObject({ outcome: 'Done' });
      const name = `edge-data-restored-${view.name.replace('runbook-', '')}`;
      expect(named(name)).toMatchObject({ location: 'elitedesk-2' });
    },
    TIMEOUT_MS,
  );

  it(
    'only says what it would do when it is planned',
    async () => {
      const before = simulation().readState();
      const plan = await bring({ planOnly: true, to: 'found' });
      expect(plan.result).toMatchObject({
        outcome: 'Done',
        next: [{ command: 'runbook start restore --volume edge-data --to found' }],
      });
      expect(plan.steps.filter(({ state }) => state === 'pending').map(({ id }) => id)).toEqual([
        'copy',
        'recover',
        'verify',
      ]);
      expect(simulation().readState()).toEqual(before);
    },
    TIMEOUT_MS,
  );

  it(
    'touches nothing that is there, and nothing that Incus does not know',
    async () => {
      expect(refusals(await bring({ to: 'edge-data' }))).toEqual(['name: elitedesk-1 has a volume edge-data already.']);
      await simulation().store.update(({ machines }) => {
        const machine = machines['elitedesk-1'];
        if (machine) machine.datasets['zpool/incus/custom/default_by-hand'] = { snapshots: {} };
      });
      expect(refusals(await bring())[0]).toMatch(/^recovery: .*: by-hand\.$/);
      expect(refusals(await bring({ to: 'by-hand' }))[0]).toMatch(/^name: elitedesk-1 has a dataset/);
      expect(volumes().map(({ name }) => name)).toEqual(['edge-data', 'home-data', 'metrics-data']);
    },
    TIMEOUT_MS,
  );

  it(
    'lists what there is to restore from, also where the member is gone, and what does not answer',
    async () => {
      await takeMore('snapshot-older', 30);
      await takeMore('by-hand', 1);
      await simulation().store.update(({ cluster }) => {
        for (const each of Object.values(cluster.volumes))
          if (each.name === 'edge-data')
            each.snapshots['now'] = { createdAt: new Date().toISOString(), expiresAt: '', content: '' };
      });
      const lines = async (): Promise<string[]> =>
        (await list('edge-data')).copies.map(({ kind, place, snapshot }) => `${kind} ${place} ${snapshot}`);
      const replicas = ['replica nuc-1 tank/replica nightly', 'replica nuc-1 tank/replica older'];
      expect(await lines()).toEqual(['source elitedesk-1 zpool now', ...replicas]);
      expect((await list()).copies.map(({ of }) => of)).toContain('metrics-data');
      expect((await list()).copies.filter(({ bytes }) => bytes === undefined)).toEqual([]);
      await simulation().power('elitedesk-1', 'off');
      expect(await lines()).toEqual(replicas);
      expect((await list()).silent.map(({ place }) => place)).toEqual(['elitedesk-1']);
    },
    TIMEOUT_MS,
  );

  it(
    'lists what restic has of paths that are declared, in any order, and of others',
    async () => {
      await inRepository(simulation());
      await simulation().store.update(({ repositories = {} }) => {
        for (const { snapshots } of Object.values(repositories))
          snapshots.push(...snapshots.map((each) => ({ ...each, id: 'b'.repeat(64), paths: ['/srv/old'] })));
      });
      const { copies } = await list();
      expect(
        copies.flatMap(({ kind, of, snapshot, bytes }) =>
          kind === 'restic' ? [`${of} ${snapshot} ${bytes ?? 'unknown'}`] : [],
        ),
      ).toEqual(['/srv/data of edge-vm aaaaaaaa 5', '/srv/old of edge-vm bbbbbbbb 5']);
    },
    TIMEOUT_MS,
  );

  it(
    'sends an encrypted replica as it is, and goes on when its key is loaded',
    async () => {
      const keyOf = (key: 'available' | 'unavailable', machine: string, dataset: string) =>
        simulation().store.update(({ machines }) => {
          const found = machines[machine]?.datasets[dataset];
          if (found) found.key = key;
        });
      await keyOf('unavailable', 'nuc-1', REPLICA);
      const locked = await bring({ to: 'found' });
      expect(locked.result).toMatchObject({ outcome: 'Failed', failure: { type: 'KeyNotLoaded' } });
      expect(locked.result?.summary).toContain('zfs load-key zpool/incus/custom/default_found there');
      expect(named('found')).toBeUndefined();
      await keyOf('available', 'elitedesk-1', 'zpool/incus/custom/default_found');
      expect((await bring({ to: 'found' })).result).toMatchObject({ outcome: 'Done' });
      expect(named('found')).toBeDefined();
    },
    TIMEOUT_MS,
  );

  it(
    'goes on where Incus did not take it in, or where it did and no more: of the same copy, and then no further',
    async () => {
      await simulation().store.update(({ cluster }) => {
        for (const each of Object.values(cluster.volumes))
          if (each.name === 'edge-data') each.config = { size: '20GiB' };
      });
      for (const [name, args] of [
        ['unlisted', 'recover/import'],
        ['listed', 'storage volume edit'],
      ] as const) {
        await simulation().addFault({
          ...{ tool: 'incus', args, times: 1 },
          effect: { type: 'fail', exitCode: 1, stderr: 'Error: it is not the day for it' },
        });
        const first = await bring({ to: name });
        expect(first.result).toMatchObject({ outcome: 'Failed' });
        expect(named(name) !== undefined).toBe(name === 'listed');
        await takeMore(`snapshot-after-${name}`, name === 'listed' ? 2 : 3);
        const [, until] = /--at (\S+)/.exec(first.result?.next[0]?.command ?? '') ?? [];
        expect((await bring({ to: name, ...(until === undefined ? {} : { until }) })).result).toMatchObject({
          outcome: 'Done',
        });
        expect(named(name)).toMatchObject({ config: { size: '20GiB' } });
        // It is somebody's from then on.
        expect(refusals(await bring({ to: name, ...(until === undefined ? {} : { until }) }))).toEqual([
          `name: elitedesk-1 has a volume ${name} already.`,
        ]);
      }
    },
    TIMEOUT_MS,
  );

  it(
    'lets Incus take in no instance of the same name',
    async () => {
      await simulation().store.update(({ machines }) => {
        const machine = machines['elitedesk-1'];
        if (machine) machine.datasets['zpool/incus/containers/found'] = { snapshots: {} };
      });
      expect(refusals(await bring({ to: 'found' }))[0]).toMatch(/^recovery: .*: container found\.$/);
    },
    TIMEOUT_MS,
  );

  it(
    'goes on with what was cut off, by its name',
    async () => {
      await simulation().addFault({
        ...{ tool: '.zfs-sends', args: ' 2$', times: 1 },
        effect: { type: 'fail', exitCode: 1, stderr: 'cannot receive: space quota exceeded' },
      });
      const cut = await bring({ to: 'found' });
      expect(cut.result).toMatchObject({ outcome: 'Failed' });
      expect(cut.result?.next[0]?.command).toContain('--to found');
      const dataset = 'zpool/incus/custom/default_found';
      expect(simulation().readState().machines['elitedesk-1']?.datasets[dataset]?.partial).toBeDefined();
      expect((await bring({ to: 'found' })).result).toMatchObject({ outcome: 'Done' });
    },
    TIMEOUT_MS,
  );
});
