import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { WorkflowHandle } from '@temporalio/client';
import type { Approval, RunView } from '../../plan/run.ts';
import { programsOf } from '../../simulator/hosts/processes.ts';
import { referenceFleetFile } from '../../simulator/reference-fleet.ts';
import type { infraApply } from '../../workflows/infra-apply.ts';
import type { infraApplyAll } from '../../workflows/infra-apply-all.ts';
import { DECIDE_UPDATE, TASK_QUEUE, VIEW_QUERY, workflowId, type DecideArgs } from '../../workflows/messages.ts';
import { eventually } from '../hosts/eventually.ts';
import { aSimulatedFleet } from './a-simulated-fleet.ts';
import { viewOf } from './simulated-fleet.ts';

const TIMEOUT_MS = 120_000;
const NODE = 'nuc-1';
const EDGE = { image: 'images:nixos', name: 'edge-vm' };

describe('infra-apply over the simulated fleet', () => {
  const { env, simulation } = aSimulatedFleet();
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'runbook-infra-'));
    simulation().setFleetFile(fleetFile({ type: 'local', dir: join(dir, 'states') }));
  });
  afterEach(() => {
    rmSync(dir, { recursive: true, force: true });
  });

  const fleetFile = (state: object, more: object = {}): string => {
    const infra = { state, stateBackups: { dir: join(dir, 'backups'), keep: 2 }, lockTimeout: '1s', ...more };
    return `${referenceFleetFile()}\ninfra: ${JSON.stringify(infra)}\n`;
  };
  const declare = (
    resource: object,
    { node = NODE, ...more }: { node?: string; terraform?: object; variable?: object } = {},
  ): string => simulation().setFile(`infra/incus/${node}/main.tf.json`, JSON.stringify({ resource, ...more }));
  const start = (planOnly = false): Promise<WorkflowHandle<typeof infraApply>> =>
    env().client.workflow.start<typeof infraApply>('infraApply', {
      taskQueue: TASK_QUEUE,
      workflowId: workflowId('infra-apply', NODE),
      args: [{ fleet: { revision: simulation().revision() }, actor: 'tester', planOnly, node: NODE }],
    });
  const asked = async (handle: { query: WorkflowHandle['query'] }, id = 'plan-1'): Promise<Approval> => {
    let approval: RunView['approval'];
    await eventually(
      `it asks ${id}`,
      async () => {
        ({ approval } = await handle.query<RunView>(VIEW_QUERY));
        return approval?.id === id;
      },
      60_000,
    );
    return approval as Approval;
  };
  const decide = (handle: WorkflowHandle, args: Partial<DecideArgs>): Promise<unknown> =>
    handle.executeUpdate(DECIDE_UPDATE, { args: [{ approved: true, actor: 'Ada', reason: 'so be it', ...args }] });
  /** Says yes to what it asks, whatever that is. */
  const agree = async (handle: WorkflowHandle, id?: string): Promise<Approval> => {
    const approval = await asked(handle, id);
    const { plan = '', names } = approval;
    await decide(handle, { plan, ...(names === undefined ? {} : { names }) });
    return approval;
  };
  const apply = async (): Promise<RunView> => {
    const handle = await start();
    await agree(handle);
    return viewOf(handle);
  };
  const resources = (node = NODE): string[] => {
    const state = JSON.parse(readFileSync(join(dir, 'states', `${node}.tfstate`), 'utf8')) as {
      resources: { type: string; name: string }[];
    };
    return state.resources.map(({ type, name }) => `${type}.${name}`).sort();
  };
  const applies = (): string[] =>
    simulation()
      .journal()
      .filter(({ tool, phase, args }) => tool === '.terraform-applies' && phase === 'before' && args[0] !== 'plan')
      .map(({ args }) => args.join(' '));

  it(
    'applies what was approved, by its hash, and finds it so the second time',
    async () => {
      declare({ incus_instance: { edge: EDGE }, incus_network: { lan: { ipv4: '10.0.1.1/24' } } });
      const handle = await start();
      const { plan = '', question, consequences } = await asked(handle);
      expect(question).toBe(`Apply plan ${plan.slice(0, 8)} to ${NODE}: 2 to create?`);
      expect(consequences[0]).toBe(
        'create incus_instance.edge: image "images:nixos", name "edge-vm", id known after apply',
      );
      for (const wrong of [{}, { plan: '' }, { plan: 'abc' }, { plan: `${plan.slice(0, 7)}x` }])
        await expect(decide(handle, wrong)).rejects.toMatchObject({
          cause: {
            message: expect.stringContaining(`waits for a decision on plan ${plan.slice(0, 8)} (--plan)`) as unknown,
          },
        });
      expect(applies()).toEqual([]);
      await decide(handle, { plan: plan.slice(0, 8) });
      const { result, steps, decisions } = await viewOf(handle);
      expect(result).toMatchObject({
        outcome: 'Done',
        summary: 'nuc-1 is as infra/incus/nuc-1 says, as Ada approved.',
      });
      expect(decisions).toMatchObject([{ approved: true, actor: 'Ada', reason: 'so be it', plan }]);
      expect(steps.map(({ id, state }) => `${id} ${state}`)).toEqual([
        'scope done',
        'init done',
        'plan-1 done',
        'back-up-1 not needed',
        'change-incus_instance.edge done',
        'change-incus_network.lan done',
        'apply-1 done',
        'verify-1 done',
        'end done',
      ]);
      expect(resources()).toEqual(['incus_instance.edge', 'incus_network.lan']);
      expect((await viewOf(await start())).result).toMatchObject({ outcome: 'AlreadySo' });
      // A second answer to what is decided is too late.
      await expect(decide(handle, { plan })).rejects.toThrow();
    },
    TIMEOUT_MS,
  );

  it(
    'only plans: nothing is asked, changed or left',
    async () => {
      declare({ incus_instance: { edge: EDGE } });
      const { result, steps } = await viewOf(await start(true));
      expect(result).toMatchObject({
        outcome: 'Done',
        summary: expect.stringMatching(/^Plan [0-9a-f]{8}: 1 to create\. Nothing/) as unknown,
      });
      expect(steps.find(({ id }) => id === 'change-incus_instance.edge')).toMatchObject({
        ...{ state: 'pending', phase: 'apply', title: 'create incus_instance.edge' },
      });
      expect(applies()).toEqual([]);
      expect(left()).toEqual([]);
    },
    TIMEOUT_MS,
  );

  it(
    'changes nothing where it is rejected, and where nobody answers, of which it reminds',
    async () => {
      declare({ incus_instance: { edge: EDGE } });
      const handle = await start();
      await asked(handle);
      await decide(handle, { approved: false, reason: 'not today' });
      expect((await viewOf(handle)).result).toMatchObject({
        ...{ outcome: 'Failed', unchanged: true, failure: { type: 'NotApproved' } },
        summary: expect.stringMatching(
          /^Plan [0-9a-f]{8} was not approved \(Ada: not today\)\. Nothing was changed\.$/,
        ) as unknown,
      });
      const policy = { approvalTimeout: '3s', remindEvery: '1s' };
      simulation().setFleetFile(fleetFile({ type: 'local', dir: join(dir, 'states') }, policy));
      const silent = await start();
      await asked(silent);
      await eventually(
        'it has reminded',
        async () => ((await silent.query<RunView>(VIEW_QUERY)).approval?.reminders ?? 0) > 0,
        20_000,
      );
      const { result, decisions } = await viewOf(silent);
      expect(result).toMatchObject({ unchanged: true, failure: { type: 'NotApproved' } });
      expect(decisions).toMatchObject([{ actor: 'nobody', plan: expect.any(String) as unknown }]);
      expect(applies()).toEqual([]);
      expect(left()).toEqual([]);
    },
    TIMEOUT_MS,
  );

  it(
    'plans again and asks again where the state has changed since: the answer to the old plan does not count',
    async () => {
      declare({ incus_instance: { edge: EDGE } });
      await apply();
      declare({ incus_instance: { edge: { ...EDGE, cpu: 2 } } });
      const handle = await start();
      const first = await asked(handle);
      const file = join(dir, 'states', `${NODE}.tfstate`);
      const state = JSON.parse(readFileSync(file, 'utf8')) as { serial: number };
      writeFileSync(file, JSON.stringify({ ...state, serial: state.serial + 1 }));
      await decide(handle, { plan: first.plan ?? '' });
      const second = await asked(handle, 'plan-2');
      expect(second.plan).not.toBe(first.plan);
      await expect(decide(handle, { plan: first.plan ?? '' })).rejects.toThrow();
      await decide(handle, { plan: second.plan ?? '' });
      const { result, warnings, decisions } = await viewOf(handle);
      expect(result).toMatchObject({ outcome: 'Done' });
      expect(warnings).toEqual(['It was planned again: the state has changed since.']);
      expect(decisions.map(({ plan }) => plan)).toEqual([first.plan, second.plan]);
      expect(applies()).toEqual(['create incus_instance.edge', 'update incus_instance.edge']);
    },
    TIMEOUT_MS,
  );

  it(
    'replaces and deletes what holds data only where the yes names it, and what the fleet file protects',
    async () => {
      simulation().setFleetFile(fleetFile({ type: 'local', dir: join(dir, 'states') }, { protect: ['incus_network'] }));
      const network = { incus_network: { lan: { ipv4: '10.0.1.1/24' } } };
      declare({ ...network, incus_instance: { edge: EDGE }, incus_profile: { small: { cpu: 1 } } });
      await apply();
      declare({ incus_instance: { edge: { ...EDGE, image: 'images:debian' } } });
      const handle = await start();
      const { names = [], consequences, plan = '' } = await asked(handle);
      expect(names).toEqual(['incus_instance.edge', 'incus_network.lan']);
      expect(consequences).toEqual(
        expect.arrayContaining([
          expect.stringMatching(
            /^replace incus_instance\.edge: it cannot be changed in place: image "images:nixos" → "images:debian" \(forces it\)/,
          ),
          'delete incus_network.lan: it is not declared any more',
          'What is in incus_instance.edge, incus_network.lan is lost.',
        ]),
      );
      for (const wrong of [{}, { name: names[0] ?? '' }, { names: [names[0] ?? '', 'incus_network.wan'] }])
        await expect(decide(handle, { plan, ...wrong })).rejects.toMatchObject({
          cause: {
            message: expect.stringContaining(
              'waits for a yes with the names incus_instance.edge, incus_network.lan',
            ) as unknown,
          },
        });
      await decide(handle, { plan, names });
      expect((await viewOf(handle)).result).toMatchObject({ outcome: 'Done' });
      expect(resources()).toEqual(['incus_instance.edge']);
    },
    TIMEOUT_MS,
  );

  it(
    'finds out what a killed Terraform has done, takes away the lock that it left, and asks for the rest',
    async () => {
      const backend = { terraform: { backend: { s3: { key: NODE } } } };
      simulation().setFleetFile(fleetFile({ type: 'backend' }));
      declare({ incus_instance: { edge: EDGE }, incus_network: { lan: {} } }, backend);
      const pause = { tool: '.terraform-applies', times: 1, effect: { type: 'pause' } } as const;
      const planning = await simulation().addFault({ ...pause, args: '^plan$' });
      const handle = await start();
      await paused(planning);
      killTerraform('plan');
      const applying = await simulation().addFault({ ...pause, args: 'create incus_network.lan' });
      await agree(handle);
      await paused(applying);
      killTerraform('apply');
      const { question } = await agree(handle, 'plan-2');
      expect(question).toContain('1 to create');
      const { result, warnings } = await viewOf(handle);
      expect(result).toMatchObject({ outcome: 'Done' });
      expect(warnings).toEqual([expect.stringMatching(/^It was planned again: Terraform was ended from outside/)]);
      expect(unlocks()).toHaveLength(2);
    },
    TIMEOUT_MS,
  );

  it(
    'never says that nothing was changed once an apply was ended half-way',
    async () => {
      declare({ incus_instance: { edge: EDGE }, incus_network: { lan: {} } });
      const handle = await start();
      const applying = await simulation().addFault({
        ...{ tool: '.terraform-applies', times: 1, effect: { type: 'pause' } },
        args: 'create incus_network.lan',
      });
      await agree(handle);
      await paused(applying);
      killTerraform('apply');
      await asked(handle, 'plan-2');
      await decide(handle, { approved: false, reason: 'let us look first' });
      const { result } = await viewOf(handle);
      expect(result).toMatchObject({ outcome: 'Failed', failure: { type: 'NotApproved' } });
      expect(result?.summary).toMatch(/^The plan was not applied to its end\. Plan [0-9a-f]{8} was not approved/);
      expect(result).not.toHaveProperty('unchanged');
    },
    TIMEOUT_MS,
  );

  it(
    'leaves a lock alone that somebody else has, and says whose it is',
    async () => {
      simulation().setFleetFile(fleetFile({ type: 'backend' }));
      declare({ incus_instance: { edge: EDGE } }, { terraform: { backend: { s3: { key: NODE } } } });
      mkdirSync(join(simulation().dir, 'backends'));
      const lock = { ID: '1-2-3', Operation: 'OperationTypeApply', Who: 'grace@laptop', Path: 'x' };
      writeFileSync(
        join(simulation().dir, 'backends', `.${NODE}.lock.info`),
        JSON.stringify({ ...lock, Created: '2026-11-28 02:14:00.123456789 +0000 UTC', pid: 1 }),
      );
      const { result } = await viewOf(await start());
      expect(result).toMatchObject({ outcome: 'Failed', unchanged: true, failure: { type: 'StateLocked' } });
      expect(result?.failure?.message).toBe(
        "The state of nuc-1 is locked by grace@laptop (OperationTypeApply, since 2026-11-28T02:14:00.123Z); the lock's id is 1-2-3.",
      );
      expect(unlocks()).toEqual([]);
    },
    TIMEOUT_MS,
  );

  it(
    'says what is done and what is not where a resource fails, without what was run for it',
    async () => {
      const provisioner = [{ 'local-exec': { command: 'deploy --password hunter2; exit 7' } }];
      declare({ incus_network: { lan: {} }, terraform_data: { bad: { provisioner } } });
      const { result, steps } = await apply();
      expect(result).toMatchObject({
        outcome: 'Failed',
        summary:
          'The plan was not applied to its end. terraform_data.bad: local-exec provisioner error (exit status 7).',
        failure: { type: 'TerraformFailed' },
        left: ['done, and it stays: incus_network.lan'],
      });
      expect(steps.find(({ id }) => id === 'change-incus_network.lan')).toMatchObject({ state: 'done' });
      expect(steps.find(({ id }) => id === 'change-terraform_data.bad')).toMatchObject({ state: 'not needed' });
      declare({ incus_network: { lan: {} }, terraform_data: { bad: {} } });
      expect((await apply()).result).toMatchObject({ outcome: 'Done' });
    },
    TIMEOUT_MS,
  );

  it(
    'keeps secrets on the worker, in files of its owner; copies of the state are kept, and old ones go',
    async () => {
      const environmentFile = join(dir, 'environment');
      writeFileSync(environmentFile, 'TF_VAR_secret=hunter2\n', { mode: 0o600 });
      simulation().setFleetFile(fleetFile({ type: 'local', dir: join(dir, 'states') }, { environmentFile }));
      const variable = { variable: { secret: { sensitive: true } } };
      const handles: WorkflowHandle[] = [];
      for (const number of [1, 2, 3, 4]) {
        declare({ incus_instance: { edge: { ...EDGE, cpu: number, note: '${var.secret}' } } }, variable);
        const handle = await start();
        const { consequences } = await agree(handle);
        if (number === 1) expect(consequences[0]).toContain('note (sensitive)');
        expect((await viewOf(handle)).result).toMatchObject({ outcome: 'Done' });
        handles.push(handle);
      }
      for (const handle of handles)
        expect(JSON.stringify(await handle.fetchHistory())).not.toContain(base64Of('hunter2'));
      expect(JSON.stringify(simulation().journal())).not.toContain('hunter2');
      const state = join(dir, 'states', `${NODE}.tfstate`);
      expect(readFileSync(state, 'utf8')).toContain('hunter2');
      const kept = readdirSync(join(dir, 'backups', NODE)).map((name) => join(dir, 'backups', NODE, name));
      expect(kept).toHaveLength(2);
      for (const file of [state, ...kept]) expect(statSync(file).mode & 0o777).toBe(0o600);
      expect(left()).toEqual([]);
    },
    TIMEOUT_MS,
  );

  it(
    'goes through every member that has a folder, each asked for by itself; a no to one is no no to the next',
    async () => {
      declare({ incus_instance: { edge: EDGE } });
      declare({ incus_network: { lan: {} } }, { node: 'elitedesk-1' });
      const all = (planOnly: boolean): Promise<WorkflowHandle<typeof infraApplyAll>> =>
        env().client.workflow.start<typeof infraApplyAll>('infraApplyAll', {
          taskQueue: TASK_QUEUE,
          workflowId: workflowId('infra-apply', 'all'),
          args: [{ fleet: { revision: simulation().revision() }, actor: 'tester', planOnly }],
        });
      const planned = await viewOf(await all(true));
      expect(planned.result).toMatchObject({ outcome: 'Done' });
      expect(
        planned.steps.filter(({ phase }) => phase === 'apply').map(({ member, title }) => `${member ?? ''} ${title}`),
      ).toEqual(['elitedesk-1 create incus_network.lan', 'nuc-1 create incus_instance.edge']);
      const handle = await all(false);
      const first = env().client.workflow.getHandle(workflowId('infra-apply', 'elitedesk-1'));
      await askedOnce(first);
      await decide(first, { approved: false, reason: 'not that one' });
      const second = env().client.workflow.getHandle(workflowId('infra-apply', NODE));
      await askedOnce(second);
      await agree(second);
      expect((await viewOf(handle)).result).toMatchObject({
        ...{ outcome: 'Failed', summary: 'Not as declared: elitedesk-1.' },
        left: [expect.stringContaining('elitedesk-1: Plan ')],
      });
      expect(resources()).toEqual(['incus_instance.edge']);
    },
    TIMEOUT_MS,
  );

  it(
    'refuses a folder without files of Terraform, which would be a plan to destroy everything',
    async () => {
      simulation().setFile(`infra/incus/${NODE}/README.md`, 'nothing here');
      expect((await viewOf(await start())).result).toMatchObject({
        ...{ outcome: 'Failed', unchanged: true, failure: { type: 'BadConfig' } },
        summary: expect.stringContaining('Expected files of Terraform (*.tf) in infra/incus/nuc-1') as unknown,
      });
    },
    TIMEOUT_MS,
  );

  /** What the worker still has of runs. */
  const left = (): string[] => {
    const folder = join(simulation().dir, '..', 'worker', 'infra');
    return existsSync(folder) ? readdirSync(folder) : [];
  };
  /** A child of another run may not be there yet. */
  const askedOnce = (handle: WorkflowHandle): Promise<void> =>
    eventually(
      `${handle.workflowId} asks`,
      () =>
        handle.query<RunView>(VIEW_QUERY).then(
          ({ approval }) => approval !== undefined,
          () => false,
        ),
      60_000,
    );
  const paused = (id: string): Promise<void> =>
    eventually('it is held up', () => Promise.resolve(simulation().isPaused(id)), 30_000);
  /** As the kernel does where memory is short. */
  const killTerraform = (verb: string): void => {
    const found = programsOf(simulation().dir, 'worker').filter(
      ({ command }) => command.includes(`terraform -chdir`) && command.includes(` ${verb} `),
    );
    expect(found).toHaveLength(1);
    for (const { pid } of found) process.kill(pid, 'SIGKILL');
  };
  const unlocks = (): unknown[] =>
    simulation()
      .journal()
      .filter(({ phase, args }) => phase === 'before' && args.includes('force-unlock'));
});

/** Payloads are in base64; of the three ways in which a text can stand in it, that of a whole value is enough. */
const base64Of = (text: string): string => Buffer.from(text).toString('base64').slice(0, 8);
