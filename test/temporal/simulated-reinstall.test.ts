import { describe, expect, it } from '@jest/globals';
import type { WorkflowHandle } from '@temporalio/client';
import type { Approval, RunView } from '../../plan/run.ts';
import { WORKER } from '../../simulator/core/call.ts';
import { referenceFleetFile } from '../../simulator/reference-fleet.ts';
import { DECIDE_UPDATE, VIEW_QUERY, type DecideArgs } from '../../workflows/messages.ts';
import type { nodeReinstall } from '../../workflows/node-reinstall.ts';
import { buildWorkerProgram } from '../crash/worker-program.ts';
import { eventually } from '../hosts/eventually.ts';
import { answer } from '../replay/record/answer.ts';
import { aSimulatedFleet } from './a-simulated-fleet.ts';
import { startLocalServer, WORKFLOW_BUNDLE } from './environment.ts';
import { installations, startReinstall, withReinstall } from './reinstalling.ts';
import { startSimulatedFleet, viewOf } from './simulated-fleet.ts';
import { machineOf, pauseAt, release } from './simulated-hands.ts';
import { changingCommands } from './simulated-world.ts';

const TIMEOUT_MS = 240_000;
const MEMBER = 'nuc-1';
type Handle = WorkflowHandle<typeof nodeReinstall>;

describe('node-reinstall over the simulated fleet', () => {
  const { env, simulation } = aSimulatedFleet();

  /** Declares how the member is installed, and boots it from an installer. */
  const prepare = async ({ extra = [], hostKey }: { extra?: string[]; hostKey?: string } = {}): Promise<void> => {
    simulation().setFleetFile(withReinstall(referenceFleetFile(), MEMBER, { extra, hostKey }));
    await simulation().bootInstaller(MEMBER, hostKey === undefined ? {} : { hostKey });
  };
  const start = (planOnly = false): Promise<Handle> => startReinstall(env(), simulation(), MEMBER, planOnly);
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
  const yes = async (handle: Handle): Promise<RunView> => {
    await asked(handle);
    await decide(handle, { name: MEMBER });
    return viewOf(handle);
  };
  const refusals = ({ gates }: RunView): string[] =>
    gates.filter(({ verdict }) => verdict === 'refused').map(({ name }) => name);
  const replicas = (): string[] =>
    Object.keys(machineOf(simulation().readState(), MEMBER).datasets).filter((name) => name.startsWith('tank/'));

  it(
    'installs it after a yes with its name, keeps the data pools, and has nothing to do the second time',
    async () => {
      await prepare();
      const handle = await start();
      const approval = await asked(handle);
      expect(approval).toMatchObject({
        question: 'Install nuc-1 anew, and erase /dev/sda?',
        expects: MEMBER,
      });
      const consequences = approval.consequences.join('\n');
      expect(consequences).toMatch(/Erased, for good: \/dev\/sda \(serial SYSTEM-nuc-1, 250 GB: vfat "BOOT"/);
      expect(consequences).toMatch(/Stays: \/dev\/sdb \(.*ZFS "zpool" on \/dev\/sdb1\); \/dev\/sdc \(.*ZFS "tank"/);
      expect(changingCommands(simulation().journal())).toEqual([]);
      await expect(decide(handle)).rejects.toMatchObject({
        cause: { message: expect.stringContaining('waits for a yes with the name nuc-1') as unknown },
      });
      expect(installations(simulation())).toBe(0);
      await decide(handle, { name: MEMBER });
      const { result } = await viewOf(handle);
      expect(result).toMatchObject({
        outcome: 'Done',
        next: [{ command: 'runbook start node-rejoin --node nuc-1' }],
      });
      expect(replicas()).toHaveLength(3);
      expect(machineOf(simulation().readState(), MEMBER)).not.toHaveProperty('installer');
      const again = await viewOf(await start());
      expect(again.result).toMatchObject({ outcome: 'AlreadySo', next: result?.next });
      expect(installations(simulation())).toBe(1);
    },
    TIMEOUT_MS,
  );

  it(
    'deploys what the installed host does not run yet, and plans that without doing it',
    async () => {
      await prepare({ extra: ['--version', '26.05.0'] });
      const { result, steps } = await yes(await start());
      expect(result).toMatchObject({ outcome: 'Done' });
      expect(steps.find(({ id }) => id === 'installed')).toMatchObject({ detail: '26.05.0' });
      expect(steps.find(({ id }) => id === `deploy-${MEMBER}`)).toMatchObject({ state: 'done' });
      const version = release(simulation(), MEMBER);
      const { length } = simulation().journal();
      const planned = await viewOf(await start(true));
      expect(planned.steps.filter(({ state }) => state === 'pending').map(({ title }) => title)).toEqual([
        `${MEMBER} → ${version}`,
      ]);
      expect(changingCommands(simulation().journal().slice(length))).toEqual([]);
      expect((await viewOf(await start())).result).toMatchObject({ outcome: 'Done' });
      expect((await viewOf(await start())).result).toMatchObject({ outcome: 'AlreadySo' });
      expect(installations(simulation())).toBe(1);
    },
    TIMEOUT_MS,
  );

  it(
    'changes nothing on a no, and says what it would erase without asking',
    async () => {
      await prepare();
      const handle = await start();
      await asked(handle);
      await decide(handle, { approved: false, reason: 'not tonight' });
      expect((await viewOf(handle)).result).toMatchObject({
        outcome: 'Failed',
        unchanged: true,
        summary: expect.stringContaining('not approved (Ada: not tonight)') as unknown,
      });
      const { result, warnings } = await viewOf(await start(true));
      expect(result).toMatchObject({ outcome: 'Done', summary: 'Nothing was changed.' });
      expect(warnings).toEqual([expect.stringMatching(/^It would erase \/dev\/sda \(serial SYSTEM-nuc-1/)]);
      expect(changingCommands(simulation().journal())).toEqual([]);
    },
    TIMEOUT_MS,
  );

  it(
    'refuses a layout with a disk of a data pool, also one of replicas, and one with an old label of it',
    async () => {
      await prepare();
      for (const disk of ['ZPOOL-nuc-1', 'TANK-nuc-1']) {
        simulation().setSpec(MEMBER, { disks: { main: `/dev/disk/by-id/ata-${disk}` } });
        const view = await viewOf(await start());
        expect(refusals(view)).toEqual(['pool']);
        expect(view.result).toMatchObject({ outcome: 'Failed', unchanged: true });
      }
      simulation().setSpec(MEMBER, { disks: { main: '/dev/disk/by-id/ata-SYSTEM-nuc-1' } });
      await simulation().store.update((state) => {
        const [system] = machineOf(state, MEMBER).disks ?? [];
        Object.assign(system?.parts?.[1] ?? {}, { oldLabels: ['zpool'] });
      });
      const view = await viewOf(await start());
      expect(refusals(view)).toEqual(['pool']);
      expect(view.gates.find(({ verdict }) => verdict === 'refused')?.message).toContain('Its label is on /dev/sda2.');
      expect(installations(simulation())).toBe(0);
    },
    TIMEOUT_MS,
  );

  it(
    'refuses a member that works, one that is off, and one without a declared command',
    async () => {
      expect(refusals(await viewOf(await start()))).toEqual(['host']);
      await simulation().bootInstaller(MEMBER);
      expect(refusals(await viewOf(await start()))).toEqual(['command']);
      await simulation().power(MEMBER, 'off');
      expect(refusals(await viewOf(await start()))).toEqual(['host', 'command']);
      expect(changingCommands(simulation().journal())).toEqual([]);
    },
    TIMEOUT_MS,
  );

  it(
    'knows an installer by its declared key only, and does not take an installed host for the member by that key',
    async () => {
      await prepare({ hostKey: 'the image' });
      await simulation().store.update((state) => {
        machineOf(state, MEMBER).hostKey = 'somebody else';
      });
      expect(refusals(await viewOf(await start()))).toEqual(['host']);
      await prepare({ hostKey: 'the image', extra: ['--keep-host-key'] });
      const { result } = await yes(await start());
      expect(result).toMatchObject({ outcome: 'Failed', failure: { type: 'Refused' } });
      expect(result?.summary).toContain('It is installed, and has the host key of members.nuc-1.reinstall.hostKey');
      expect(installations(simulation())).toBe(1);
    },
    TIMEOUT_MS,
  );

  it(
    'erases nothing where the disk is another one by the time of the yes',
    async () => {
      await prepare();
      const handle = await start();
      await asked(handle);
      await simulation().store.update((state) => {
        const [system] = machineOf(state, MEMBER).disks ?? [];
        Object.assign(system ?? {}, { sizeBytes: 1_000_000_000_000 });
      });
      await decide(handle, { name: MEMBER });
      const { result } = await viewOf(handle);
      expect(result).toMatchObject({ outcome: 'Failed', unchanged: true });
      expect(result?.summary).toContain('Not installed: it would erase /dev/sda');
      expect(installations(simulation())).toBe(0);
    },
    TIMEOUT_MS,
  );

  it(
    'says what a command said that failed, and goes on when it is started again',
    async () => {
      await prepare();
      await simulation().addFault({
        tool: 'install-member',
        times: 1,
        effect: { type: 'fail', exitCode: 1, stderr: 'no space left on device' },
      });
      const { result } = await yes(await start());
      expect(result).toMatchObject({ outcome: 'Failed', failure: { type: 'InstallFailed' } });
      expect(result?.summary).toContain('ended with 1: no space left on device');
      expect(result?.next).toMatchObject([{ command: 'runbook start node-reinstall --node nuc-1' }]);
      expect((await yes(await start())).result).toMatchObject({ outcome: 'Done' });
    },
    TIMEOUT_MS,
  );
});

describe('node-reinstall whose worker is killed while the command runs', () => {
  it(
    'is gone on with by the next one, which takes up that command and begins no other',
    async () => {
      const env = await startLocalServer();
      const program = await buildWorkerProgram();
      const fleetFile = withReinstall(referenceFleetFile(), MEMBER);
      const fleet = await startSimulatedFleet(env, { worker: false, fleetFile });
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
        await simulation.bootInstaller(MEMBER);
        const pause = await pauseAt(simulation, { machine: WORKER, tool: 'install-member' });
        const handle = await startReinstall(env, simulation, MEMBER);
        await answer(handle, { approved: true, name: MEMBER });
        await pause.reached();
        await worker.sigkill();
        worker = await program.start(order);
        pause.release();
        expect((await viewOf(handle)).result).toMatchObject({ outcome: 'Done' });
        expect(installations(simulation)).toBe(1);
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
