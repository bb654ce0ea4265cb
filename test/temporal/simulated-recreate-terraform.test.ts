import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { WorkflowHandle } from '@temporalio/client';
import type { Approval, RunView } from '../../plan/run.ts';
import { programsOf } from '../../simulator/hosts/processes.ts';
import type { infraApply } from '../../workflows/infra-apply.ts';
import { DECIDE_UPDATE, TASK_QUEUE, VIEW_QUERY, workflowId } from '../../workflows/messages.ts';
import type { vmRecreate } from '../../workflows/vm-recreate.ts';
import { eventually } from '../hosts/eventually.ts';
import { aSimulatedFleet } from './a-simulated-fleet.ts';
import { ADDRESS, addTerraformGuest, declareGuest, holdersOf, instancesOf, TERRAFORM_MEMBER } from './recreating.ts';
import { EDGE, GUEST, keysInGuest } from './rotating.ts';
import { viewOf } from './simulated-fleet.ts';

const TIMEOUT_MS = 240_000;
const OTHER = { incus_network: { lan: { name: 'lan' } } };

interface State {
  serial: number;
  resources: { type: string; name: string; instances: { attributes: object }[] }[];
}

describe('vm-recreate of a guest that Terraform makes', () => {
  const { env, simulation } = aSimulatedFleet();
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'runbook-recreate-terraform-'));
    addTerraformGuest(simulation(), dir);
  });
  afterEach(() => {
    rmSync(dir, { recursive: true, force: true });
  });

  const start = ({ planOnly = false } = {}): Promise<WorkflowHandle<typeof vmRecreate>> =>
    env().client.workflow.start<typeof vmRecreate>('vmRecreate', {
      taskQueue: TASK_QUEUE,
      workflowId: workflowId('vm-recreate', GUEST),
      args: [{ fleet: { revision: simulation().revision() }, actor: 'tester', planOnly, guest: GUEST, keepOld: '7d' }],
    });
  const asked = async (handle: WorkflowHandle): Promise<Approval> => {
    let approval: RunView['approval'];
    await eventually(
      'it asks',
      async () => {
        ({ approval } = await handle.query<RunView>(VIEW_QUERY));
        return approval?.id === 'recreate';
      },
      120_000,
    );
    return approval as Approval;
  };
  const decide = async (handle: WorkflowHandle): Promise<Approval> => {
    const approval = await asked(handle);
    const { plan = '' } = approval;
    await handle.executeUpdate(DECIDE_UPDATE, { args: [{ approved: true, actor: 'ada', reason: 'test', plan }] });
    return approval;
  };
  const stateNow = (): State =>
    JSON.parse(readFileSync(join(dir, 'states', `${TERRAFORM_MEMBER}.tfstate`), 'utf8')) as State;
  const resourcesNow = () => [...stateNow().resources].sort((a, b) => (a.type < b.type ? -1 : 1));
  const instanceIn = (state: State) => state.resources.find(({ type }) => type === 'incus_instance')?.instances[0];
  const planAgain = async (): Promise<RunView> =>
    viewOf(
      await env().client.workflow.start<typeof infraApply>('infraApply', {
        taskQueue: TASK_QUEUE,
        workflowId: workflowId('infra-apply', TERRAFORM_MEMBER),
        args: [
          { fleet: { revision: simulation().revision() }, actor: 'tester', planOnly: true, node: TERRAFORM_MEMBER },
        ],
      }),
    );
  /** Without what Incus itself notes. */
  const ownConfig = (): Record<string, string> =>
    Object.fromEntries(
      Object.entries(simulation().readState().cluster.instances[GUEST]?.config ?? {}).filter(
        ([key]) => !key.startsWith('volatile.'),
      ),
    );
  const left = (): string[] => {
    const folder = join(simulation().dir, '..', 'worker', 'infra');
    return existsSync(folder) ? readdirSync(folder) : [];
  };
  const expectOldBack = async (before: ReturnType<typeof resourcesNow>): Promise<void> => {
    const [instance, ...more] = instancesOf(simulation());
    expect(more).toEqual([]);
    expect(instance).toMatchObject({ name: GUEST, status: 'Running' });
    expect(ownConfig()).toEqual({ 'image.description': 'NixOS 26.05' });
    expect(holdersOf(simulation())).toEqual([GUEST]);
    expect(keysInGuest(simulation())).toEqual([EDGE]);
    expect(resourcesNow()).toEqual(before);
    expect((await planAgain()).result).toMatchObject({ outcome: 'AlreadySo' });
    expect(left()).toEqual([]);
  };

  it(
    'has it made by the plan that was approved, of which nothing is left to do, and keeps the old one',
    async () => {
      const before = stateNow();
      const handle = await start();
      const { consequences, plan = '' } = await asked(handle);
      expect(consequences.join('\n')).toContain(
        `Plan ${plan.slice(0, 8)} of infra/incus/${TERRAFORM_MEMBER} creates it`,
      );
      const no = { approved: true, actor: 'ada', reason: 'without the plan' };
      await expect(handle.executeUpdate(DECIDE_UPDATE, { args: [no] })).rejects.toThrow();
      await decide(handle);
      const view = await viewOf(handle);
      expect(view.result).toMatchObject({ outcome: 'Done' });
      const aside = `${GUEST}-${view.name}`;
      expect(
        instancesOf(simulation())
          .map(({ name, status, location }) => `${name} ${status} ${location}`)
          .sort(),
      ).toEqual([`${GUEST} Running ${TERRAFORM_MEMBER}`, `${aside} Stopped ${TERRAFORM_MEMBER}`]);
      expect(ownConfig()).toEqual({
        'image.description': 'nixos',
        'cloud-init.user-data': '#cloud-config',
      });
      expect(holdersOf(simulation())).toEqual([GUEST]);
      expect(keysInGuest(simulation())).not.toContain(EDGE);
      const after = stateNow();
      expect(after.resources).toHaveLength(before.resources.length);
      expect(instanceIn(after)).not.toEqual(instanceIn(before));
      expect(
        JSON.parse(readFileSync(join(dir, 'backups', TERRAFORM_MEMBER, `${view.name}-1.tfstate`), 'utf8')),
      ).toEqual(before);
      expect(left()).toEqual([]);
      expect((await planAgain()).result).toMatchObject({ outcome: 'AlreadySo' });
    },
    TIMEOUT_MS,
  );

  it(
    'refuses where more than that is to be done, and changes nothing where it only plans',
    async () => {
      const before = resourcesNow();
      expect((await viewOf(await start({ planOnly: true }))).result).toMatchObject({ outcome: 'Done' });
      expect(resourcesNow()).toEqual(before);
      expect(left()).toEqual([]);
      declareGuest(simulation(), { incus_network: { lan: { name: 'lan', ipv4: '10.0.9.1/24' } } });
      const { result } = await viewOf(await start());
      expect(result).toMatchObject({ unchanged: true, failure: { type: 'GateRefused' } });
      expect(result?.failure?.message).toContain('1 to create, 1 to update (update incus_network.lan)');
      declareGuest(simulation(), OTHER);
      await expectOldBack(before);
    },
    TIMEOUT_MS,
  );

  it(
    'gives the old one back, and its address in the state, where forgetting it fails',
    async () => {
      const before = resourcesNow();
      const handle = await start();
      await asked(handle);
      await simulation().addFault({
        ...{ tool: 'terraform', args: 'state rm', skip: 1, when: 'after' },
        effect: { type: 'fail', exitCode: 1, stderr: 'Error: it does not want to' },
      });
      await decide(handle);
      expect((await viewOf(handle)).result).toMatchObject({ outcome: 'RolledBack' });
      await simulation().clearFaults();
      await expectOldBack(before);
    },
    TIMEOUT_MS,
  );

  it(
    'gives the old one back where Terraform is killed when it has made the new one, and leaves alone what others wrote',
    async () => {
      const handle = await start();
      await asked(handle);
      const fault = await simulation().addFault({
        ...{ tool: 'terraform', args: ' apply ', times: 1, when: 'after', effect: { type: 'pause' } },
      });
      await decide(handle);
      await eventually('it has made it', () => simulation().isPaused(fault), 120_000);
      const file = join(dir, 'states', `${TERRAFORM_MEMBER}.tfstate`);
      const state = stateNow();
      const network = { ...state.resources.find(({ type }) => type === 'incus_network'), name: 'wan' };
      writeFileSync(
        file,
        JSON.stringify({ ...state, serial: state.serial + 1, resources: [...state.resources, network] }),
      );
      killTerraform('apply');
      expect((await viewOf(handle)).result).toMatchObject({ outcome: 'RolledBack' });
      expect(resourcesNow().map(({ type, name }) => `${type}.${name}`)).toEqual([
        ADDRESS,
        'incus_network.lan',
        'incus_network.wan',
      ]);
      const [instance, ...more] = instancesOf(simulation());
      expect(more).toEqual([]);
      expect(instance).toMatchObject({ name: GUEST, status: 'Running' });
      expect(holdersOf(simulation())).toEqual([GUEST]);
    },
    TIMEOUT_MS,
  );

  it(
    'lets an apply come to its end where it is cancelled, and takes back what that has made',
    async () => {
      const before = resourcesNow();
      const handle = await start();
      await asked(handle);
      const fault = await simulation().addFault({
        ...{ tool: '.terraform-applies', args: '^create', times: 1, effect: { type: 'pause' } },
      });
      await decide(handle);
      await eventually('it is at work', () => simulation().isPaused(fault), 120_000);
      await handle.cancel();
      simulation().releasePause(fault);
      expect((await viewOf(handle)).result).toMatchObject({ outcome: 'RolledBack', failure: { type: 'Cancelled' } });
      await expectOldBack(before);
    },
    TIMEOUT_MS,
  );

  const killTerraform = (verb: string): void => {
    const found = programsOf(simulation().dir, 'worker').filter(
      ({ command }) => command.includes('terraform -chdir') && command.includes(` ${verb} `),
    );
    expect(found).toHaveLength(1);
    for (const { pid } of found) process.kill(pid, 'SIGKILL');
  };
});
