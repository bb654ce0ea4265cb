import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RunView } from '../../plan/run.ts';
import type { Simulation } from '../../simulator/create.ts';
import { hostKeyOf } from '../../simulator/core/host-key.ts';
import type { State } from '../../simulator/core/state.ts';
import { referenceFleetFile } from '../../simulator/reference-fleet.ts';
import type { SafeUpgradeInput } from '../../workflows/messages.ts';
import { eventually } from '../hosts/eventually.ts';
import { startLocalServer } from './environment.ts';
import { startSimulatedFleet, type SimulatedFleet } from './simulated-fleet.ts';
import { changingCommands, worldOf } from './simulated-world.ts';

const TIMEOUT_MS = 120_000;

describe('the gates of safe-upgrade over the simulated fleet', () => {
  let env: TestWorkflowEnvironment;
  let fleet: SimulatedFleet;
  let simulation: Simulation;
  beforeAll(async () => {
    env = await startLocalServer();
    fleet = await startSimulatedFleet(env);
    ({ simulation } = fleet);
  }, 60_000);
  afterEach(async () => {
    for (const member of ['elitedesk-1', 'elitedesk-2', 'nuc-1']) await simulation.power(member, 'on');
  });
  afterAll(async () => {
    expect(simulation.unknown()).toEqual([]);
    await fleet.dispose();
    await env.teardown();
  }, 60_000);

  /** Starts an upgrade that has to end without having changed anything. */
  async function unchanged(node: string, input: Partial<SafeUpgradeInput> = {}): Promise<RunView> {
    const before = worldOf(simulation);
    const { length } = simulation.journal();
    const view = await fleet.upgrade(node, input);
    expect(changingCommands(simulation.journal().slice(length))).toEqual([]);
    expect(worldOf(simulation)).toEqual(before);
    return view;
  }

  /** As above; answers with what the refusing gate said, which is what the run failed with. */
  async function refusal(gate: string, node: string, input: Partial<SafeUpgradeInput> = {}): Promise<string> {
    const { result, gates } = await unchanged(node, input);
    expect(result).toMatchObject({ outcome: 'Failed', failure: { type: 'GateRefused' } });
    const found = gates.find(({ name, verdict }) => name === gate && verdict === 'refused');
    expect(result?.failure?.message).toContain(found?.message ?? `a refusal of gate ${gate}`);
    expect(result?.failure?.whatToDo).toContain(found?.whatToDo ?? 'a remedy');
    return `${found?.message ?? ''} ${found?.whatToDo ?? ''}`;
  }

  /** Changes the state for as long as `work` takes. */
  async function during<T>(change: (state: State) => void, work: () => Promise<T>): Promise<T> {
    const former = simulation.readState();
    await simulation.store.update(change);
    try {
      return await work();
    } finally {
      await simulation.store.update((state) => {
        Object.assign(state, structuredClone(former));
      });
    }
  }

  const withFleetFile = (change: (text: string) => string): Partial<SafeUpgradeInput> => ({
    fleet: { revision: simulation.setFleetFile(change(referenceFleetFile())) },
  });
  const policy = (line: string) => (text: string) => text.replace('  upgrade:\n', `  upgrade:\n    ${line}\n`);

  it(
    'refuses while a member is away, and says how to go on without it',
    async () => {
      await simulation.power('elitedesk-2', 'off');
      expect(await refusal('members', 'nuc-1')).toMatch(/elitedesk-2 is Offline.*--allow-offline elitedesk-2/);
      const { result, warnings } = await unchanged('nuc-1', { planOnly: true, allowOffline: ['elitedesk-2'] });
      expect(result).toMatchObject({ outcome: 'AlreadySo' });
      expect(warnings).toEqual([expect.stringMatching(/elitedesk-2 is Offline.*Allowed/)]);
    },
    TIMEOUT_MS,
  );

  it(
    'does not go on without the member itself',
    async () => {
      await simulation.power('nuc-1', 'cut off');
      expect(await refusal('members', 'nuc-1', { allowOffline: ['nuc-1'] })).toMatch(/nuc-1 is Offline/);
    },
    TIMEOUT_MS,
  );

  it(
    'refuses where members run different versions, and names the runbook for that',
    async () => {
      const said = await during(
        ({ cluster }) => Object.assign(cluster.members['elitedesk-2'] ?? {}, { version: '6.0.5' }),
        () => refusal('members', 'nuc-1'),
      );
      expect(said).toMatch(/elitedesk-1 is Blocked \(Needs updating to newer version\).*runbook start cluster-upgrade/);
    },
    TIMEOUT_MS,
  );

  it(
    'refuses a system that brings another Incus, and names the runbook for that',
    async () => {
      simulation.setSpec('nuc-1', { version: '26.05.2', incus: '6.0.5' });
      expect(await refusal('incus version', 'nuc-1')).toMatch(/6\.0\.5, the cluster runs 6\.0\.4.*cluster-upgrade/);
      simulation.setSpec('nuc-1', { version: '26.05.1', incus: '6.0.4' });
    },
    TIMEOUT_MS,
  );

  it(
    'refuses where a machine cannot be read',
    async () => {
      const said = await during(
        ({ cluster }) => Object.assign(cluster.instances['metrics-vm'] ?? {}, { status: 'Stopped' }),
        () => refusal('systems', 'elitedesk-2'),
      );
      expect(said).toMatch(/metrics-vm is Stopped.*on elitedesk-2: incus start metrics-vm.*--allow-offline metrics-vm/);
    },
    TIMEOUT_MS,
  );

  it(
    'leaves out a guest that is meant to be off',
    async () => {
      const { result, warnings } = await during(
        ({ cluster }) => Object.assign(cluster.instances['metrics-vm'] ?? {}, { status: 'Stopped' }),
        () => unchanged('elitedesk-2', { planOnly: true, allowOffline: ['metrics-vm'] }),
      );
      expect(result).toMatchObject({ outcome: 'AlreadySo' });
      expect(warnings).toEqual([expect.stringMatching(/^metrics-vm is Stopped, and left as it is/)]);
    },
    TIMEOUT_MS,
  );

  it(
    'refuses where deploy-rs cannot log in, though commands run inside',
    async () => {
      simulation.setSpec('edge-vm', { version: '26.05.8' });
      const key = (machine: string): string => `ssh: { hostKey: ${hostKeyOf(machine)} }`;
      const another = withFleetFile((text) => text.replace(key('edge-vm'), key('nuc-1')));
      expect(await refusal('login', 'edge-vm', another)).toMatch(
        /deploy-rs cannot log in to edge-vm .*: root@10\.0\.0\.21: its host key is not the one .*correct ssh\.hostKey/,
      );
      simulation.setFleetFile(referenceFleetFile());
      simulation.setSpec('edge-vm', { version: '26.05.1' });
    },
    TIMEOUT_MS,
  );

  it(
    'refuses while somebody else activates a system',
    async () => {
      const revision = simulation.revision();
      simulation.setSpec('elitedesk-2', { version: '26.05.2' });
      const pause = await simulation.addFault({
        machine: 'elitedesk-2',
        tool: 'switch-to-configuration',
        args: 'switch',
        times: 1,
        effect: { type: 'pause' },
      });
      const client = spawn(
        join(simulation.binDir, 'deploy'),
        [
          '--skip-checks',
          '--hostname',
          '10.0.0.12',
          '--ssh-opts',
          '-o StrictHostKeyChecking=no',
          '--magic-rollback',
          'false',
          `${simulation.repoDir}#elitedesk-2`,
        ],
        { stdio: 'ignore' },
      );
      const ended = new Promise((resolve) => client.once('exit', resolve));
      await eventually('the activation is under way', () => simulation.isPaused(pause), 30_000);
      expect(await refusal('activations', 'elitedesk-2', { fleet: { revision } })).toMatch(
        /Another activation runs on elitedesk-2: .*Wait until it has ended/,
      );
      simulation.releasePause(pause);
      expect(await ended).toBe(0);
    },
    TIMEOUT_MS,
  );

  it(
    'refuses a guest that is not where the fleet file says',
    async () => {
      const moved = withFleetFile((text) =>
        text.replace('  edge-vm:\n    member: elitedesk-1', '  edge-vm:\n    member: nuc-1'),
      );
      expect(await refusal('placement', 'edge-vm', moved)).toMatch(
        /edge-vm is not an instance .* on nuc-1.*runbook\.yaml/,
      );
    },
    TIMEOUT_MS,
  );

  it(
    'refuses on a degraded pool, and on one with too little space',
    async () => {
      const pool =
        (change: object) =>
        ({ cluster }: State) =>
          Object.assign(cluster.pools['zpool']?.['nuc-1'] ?? {}, change);
      const degraded = await during(pool({ health: 'DEGRADED' }), () => refusal('pool', 'nuc-1'));
      expect(degraded).toMatch(/Pool zpool is DEGRADED.*zpool status/);
      const full = await during(pool({ usedBytes: 450 * 2 ** 30 }), () => refusal('pool', 'nuc-1'));
      expect(full).toMatch(/has 2 % free, the policy asks for 10 %.*Free space/);
    },
    TIMEOUT_MS,
  );

  it(
    'refuses without a young backup; with policy warn it only says so',
    async () => {
      const replicas = (state: State) => state.machines['nuc-1']?.datasets ?? {};
      const old = (state: State): void => {
        const creation = Math.floor(Date.now() / 1000) - 27 * 3600;
        replicas(state)['tank/replica/edge-data'] = { snapshots: { nightly: { creation } } };
      };
      expect(await during(old, () => refusal('backup', 'edge-vm'))).toMatch(
        /newest backup of edge-data \(edge-vm\) at nuc-1 tank\/replica is 1 d 3 h old, the policy allows 26h/,
      );
      const missing = (state: State): void => {
        delete replicas(state)['tank/replica/edge-data'];
      };
      expect(await during(missing, () => refusal('backup', 'edge-vm'))).toMatch(
        /No backup of edge-data \(edge-vm\) was seen/,
      );
      const warned = await during(missing, () =>
        unchanged('edge-vm', { planOnly: true, ...withFleetFile(policy('backup: warn')) }),
      );
      expect(warned.result).toMatchObject({ outcome: 'Done' });
      expect(warned.warnings).toEqual([expect.stringMatching(/No backup of edge-data/)]);
    },
    TIMEOUT_MS,
  );

  it(
    'refuses where clocks disagree',
    async () => {
      const said = await during(
        ({ machines }) => Object.assign(machines['elitedesk-2'] ?? {}, { clockOffsetMs: 60_000 }),
        () => refusal('clocks', 'nuc-1'),
      );
      expect(said).toMatch(
        /clock of elitedesk-2 differs from the worker's by (59|60)\.\d s, the policy allows 5s.*timedatectl/,
      );
    },
    TIMEOUT_MS,
  );

  it(
    'refuses to upgrade the node of the orchestrator without the flag, where that is declared',
    async () => {
      const declared = withFleetFile((text) => `${text}orchestrator: { guest: edge-vm }\n`);
      expect(await refusal('orchestrator', 'elitedesk-1', declared)).toMatch(
        /The orchestrator runs on edge-vm .*--allow-orchestrator/,
      );
      const allowed = await unchanged('edge-vm', { ...declared, planOnly: true, allowOrchestrator: true });
      expect(allowed.result).toMatchObject({ outcome: 'Done' });
      expect(allowed.warnings).toEqual([expect.stringMatching(/orchestrator runs on edge-vm.*Allowed/)]);
      expect((await unchanged('nuc-1', { ...declared, planOnly: true })).result?.outcome).toBe('AlreadySo');
    },
    TIMEOUT_MS,
  );

  it(
    'knows this very machine by its machine id',
    async () => {
      const path = join(simulation.store.root('nuc-1'), 'etc/machine-id');
      const own = readFileSync(path);
      writeFileSync(path, readFileSync('/etc/machine-id'));
      expect(await refusal('orchestrator', 'nuc-1')).toMatch(/This worker runs on nuc-1 itself.*--allow-orchestrator/);
      writeFileSync(path, own);
    },
    TIMEOUT_MS,
  );

  it(
    'refuses a reboot that the policy forbids',
    async () => {
      simulation.setSpec('nuc-1', { kernel: '6.12.9' });
      const never = withFleetFile((text) => text.replace('reboot: automatic', 'reboot: never'));
      expect(await refusal('reboot', 'nuc-1', never)).toMatch(
        /nuc-1 needs a reboot .*policies\.upgrade\.reboot is never/,
      );
      simulation.setSpec('nuc-1', { kernel: '6.12.1' });
    },
    TIMEOUT_MS,
  );

  it(
    'says all that is wrong at once',
    async () => {
      const { gates } = await during(
        ({ machines, cluster }) => {
          Object.assign(machines['elitedesk-2'] ?? {}, { clockOffsetMs: 60_000 });
          Object.assign(cluster.pools['zpool']?.['nuc-1'] ?? {}, { health: 'DEGRADED' });
        },
        () => unchanged('nuc-1'),
      );
      expect(gates.filter(({ verdict }) => verdict === 'refused').map(({ name }) => name)).toEqual(['pool', 'clocks']);
    },
    TIMEOUT_MS,
  );

  it.each([
    ['a name that nobody has', 'elitdesk-1', {}, /elitdesk-1.*elitedesk-1/s],
    [
      'a revision that nobody has',
      'nuc-1',
      { fleet: { revision: '0'.repeat(40) } },
      /does not have commit 0{40}.*Push it/s,
    ],
  ] as const)(
    'refuses %s',
    async (_, node, input, message) => {
      const { result } = await unchanged(node, input);
      expect(result).toMatchObject({ outcome: 'Failed', failure: { type: 'BadConfig' } });
      expect(result?.failure?.message).toMatch(message);
    },
    TIMEOUT_MS,
  );

  it(
    'shows where the fleet file of that revision is broken',
    async () => {
      const broken = withFleetFile((text) => text.replace('member: nuc-1', 'member: nuc-7'));
      simulation.setFleetFile(referenceFleetFile());
      const { result } = await unchanged('nuc-1', broken);
      expect(result).toMatchObject({ outcome: 'Failed', failure: { type: 'BadConfig' } });
      expect(result?.failure?.message).toMatch(/runbook\.yaml:\d+:\d+.*nuc-7/s);
    },
    TIMEOUT_MS,
  );

  it(
    'says that there is no quorum where incus answers nobody',
    async () => {
      await simulation.power('elitedesk-1', 'off');
      await simulation.power('elitedesk-2', 'off');
      expect(await refusal('members', 'nuc-1')).toMatch(/no quorum.*More than half/s);
    },
    2 * TIMEOUT_MS,
  );

  it(
    'lets through what is well, and that does change something',
    async () => {
      simulation.setSpec('nuc-1', { version: '26.05.9' });
      const { length } = simulation.journal();
      const before = worldOf(simulation);
      const { result } = await fleet.upgrade('nuc-1');
      expect(result).toMatchObject({ outcome: 'Done' });
      const commands = changingCommands(simulation.journal().slice(length));
      for (const verb of [
        / deploy /,
        /activate-rs activate/,
        /switch-to-configuration switch/,
        /nix copy/,
        /incus query -X POST .*snapshots/,
      ])
        expect(commands).toContainEqual(expect.stringMatching(verb));
      expect(worldOf(simulation)).not.toEqual(before);
    },
    TIMEOUT_MS,
  );
});
