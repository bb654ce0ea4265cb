import { describe, expect, it } from '@jest/globals';
import type { WorkflowHandle } from '@temporalio/client';
import type { Decision, RunView } from '../../plan/run.ts';
import type { nightlyBackup } from '../../workflows/nightly-backup.ts';
import type { restore } from '../../workflows/restore.ts';
import {
  DECIDE_UPDATE,
  TASK_QUEUE,
  VIEW_QUERY,
  workflowId,
  type DecideArgs,
  type RestoreInput,
} from '../../workflows/messages.ts';
import { eventually } from '../hosts/eventually.ts';
import { aSimulatedFleet } from './a-simulated-fleet.ts';
import { viewOf } from './simulated-fleet.ts';

const TIMEOUT_MS = 240_000;
const REPLICA = 'tank/replica/edge-data';
const PLACE = 'zpool/incus/custom/default_edge-data';
const RESTORED = 'as received';

/** What it sets on a volume's dataset, as `zfs get -p` tells it. */
const AS_INCUS = { quota: '21474836480', refquota: '0', reservation: '0', refreservation: '0' };

describe('restore in place over the simulated fleet', () => {
  const { env, simulation } = aSimulatedFleet();

  const begin = (wish: Partial<RestoreInput> = {}): Promise<WorkflowHandle<typeof restore>> =>
    env().client.workflow.start<typeof restore>('restore', {
      taskQueue: TASK_QUEUE,
      workflowId: workflowId('restore', 'edge-data'),
      args: [
        {
          ...{ fleet: { revision: simulation().revision() }, actor: 'tester', planOnly: false },
          ...{ project: 'default', volume: 'edge-data', inPlace: true, ...wish },
        },
      ],
    });
  const decide = async (run: WorkflowHandle<typeof restore>, approved = true): Promise<void> => {
    await eventually('it asks', async () => (await run.query<RunView>(VIEW_QUERY)).approval !== undefined, 60_000);
    const answer = { approved, actor: 'tester', reason: 'test', ...(approved ? { name: 'edge-data' } : {}) };
    await run.executeUpdate<Decision, [DecideArgs]>(DECIDE_UPDATE, { args: [answer] });
  };
  const bring = async (wish: Partial<RestoreInput> = {}): Promise<RunView> => {
    const run = await begin(wish);
    await decide(run);
    return viewOf(run);
  };
  const volume = () => Object.values(simulation().readState().cluster.volumes).find(({ name }) => name === 'edge-data');
  const datasets = () => simulation().readState().machines['elitedesk-1']?.datasets ?? {};
  const guest = (): string | undefined => simulation().readState().cluster.instances['edge-vm']?.status;
  const refusals = ({ gates }: RunView): string[] =>
    gates.filter(({ verdict }) => verdict === 'refused').map(({ name, message }) => `${name}: ${message}`);
  const warnings = ({ gates }: RunView): string[] =>
    gates.filter(({ verdict }) => verdict === 'warning').map(({ name, message }) => `${name}: ${message}`);
  const change = (act: (each: NonNullable<ReturnType<typeof volume>>) => void) =>
    simulation().store.update(({ cluster }) => {
      for (const each of Object.values(cluster.volumes)) if (each.name === 'edge-data') act(each);
    });
  const hoursAgo = (hours: number): string => new Date(Date.now() - hours * 3_600_000).toISOString();
  const recordOf = (createdAt: string) => ({ createdAt, expiresAt: '', content: 'then' });
  const copyOnce = (): Promise<RunView> =>
    env().client.workflow.execute<typeof nightlyBackup>('nightlyBackup', {
      taskQueue: TASK_QUEUE,
      workflowId: workflowId('nightly-backup', 'all'),
      args: [{ fleet: { revision: simulation().revision() }, actor: 'tester', planOnly: false, backup: 'edge-data' }],
    });
  const asBefore = (): void => {
    expect(volume()).toMatchObject({ content: 'written since', config: { size: '20GiB' } });
    expect(Object.keys(volume()?.snapshots ?? {})).toEqual(['mine']);
    const { properties = {} } = volume()?.dataset ?? {};
    expect(properties).toEqual(AS_INCUS);
    expect(guest()).toBe('Running');
    expect(Object.keys(datasets()).filter((name) => name.startsWith('zpool/incus-'))).toEqual([]);
  };
  const written = () =>
    change((each) => {
      each.content = 'written since';
      each.config = { size: '20GiB' };
      each.snapshots['mine'] = recordOf(hoursAgo(2));
      each.dataset = { snapshots: {}, ...each.dataset, properties: { ...AS_INCUS } };
    });

  it(
    'gives the copy the original’s name, keeps what was there, and the next copies go on',
    async () => {
      await written();
      const view = await bring();
      expect(view.result).toMatchObject({ outcome: 'Done' });
      expect(volume()).toMatchObject({ content: RESTORED, config: { size: '20GiB' } });
      expect(volume()?.dataset).toMatchObject({ readonly: false, properties: { ...AS_INCUS, mountpoint: 'legacy' } });
      // What has no data any more is listed no more.
      expect(volume()?.snapshots).toEqual({});
      expect(guest()).toBe('Running');
      const aside = `zpool/incus-edge-data-${view.name}`;
      expect(datasets()[aside]).toMatchObject({
        content: 'written since',
        properties: { 'runbook:kept': view.name, 'runbook:kept-from': PLACE },
      });
      expect(Object.keys(datasets()[aside]?.snapshots ?? {})).toEqual(
        expect.arrayContaining(['snapshot-mine', `snapshot-${view.name}`]),
      );
      expect(view.result?.summary).toContain(`kept as ${aside}`);
      expect(view.result?.next).toEqual([
        expect.objectContaining({ command: `runbook release-kept ${aside} --node elitedesk-1` }),
      ]);
      expect(Object.keys(datasets()).filter((name) => name.includes('custom'))).toEqual([]);
      const night = await copyOnce();
      expect(night.result).toMatchObject({ outcome: 'Done' });
      expect(night.copies).toMatchObject([{ outcome: 'copied', snapshots: 1 }]);
    },
    TIMEOUT_MS,
  );

  it(
    'says in the plan what is stopped, kept, and not copied afterwards; and without a yes changes nothing',
    async () => {
      await written();
      await simulation().store.update(({ machines }) => {
        const replica = machines['nuc-1']?.datasets[REPLICA];
        const creation = Math.floor(Date.now() / 1000) - 30 * 3600;
        if (replica) replica.snapshots['snapshot-older'] = { creation, guid: '1030' };
      });
      const before = simulation().readState();
      const plan = await viewOf(await begin({ planOnly: true, until: hoursAgo(10) }));
      expect(plan.result).toMatchObject({
        outcome: 'Done',
        next: [{ command: expect.stringContaining('--in-place') }],
      });
      expect(warnings(plan)).toEqual([
        'guests: edge-vm is stopped meanwhile',
        `copies: nuc-1 ${REPLICA} has what the restored volume has not: nightly-backup leaves it as it is until you decide`,
      ]);
      expect(plan.steps.filter(({ state }) => state === 'pending').map(({ id }) => id)).toEqual([
        ...['copy', 'ready', 'health-before', 'stop', 'swap', 'start', 'verify', 'settle'],
      ]);
      const run = await begin({ until: hoursAgo(10) });
      await eventually('it asks', async () => (await run.query<RunView>(VIEW_QUERY)).approval !== undefined, 60_000);
      const { approval } = await run.query<RunView>(VIEW_QUERY);
      expect(approval).toMatchObject({ expects: 'edge-data' });
      expect(approval?.consequences.join('\n')).toContain('stays as zpool/incus-edge-data-');
      await decide(run, false);
      expect((await viewOf(run)).result).toMatchObject({ outcome: 'Failed', unchanged: true });
      expect(simulation().readState()).toEqual(before);
    },
    TIMEOUT_MS,
  );

  it(
    'leaves a replica with newer copies as it is, until a person decides',
    async () => {
      await simulation().store.update(({ machines }) => {
        const replica = machines['nuc-1']?.datasets[REPLICA];
        const creation = Math.floor(Date.now() / 1000) - 30 * 3600;
        if (replica) replica.snapshots['snapshot-older'] = { creation, guid: '1030' };
      });
      const view = await bring({ until: hoursAgo(10) });
      expect(view.result).toMatchObject({ outcome: 'Done' });
      expect(view.result?.next[0]?.command).toBe(
        'runbook backups resolve --volume edge-data --target nuc-1 --dataset tank/replica',
      );
      const night = await viewOf({ result: copyOnce });
      expect(night.copies).toMatchObject([{ problem: { type: 'Diverged' } }]);
      expect(Object.keys(simulation().readState().machines['nuc-1']?.datasets[REPLICA]?.snapshots ?? {})).toEqual([
        ...['snapshot-nightly', 'snapshot-older'],
      ]);
    },
    TIMEOUT_MS,
  );

  it.each([
    ['it is set aside', 'zfs', `^rename ${PLACE} `],
    ['guests start', 'incus', '"action":"start"'],
  ])(
    'puts the original back where it fails as %s',
    async (_, tool, args) => {
      await written();
      await simulation().addFault({
        ...{ tool, args, times: 1 },
        effect: { type: 'fail', exitCode: 1, stderr: 'Error: it is not the day for it' },
      });
      const view = await bring();
      expect(view.result).toMatchObject({ outcome: 'RolledBack' });
      expect(view.result?.summary).toContain('edge-data is what it was before.');
      asBefore();
      // What was copied is gone on with.
      const [, until = '', to = ''] =
        /--at (\S+) --to (\S+) --in-place/.exec(view.result?.next[0]?.command ?? '') ?? [];
      const again = await bring({ to, until });
      expect(again.steps.find(({ id }) => id === 'copy')).toMatchObject({ state: 'already' });
      expect(again.result).toMatchObject({ outcome: 'Done' });
      expect(volume()).toMatchObject({ content: RESTORED });
    },
    TIMEOUT_MS,
  );

  it(
    'goes on where it is cut off after any of its steps, also where an earlier restore of that snapshot has left its mark',
    async () => {
      await written();
      const [snapshot] = Object.values(simulation().readState().machines['nuc-1']?.datasets[REPLICA]?.snapshots ?? {});
      await change(({ dataset }) => {
        if (dataset) dataset.properties = { ...dataset.properties, 'runbook:restored': snapshot?.guid ?? '' };
      });
      for (const [tool, args] of [
        ['incus', '"action":"stop"'],
        ['incus', `'POST' .*volumes/custom/edge-data/snapshots`],
        ['zfs', `'rename' '${PLACE}' `],
        ['zfs', `'set' .*runbook:kept=`],
        ['zfs', `'set' .*quota=`],
        ['zfs', `'rename' '${PLACE}-restored`],
        ['incus', '"action":"start"'],
        ['incus', `'DELETE' .*snapshots/mine`],
      ] as const)
        await simulation().addFault({ tool, args, times: 1, when: 'after', effect: { type: 'drop' } });
      const view = await bring();
      expect(view.result).toMatchObject({ outcome: 'Done' });
      const unmet = simulation()
        .readState()
        .faults.filter(({ struck }) => struck !== 1);
      expect(unmet.map(({ args }) => args)).toEqual([]);
      expect(volume()).toMatchObject({ content: RESTORED, snapshots: {} });
      expect(datasets()[`zpool/incus-edge-data-${view.name}`]).toMatchObject({ content: 'written since' });
      expect(guest()).toBe('Running');
    },
    TIMEOUT_MS,
  );

  it(
    'puts the original back where it is cancelled half-way, also where that is cut off',
    async () => {
      await written();
      const rename = `^rename zpool/incus/custom/default_edge-data-restored`;
      const drop = { tool: 'zfs', times: 1, when: 'after', effect: { type: 'drop' } } as const;
      await simulation().addFault({ tool: 'zfs', args: rename, times: 1, effect: { type: 'hang' } });
      await simulation().addFault({ ...drop, args: `'rename' 'zpool/incus-edge-data` });
      await simulation().addFault({ ...drop, args: `'inherit' 'runbook:kept-at'` });
      const run = await begin();
      await decide(run);
      const struck = (): number[] =>
        simulation()
          .readState()
          .faults.map((each) => each.struck);
      await eventually('it is half-way', () => Promise.resolve(struck()[0] === 1), 120_000);
      expect(guest()).toBe('Stopped');
      await run.cancel();
      expect((await viewOf(run)).result).toMatchObject({ outcome: 'RolledBack' });
      expect(struck()).toEqual([1, 1, 1]);
      asBefore();
    },
    TIMEOUT_MS,
  );

  it(
    'keeps what guests have written to the copy where it is taken back',
    async () => {
      await written();
      const fault = await simulation().addFault({
        ...{ tool: 'incus', args: '"action":"start"', times: 1, when: 'after' },
        effect: { type: 'pause' },
      });
      const run = await begin();
      await decide(run);
      await eventually('its guest runs', () => simulation().isPaused(fault), 120_000);
      await change(({ dataset }) => {
        if (dataset) dataset.written = 4096;
      });
      await run.cancel();
      const { name, result } = await viewOf(run);
      expect(result).toMatchObject({ outcome: 'RolledBack' });
      const kept = `zpool/incus-edge-data-${name}-written`;
      expect(datasets()[kept]).toMatchObject({
        ...{ content: RESTORED, written: 4096 },
        properties: { 'runbook:kept': name, 'runbook:kept-from': PLACE },
      });
      expect(result?.left.join()).toContain(kept);
      expect(result?.next.map(({ command }) => command)).toContain(`runbook release-kept ${kept} --node elitedesk-1`);
      expect(volume()).toMatchObject({ content: 'written since' });
      expect(guest()).toBe('Running');
    },
    TIMEOUT_MS,
  );

  it(
    'starts again what it has stopped where another guest does not stop, and says which',
    async () => {
      await written();
      await simulation().store.update(({ cluster }) => {
        const other = cluster.instances['home-vm'];
        if (other) other.devices['edge'] = { type: 'disk', pool: 'zpool', source: 'edge-data', path: '/edge' };
      });
      await simulation().addFault({
        ...{ tool: 'incus', args: '"action":"stop".*home-vm' },
        effect: { type: 'fail', exitCode: 1, stderr: 'Error: context deadline exceeded' },
      });
      const { result } = await bring();
      expect(result).toMatchObject({ outcome: 'RolledBack' });
      expect(result?.summary).toContain('home-vm does not stop');
      asBefore();
    },
    TIMEOUT_MS,
  );

  it(
    'makes anew what is gone altogether, under its name',
    async () => {
      await simulation().store.update(({ cluster }) => {
        for (const [key, each] of Object.entries(cluster.volumes))
          if (each.name === 'edge-data') Reflect.deleteProperty(cluster.volumes, key);
      });
      const view = await viewOf(await begin());
      expect(view.result).toMatchObject({ outcome: 'Done' });
      expect(volume()).toMatchObject({ content: RESTORED, location: 'elitedesk-1' });
    },
    TIMEOUT_MS,
  );

  it(
    'says where it can be made where its member is away',
    async () => {
      await simulation().power('elitedesk-1', 'off');
      const view = await viewOf(await begin());
      expect(refusals(view)[0]).toMatch(/^member: elitedesk-1 cannot take it/);
      expect(view.result?.failure?.whatToDo).toContain('--member NAME --to edge-data');
    },
    TIMEOUT_MS,
  );
});
