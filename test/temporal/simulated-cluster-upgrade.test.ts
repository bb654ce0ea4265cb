import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { WorkflowHandle } from '@temporalio/client';
import { readlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { RunView } from '../../plan/run.ts';
import { WORKER } from '../../simulator/core/call.ts';
import type { Simulation } from '../../simulator/create.ts';
import { programsOf } from '../../simulator/hosts/processes.ts';
import { memberStatus } from '../../simulator/incus/view.ts';
import { replaceLink } from '../../simulator/nix/profile.ts';
import { DECIDE_UPDATE, TASK_QUEUE, VIEW_QUERY, workflowId } from '../../workflows/messages.ts';
import type { clusterUpgrade } from '../../workflows/cluster-upgrade.ts';
import { eventually } from '../hosts/eventually.ts';
import { aServer } from './a-simulated-fleet.ts';
import { startSimulatedFleet, viewOf, type SimulatedFleet } from './simulated-fleet.ts';
import { healthOf, pauseAt, release, releaseForNextBoot, snapshotsOf } from './simulated-hands.ts';
import { changingCommands, systemOf, worldOf } from './simulated-world.ts';

const TIMEOUT_MS = 360_000;
const MEMBERS = ['elitedesk-1', 'elitedesk-2', 'nuc-1'];
const GUESTS = ['dns-ct', 'edge-vm', 'home-vm', 'metrics-vm'];
const NEW = '7.0.2';

type Handle = WorkflowHandle<typeof clusterUpgrade>;

describe('cluster-upgrade over the simulated fleet', () => {
  const env = aServer();
  let fleet: SimulatedFleet;
  let simulation: Simulation;

  async function fresh(): Promise<void> {
    fleet = await startSimulatedFleet(env());
    ({ simulation } = fleet);
  }
  async function end(): Promise<void> {
    const unknown = simulation.unknown();
    await fleet.dispose();
    expect(unknown).toEqual([]);
  }

  const start = ({ planOnly } = { planOnly: false }): Promise<Handle> =>
    env().client.workflow.start<typeof clusterUpgrade>('clusterUpgrade', {
      taskQueue: TASK_QUEUE,
      workflowId: workflowId('cluster-upgrade', 'all'),
      args: [{ fleet: { revision: simulation.revision() }, actor: 'tester', planOnly }],
    });
  const releaseAll = (incus: string): string[] => MEMBERS.map((member) => release(simulation, member, { incus }));
  const question = async (handle: Handle): Promise<RunView['approval']> => {
    let approval: RunView['approval'];
    await eventually(
      'the question',
      async () => {
        ({ approval } = await handle.query<RunView>(VIEW_QUERY));
        return approval !== undefined;
      },
      // A member that waits for the others answers nobody: each look at it takes its time-out.
      180_000,
    );
    return approval;
  };
  const decide = async (handle: Handle, approved: boolean): Promise<void> => {
    await question(handle);
    await handle.executeUpdate(DECIDE_UPDATE, { args: [{ approved, actor: 'Ada', reason: 'because' }] });
  };

  /** Everything that a person would look at when it is over. */
  function expectUpgraded(released: readonly string[]): void {
    const state = simulation.readState();
    for (const [index, member] of MEMBERS.entries()) {
      const version = released[index];
      expect(systemOf(simulation, member)).toMatchObject({ profile: version, running: version, bootDefault: version });
      expect(memberStatus(state, member).status).toBe('Online');
      expect(state.cluster.members[member]?.version).toBe(NEW);
      expect(state.machines[member]?.units['incus.service']?.active).toBe('active');
    }
    for (const guest of GUESTS) expect(healthOf(simulation, guest)).toBe(200);
  }

  describe('before anything is changed', () => {
    beforeAll(fresh, 60_000);
    afterAll(end, 60_000);
    afterEach(async () => {
      await simulation.power('nuc-1', 'on');
      for (const member of MEMBERS) simulation.setSpec(member, { version: '26.05.1', incus: '6.0.4' });
    });

    /** Runs one that has to leave everything as it is. */
    async function unchanged(drive: (handle: Handle) => Promise<void> = () => Promise.resolve()): Promise<RunView> {
      const before = worldOf(simulation);
      const { length } = simulation.journal();
      const handle = await start();
      await drive(handle);
      const view = await viewOf(handle);
      expect(changingCommands(simulation.journal().slice(length))).toEqual([]);
      expect(worldOf(simulation)).toEqual(before);
      return view;
    }

    // First, while the systems are those of the fleet's beginning.
    it(
      'has nothing to do where the systems are there',
      async () => {
        expect((await unchanged()).result).toMatchObject({
          outcome: 'AlreadySo',
          summary: 'Incus is 6.0.4 everywhere.',
        });
      },
      TIMEOUT_MS,
    );

    it.each<[string, () => void | Promise<void>, RegExp]>([
      [
        'a downgrade',
        () => void releaseAll('6.0.3'),
        /bring Incus 6\.0\.3, a member runs 6\.0\.4.*older Incus cannot read/,
      ],
      [
        'systems of several versions',
        () => {
          releaseAll(NEW);
          release(simulation, 'nuc-1', { incus: '7.0.1' });
        },
        /not all bring one and the same Incus version: elitedesk-1 7\.0\.2, elitedesk-2 7\.0\.2, nuc-1 7\.0\.1/,
      ],
      ['new systems without another Incus', () => void releaseAll('6.0.4'), /Incus is 6\.0\.4 on every member already/],
      [
        'a member that is away',
        async () => {
          releaseAll(NEW);
          await simulation.power('nuc-1', 'off');
        },
        /nuc-1 did not tell its Incus version/,
      ],
    ])(
      'refuses %s',
      async (_, prepare, message) => {
        await prepare();
        const { result } = await unchanged();
        expect(result).toMatchObject({ outcome: 'Failed', failure: { type: 'GateRefused' } });
        expect(result?.failure?.message).toMatch(message);
        expect(result?.failure?.whatToDo).not.toBe('');
      },
      TIMEOUT_MS,
    );

    it(
      'plans with snapshots, versions and what restarts, and asks nobody',
      async () => {
        releaseAll(NEW);
        const before = MEMBERS.map((member) => systemOf(simulation, member));
        const { result, steps, warnings, decisions } = await viewOf(await start({ planOnly: true }));
        expect(result).toMatchObject({ outcome: 'Done', summary: 'Nothing was changed.' });
        expect(decisions).toEqual([]);
        expect(warnings).toEqual([expect.stringMatching(/^One-way: .*It asks before it begins\.$/)]);
        const ahead = steps.filter(({ state }) => state === 'pending');
        expect(ahead.map(({ phase }) => phase)).toEqual(['snapshot', 'deploy', 'deploy', 'deploy', 'verify']);
        for (const guest of GUESTS) expect(ahead[0]?.title).toContain(guest);
        expect(ahead[0]?.detail).toMatch(/^kept \d+ days?$/);
        expect(ahead[1]?.title).toBe('elitedesk-1: Incus 6.0.4 → 7.0.2');
        expect(ahead[1]?.detail).toMatch(/restarts .*incus\.service/);
        expect(MEMBERS.map((member) => systemOf(simulation, member))).toEqual(before);
      },
      TIMEOUT_MS,
    );

    it(
      'asks first and tells what a yes means; a no changes nothing',
      async () => {
        releaseAll(NEW);
        const { result } = await unchanged(async (handle) => {
          expect(await question(handle)).toMatchObject({
            id: 'one-way',
            question: 'Upgrade Incus 6.0.4 → 7.0.2 on all 3 members at once?',
            consequences: expect.arrayContaining([expect.stringMatching(/no way back/)]) as unknown,
          });
          await decide(handle, false);
        });
        expect(result).toMatchObject({
          outcome: 'Failed',
          unchanged: true,
          failure: { type: 'NotApproved' },
          summary: expect.stringMatching(/not approved \(Ada: because\)\. Nothing was changed\./) as unknown,
        });
      },
      TIMEOUT_MS,
    );
  });

  describe('once it is approved', () => {
    beforeEach(fresh, 60_000);
    afterEach(end, 60_000);

    it(
      'upgrades all members at once, without a way back for one alone',
      async () => {
        const released = releaseAll(NEW);
        const handle = await start();
        await decide(handle, true);
        const { result, name } = await viewOf(handle);
        expect(result).toMatchObject({ outcome: 'Done', summary: 'Incus is 7.0.2 on all 3 members.' });
        expect(result?.left).toEqual([expect.stringMatching(new RegExp(`^Snapshots ${name} of .* are kept until `))]);
        expectUpgraded(released);
        for (const guest of GUESTS) expect(snapshotsOf(simulation, guest)).toEqual([name]);
        const deploys = simulation.journal().filter(({ tool }) => tool === 'deploy');
        // All have begun before the first has ended: one alone would wait for the others for ever.
        expect(deploys.map(({ phase }) => phase)).toEqual(['before', 'before', 'before', 'after', 'after', 'after']);
        for (const { args } of deploys) expect(args.join(' ')).toMatch(/--magic-rollback false --auto-rollback false/);
      },
      TIMEOUT_MS,
    );

    it(
      'restarts a member whose database patch failed, until all are Online',
      async () => {
        await simulation.store.update(({ cluster }) =>
          Object.assign(cluster.members['elitedesk-2'] ?? {}, { failingPatches: 1 }),
        );
        const released = releaseAll(NEW);
        const handle = await start();
        await decide(handle, true);
        const { result, steps } = await viewOf(handle);
        expect(result).toMatchObject({ outcome: 'Done' });
        expectUpgraded(released);
        const details = Object.fromEntries(steps.map(({ id, detail }) => [id, detail]));
        expect(details['incus-elitedesk-2']).toBe('after 1 restart');
        expect(details['incus-nuc-1']).toBeUndefined();
      },
      TIMEOUT_MS,
    );

    it(
      'restarts the Incus that an interrupted activation did not come to',
      async () => {
        const released = MEMBERS.map((member) =>
          member === 'elitedesk-2'
            ? releaseForNextBoot(simulation, member, { incus: NEW })
            : release(simulation, member, { incus: NEW }),
        );
        // What an activation leaves that was killed after it had turned this link.
        const root = simulation.store.root('elitedesk-2');
        replaceLink(join(root, 'run/current-system'), readlinkSync(join(root, 'boot/default')));
        const handle = await start();
        await decide(handle, true);
        const { result, steps } = await viewOf(handle);
        expect(result).toMatchObject({ outcome: 'Done' });
        expectUpgraded(released);
        const details = Object.fromEntries(steps.map(({ id, detail }) => [id, detail]));
        expect(details['incus-elitedesk-2']).toBe('after 1 restart');
      },
      TIMEOUT_MS,
    );

    it(
      'says so where an activation failed and the new system runs all the same',
      async () => {
        const released = releaseAll(NEW).slice(0, 2);
        released.push(release(simulation, 'nuc-1', { incus: NEW, activation: { exitCode: 1 } }));
        const handle = await start();
        await decide(handle, true);
        const { result, warnings } = await viewOf(handle);
        expect(result).toMatchObject({ outcome: 'Done' });
        expectUpgraded(released);
        expect(warnings).toEqual([expect.stringMatching(/^nuc-1 has its new system, but its activation failed: /)]);
      },
      TIMEOUT_MS,
    );

    it(
      'goes on when it is started again after it was ended half-way',
      async () => {
        const released = releaseAll(NEW);
        const pause = await pauseAt(simulation, { machine: WORKER, tool: 'nix', args: '^copy .*10\\.0\\.0\\.13' });
        const first = await start();
        await decide(first, true);
        await pause.reached();
        const waits = (member: string): boolean =>
          simulation.readState().machines[member]?.units['incus.service']?.active === 'activating';
        await eventually('the others wait for nuc-1', () => waits('elitedesk-1') && waits('elitedesk-2'), 60_000);
        await first.terminate('a test');
        // What is left of it for nuc-1 dies with the worker's machine.
        for (const { pid, command } of programsOf(simulation.dir, WORKER))
          if (command.includes('nuc-1') || command.includes('10.0.0.13')) process.kill(pid, 'SIGKILL');
        const again = await start();
        await decide(again, true);
        const { result } = await viewOf(again);
        expect(result).toMatchObject({ outcome: 'Done', summary: 'Incus is 7.0.2 on all 3 members.' });
        expectUpgraded(released);
      },
      TIMEOUT_MS,
    );

    it(
      'tells what is wrong where one member stays behind, and goes on when that is mended',
      async () => {
        const released = releaseAll(NEW);
        const stderr = 'error: cannot copy: No space left on device';
        await simulation.addFault({
          machine: WORKER,
          tool: 'nix',
          args: '^copy .*10\\.0\\.0\\.13',
          effect: { type: 'fail', exitCode: 1, stderr },
        });
        const first = await start();
        await decide(first, true);
        await eventually(
          'the deployment of nuc-1 has failed',
          async () =>
            (await first.query<RunView>(VIEW_QUERY)).steps.some(
              ({ id, state }) => id === 'deploy-nuc-1' && state === 'failed',
            ),
          90_000,
        );
        const { steps } = await first.query<RunView>(VIEW_QUERY);
        expect(steps.find(({ id }) => id === 'deploy-nuc-1')?.detail).toMatch(/could not be copied to nuc-1/);
        await eventually(
          'nobody is waited for any more',
          async () =>
            (await first.query<RunView>(VIEW_QUERY)).steps
              .filter(({ id }) => id.startsWith('incus-'))
              .every(({ state }) => state === 'failed'),
          30_000,
        );
        await first.terminate('a test: the others would wait ten minutes for their activations');
        await simulation.clearFaults();
        const again = await start();
        await decide(again, true);
        expect((await viewOf(again)).result).toMatchObject({ outcome: 'Done' });
        expectUpgraded(released);
      },
      TIMEOUT_MS,
    );
  });
});
