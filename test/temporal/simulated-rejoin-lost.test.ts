import { describe, expect, it } from '@jest/globals';
import type { Approval, CopyView, RunView } from '../../plan/run.ts';
import { TASK_QUEUE, VIEW_QUERY, workflowId } from '../../workflows/messages.ts';
import type { nightlyBackup } from '../../workflows/nightly-backup.ts';
import { buildWorkerProgram } from '../crash/worker-program.ts';
import { eventually } from '../hosts/eventually.ts';
import { answer } from '../replay/record/answer.ts';
import { aSimulatedFleet } from './a-simulated-fleet.ts';
import { copiedTonight } from './copied-tonight.ts';
import { IMAGE, loseAll, startRejoin, type Rejoin } from './losing-disks.ts';
import { startLocalServer, WORKFLOW_BUNDLE } from './environment.ts';
import { startSimulatedFleet, viewOf } from './simulated-fleet.ts';
import { pauseAt } from './simulated-hands.ts';
import { inRepository } from './simulated-repository.ts';
import { changingCommands } from './simulated-world.ts';

/** Several runs in each test. */
const TIMEOUT_MS = 360_000;
const MEMBER = 'elitedesk-1';

describe('node-rejoin over the simulated fleet, where the disks are lost', () => {
  const { env, simulation } = aSimulatedFleet();

  const start = (planOnly = false, member = MEMBER): Promise<Rejoin> =>
    startRejoin(env(), simulation(), member, planOnly);
  const yes = async (member = MEMBER): Promise<RunView> => {
    const handle = await start(false, member);
    await answer(handle, { approved: true, name: member });
    return viewOf(handle);
  };
  const question = async (handle: Rejoin): Promise<Approval> => {
    let approval: Approval | undefined;
    await eventually(
      'it asks',
      async () => (approval = (await handle.query<RunView>(VIEW_QUERY)).approval) !== undefined,
      120_000,
    );
    return approval as Approval;
  };
  const backUp = async (): Promise<RunView> =>
    viewOf(
      await env().client.workflow.start<typeof nightlyBackup>('nightlyBackup', {
        taskQueue: TASK_QUEUE,
        workflowId: workflowId('nightly-backup', 'all'),
        args: [{ fleet: { revision: simulation().revision() }, actor: 'tester', planOnly: false }],
      }),
    );
  const copiesOf = ({ copies }: RunView): Pick<CopyView, 'volume' | 'outcome' | 'snapshots'>[] =>
    (copies ?? [])
      .map(({ volume, outcome, snapshots }) => ({ volume, outcome, ...(snapshots === undefined ? {} : { snapshots }) }))
      .toSorted((a, b) => (a.volume < b.volume ? -1 : 1));
  const volumes = () =>
    Object.values(simulation().readState().cluster.volumes)
      .filter(({ location }) => location === MEMBER)
      .toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const instance = (name: string) => simulation().readState().cluster.instances[name];
  const replicas = () => simulation().readState().machines['nuc-1']?.datasets ?? {};
  const forgetReplica = (volume: string) =>
    simulation().store.update(({ machines }) => {
      Reflect.deleteProperty(machines['nuc-1']?.datasets ?? {}, `tank/replica/${volume}`);
    });

  it(
    'shows what comes back, receives it, makes the guests anew, and the next backup is an increment',
    async () => {
      await loseAll(simulation(), MEMBER);
      const plan = await viewOf(await start(true));
      expect(plan.result).toMatchObject({ outcome: 'Done' });
      expect(plan.steps.filter(({ state }) => state === 'pending').map(({ id }) => id)).toEqual([
        ...['remember', 'forget', 'join', 'online', 'follow'],
        ...['receive-zpool-edge-data', 'take-in-zpool-edge-data'],
        ...['receive-zpool-home-data', 'take-in-zpool-home-data'],
        ...['remind', 'remake-edge-vm', 'remake-home-vm', 'notes', 'instances', 'health'],
      ]);
      const size = /of \d{4}-\d\d-\d\d \d\d:\d\d UTC, 4 h.* old, 0\.0 GB, from nuc-1 tank\/replica\/edge-data/;
      expect(plan.gates.map(({ message }) => message).join('\n')).toMatch(size);
      expect(changingCommands(simulation().journal())).toEqual([]);

      const handle = await start();
      const { consequences } = await question(handle);
      expect(consequences.join('\n')).toMatch(size);
      expect(consequences).toContain(
        'Made anew of their images, without what was on their own disks: edge-vm; home-vm.',
      );
      await answer(handle, { approved: true, name: MEMBER });
      const { result } = await viewOf(handle);
      expect(result).toMatchObject({ outcome: 'Done' });
      expect(result?.summary).toMatch(
        /^elitedesk-1 is back in its cluster, Online and healthy, .* after its host was seen to answer by ssh\.$/,
      );
      expect(result?.left).toEqual([
        'edge-vm is of its image: what was on its own disk is lost.',
        'home-vm is of its image: what was on its own disk is lost.',
      ]);
      expect(volumes()).toMatchObject(
        ['edge-data', 'home-data'].map((name) => ({
          ...{ name, project: 'default', pool: 'zpool' },
          config: { size: '20GiB', 'volatile.idmap.last': `of ${name}` },
          dataset: { readonly: false, snapshots: { 'snapshot-nightly': expect.anything() } },
        })),
      );
      expect(instance('edge-vm')).toMatchObject({
        ...{ location: MEMBER, type: 'virtual-machine', status: 'Running' },
        config: {
          'user.note': 'of edge-vm',
          'volatile.base_image': IMAGE,
          'volatile.eth0.hwaddr': '00:16:3e:00:00:01',
        },
        devices: { 'edge-data': { source: 'edge-data' } },
      });
      expect(instance('edge-vm')?.config).not.toHaveProperty(['volatile.uuid']);
      // Groups are the cluster's knowledge, too.
      expect(simulation().readState().cluster.groups['desktops']?.members).toContain(MEMBER);

      const backup = await backUp();
      expect(backup.result).toMatchObject({ outcome: 'Done' });
      // One increment on top of what is there, and no new whole copy.
      expect(copiesOf(backup)).toEqual(
        ['edge-data', 'home-data', 'metrics-data'].map((volume) => ({ volume, outcome: 'copied', snapshots: 1 })),
      );
      expect(Object.keys(replicas()['tank/replica/edge-data']?.snapshots ?? {})).toEqual([
        'snapshot-nightly',
        `snapshot-${backup.name.replace('runbook-', 'backup-')}`,
      ]);
      expect((await viewOf(await start())).result).toMatchObject({ outcome: 'AlreadySo' });
    },
    TIMEOUT_MS,
  );

  it(
    'names what is lost before it is approved, and goes on with it when there is something in its place',
    async () => {
      await loseAll(simulation(), MEMBER);
      await forgetReplica('home-data');
      const handle = await start();
      const { consequences } = await question(handle);
      expect(consequences).toEqual(
        expect.arrayContaining([
          'Not made anew: home-vm (it has 1 volume that does not come back: zpool/home-data).',
          'LOST for good, no copy is known: zpool/home-data.',
        ]),
      );
      await answer(handle, { approved: true, name: MEMBER });
      const { result } = await viewOf(handle);
      expect(result).toMatchObject({
        outcome: 'Done',
        summary: expect.stringContaining('healthy as far as its guests are back') as unknown,
        left: expect.arrayContaining(['lost: volume zpool/home-data, no copy of it is known']) as unknown,
      });
      expect(result?.next.map(({ command }) => command)).toEqual([
        'incus storage volume create zpool home-data --target elitedesk-1',
        'runbook start node-rejoin --node elitedesk-1',
        'runbook start safe-upgrade --node edge-vm',
        'runbook report node-rejoin/elitedesk-1',
        'runbook status',
      ]);
      expect([instance('edge-vm')?.status, instance('home-vm')]).toEqual(['Running', undefined]);
      const again = (await viewOf(await start())).result;
      expect(again).toMatchObject({ outcome: 'AlreadySo' });
      expect(again?.left).toHaveLength(2);

      await simulation().store.update(({ cluster }) => {
        const [edge] = volumes().filter(({ name }) => name === 'edge-data');
        if (edge)
          cluster.volumes['by hand'] = {
            ...{ ...edge, name: 'home-data', content: 'new', snapshots: {}, config: {} },
            dataset: { snapshots: {}, mounted: true },
          };
      });
      expect((await viewOf(await start())).result).toMatchObject({ outcome: 'Done' });
      expect(instance('home-vm')).toMatchObject({ status: 'Running', config: { 'user.note': 'of home-vm' } });
      expect((await viewOf(await start())).result).toMatchObject({ outcome: 'AlreadySo', left: [] });
    },
    TIMEOUT_MS,
  );

  it(
    'lists what only restic has, with the command, and guests whose image nobody else has',
    async () => {
      await inRepository(simulation());
      await loseAll(simulation(), MEMBER);
      await forgetReplica('edge-data');
      await simulation().store.update(({ cluster }) => {
        cluster.images = { [IMAGE]: { type: 'virtual-machine', members: [MEMBER] } };
      });
      const { result } = await yes();
      expect(result).toMatchObject({ outcome: 'Done' });
      expect(result?.left).toEqual([
        'not back: edge-vm, since it has 1 volume that does not come back: zpool/edge-data',
        'not back: home-vm, since no other member has the image that it was made of',
        'not back: volume zpool/edge-data, of which restic has files',
      ]);
      expect(result?.next.map(({ command }) => command)).toContain(
        'runbook start restore --from restic --backup to-restic',
      );
      expect(volumes().map(({ name }) => name)).toEqual(['home-data']);
    },
    TIMEOUT_MS,
  );

  it(
    'is a target of replicas again: gone with the disk, they are sent whole, and nothing has diverged',
    async () => {
      await copiedTonight(simulation());
      expect((await backUp()).result).toMatchObject({ outcome: 'Done' });
      await loseAll(simulation(), 'nuc-1');
      expect((await yes('nuc-1')).result).toMatchObject({ outcome: 'Done' });
      const backup = await backUp();
      expect(backup.result).toMatchObject({ outcome: 'Done', left: [] });
      expect(copiesOf(backup).map(({ volume, outcome }) => [volume, outcome])).toEqual(
        ['edge-data', 'home-data', 'metrics-data'].map((volume) => [volume, 'copied']),
      );
      // What they have is of their sources, up to the newest; one bookmark each of what both sides have.
      for (const { name, snapshots } of Object.values(simulation().readState().cluster.volumes)) {
        const names = Object.keys(snapshots).map((each) => `snapshot-${each}`);
        const copied = Object.keys(replicas()[`tank/replica/${name}`]?.snapshots ?? {});
        expect(copied).toContain(names.at(-1));
        expect(copied.filter((each) => !names.includes(each))).toEqual([]);
      }
      const marks = Object.values(simulation().readState().cluster.volumes).map(
        ({ dataset }) => Object.keys(dataset?.bookmarks ?? {}).length,
      );
      expect(marks).toEqual([1, 1, 1]);
      expect(copiesOf(await backUp())).toEqual(
        ['edge-data', 'home-data', 'metrics-data'].map((volume) => ({ volume, outcome: 'copied', snapshots: 1 })),
      );
    },
    TIMEOUT_MS,
  );

  it(
    'waits for another that is away, and goes on when it is back',
    async () => {
      await loseAll(simulation(), MEMBER);
      await simulation().power('elitedesk-2', 'off');
      expect((await viewOf(await start(true))).result).toMatchObject({ outcome: 'Failed', unchanged: true });
      const handle = await start();
      await eventually(
        'it waits',
        async () => (await handle.query<RunView>(VIEW_QUERY)).steps.some(({ id }) => id === 'others'),
        120_000,
      );
      const { warnings } = await handle.query<RunView>(VIEW_QUERY);
      expect(warnings).toEqual([
        expect.stringMatching(/^The cluster has no quorum: .*\. It waits at most 10 min for that to change\.$/),
      ]);
      await simulation().power('elitedesk-2', 'on');
      await answer(handle, { approved: true, name: MEMBER });
      expect((await viewOf(handle)).result).toMatchObject({ outcome: 'Done' });
    },
    TIMEOUT_MS,
  );
});

describe('node-rejoin whose worker is killed in the middle of what a lost disk had', () => {
  it(
    'is gone on with by the next one: a transfer, a recovery, and an instance that is made',
    async () => {
      const member = 'elitedesk-2';
      const env = await startLocalServer();
      const program = await buildWorkerProgram();
      const fleet = await startSimulatedFleet(env, { worker: false });
      const { simulation } = fleet;
      const order = {
        address: env.address,
        namespace: env.namespace ?? 'default',
        codePath: WORKFLOW_BUNDLE.codePath,
        repo: simulation.repoDir,
        stateDir: fleet.stateDir,
        path: `${simulation.binDir}:${process.env['PATH'] ?? ''}`,
      };
      let worker = await program.start(order);
      try {
        await loseAll(simulation, member);
        const at = (tool: string, args: string, machine = member) => pauseAt(simulation, { machine, tool, args });
        const pauses = [
          await at('zfs', '^receive '),
          await at('incus', 'recover/import'),
          await at('incus', '^storage volume edit', 'elitedesk-1'),
          await at('incus', '^init '),
        ];
        const handle = await startRejoin(env, simulation, member);
        await answer(handle, { approved: true, name: member });
        for (const pause of pauses) {
          await pause.reached();
          await worker.sigkill();
          worker = await program.start(order);
          pause.release();
        }
        expect((await viewOf(handle)).result).toMatchObject({ outcome: 'Done' });
        const { cluster, machines } = simulation.readState();
        const here = Object.values(cluster.volumes).filter(({ location }) => location === member);
        expect(here).toMatchObject([{ name: 'metrics-data', config: { 'volatile.idmap.last': 'of metrics-data' } }]);
        expect(cluster.instances['metrics-vm']).toMatchObject({ status: 'Running', location: member });
        // Nothing stays held.
        const held = Object.values(machines['nuc-1']?.datasets ?? {}).flatMap(({ snapshots }) =>
          Object.values(snapshots).flatMap(({ tags = [] }) => tags),
        );
        expect(held).toEqual([]);
        expect(simulation.unknown()).toEqual([]);
      } finally {
        await worker.sigkill();
        await fleet.dispose();
        await program.remove();
        await env.teardown();
      }
    },
    TIMEOUT_MS,
  );
});
