import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { createRecreateActivities } from '../../activities/recreate.ts';
import { createTerraformRecreateActivities } from '../../activities/recreate-terraform.ts';
import type { Simulation } from '../../simulator/create.ts';
import { ADDRESS, addTerraformGuest, TERRAFORM_MEMBER } from '../temporal/recreating.ts';
import { GUEST } from '../temporal/rotating.ts';
import { startSimulatedWorker, type SimulatedWorker } from './a-simulated-worker.ts';

const RUN = 'runbook-20261128-0214-3f9c';
const TIMEOUT_MS = 240_000;
const KEY = `${TERRAFORM_MEMBER}.tfstate`;

/** The state is on the network. Another worker has another folder, and not the copies that the first one has made. */
describe('the state of a guest that is made anew', () => {
  let dir: string;
  let worker: SimulatedWorker;
  let simulation: Simulation;
  let first: ReturnType<typeof createTerraformRecreateActivities>;
  let second: typeof first;
  beforeEach(async () => {
    dir = mkdtempSync(join(tmpdir(), 'runbook-recreate-state-'));
    worker = await startSimulatedWorker();
    ({ simulation } = worker);
    addTerraformGuest(simulation, dir, { onNetwork: true });
    first = createTerraformRecreateActivities(worker.deps);
    second = createTerraformRecreateActivities({ ...worker.deps, stateDir: join(dir, 'second') });
  }, TIMEOUT_MS);
  afterEach(async () => {
    await worker.close();
    rmSync(dir, { recursive: true, force: true });
  });

  const ref = () => ({
    ...{ fleet: { revision: simulation.revision() }, name: RUN, guest: GUEST },
    ...{ node: TERRAFORM_MEMBER, address: ADDRESS, plan: '1', wasIn: true },
  });
  const run = <In, Out>(activity: (input: In) => Promise<Out>, input: In): Promise<Out> =>
    new MockActivityEnvironment({}, { logger: new DefaultLogger('ERROR') }).run(activity, input);
  const file = () => join(simulation.dir, 'backends', KEY);
  const addresses = (): string[] =>
    (JSON.parse(readFileSync(file(), 'utf8')) as { resources: { type: string; name: string }[] }).resources
      .map(({ type, name }) => `${type}.${name}`)
      .sort();
  const setAside = () =>
    run((input) => createRecreateActivities(worker.deps).setGuestAside(input), {
      ...{ fleet: { revision: simulation.revision() }, name: RUN, guest: GUEST },
    });
  const lock = (who: string, created: string): void => {
    const about = { ID: '1-2-3', Operation: 'OperationTypeInvalid', Who: who, Path: 'x', pid: 1 };
    const at = `${created.replace('T', ' ').replace('Z', '')}000000 +0000 UTC`;
    writeFileSync(join(simulation.dir, 'backends', `.${KEY}.lock.info`), JSON.stringify({ ...about, Created: at }));
  };

  it(
    'is not taken for saved by another worker, which says where it is',
    async () => {
      await setAside();
      const saved = await run((input) => first.saveOldInState(input), ref());
      expect(saved).toEqual({ worker: hostname(), file: join(dir, 'backups', TERRAFORM_MEMBER, `${RUN}-1.tfstate`) });
      const given = { ...ref(), ...(saved && { saved }) };
      expect(await run((input) => first.forgetOldInState(input), given)).toBe('done');
      expect(addresses()).toEqual(['incus_network.lan']);
      expect(await run((input) => first.forgetOldInState(input), given)).toBe('already');
      // Those of the first worker are on its machine.
      renameSync(join(dir, 'backups'), join(dir, 'elsewhere'));
      for (const activity of ['forgetOldInState', 'putBackInState'] as const)
        await expect(run((input: typeof given) => second[activity](input), given)).rejects.toMatchObject({
          ...{ type: 'StateNotSaved', nonRetryable: true },
          message: expect.stringContaining(`${saved?.file} on the worker ${hostname()}`) as unknown,
        });
      rmSync(join(dir, 'backups'), { recursive: true, force: true });
      renameSync(join(dir, 'elsewhere'), join(dir, 'backups'));
      expect(await run((input) => first.putBackInState(input), given)).toBe('done');
      expect(addresses()).toEqual([ADDRESS, 'incus_network.lan']);
    },
    TIMEOUT_MS,
  );

  it(
    'is waited for while somebody else has it locked, and a lock of its own is taken away',
    async () => {
      await setAside();
      await run((input) => first.saveOldInState(input), ref());
      await run((input) => first.forgetOldInState(input), ref());
      lock('grace@laptop', new Date().toISOString());
      for (const activity of ['fenceState', 'putBackInState'] as const)
        await expect(run((input: ReturnType<typeof ref>) => first[activity](input), ref())).rejects.toMatchObject({
          ...{ type: 'Busy', nonRetryable: false },
          message: expect.stringContaining('grace@laptop') as unknown,
        });
      // As a command leaves it that was ended with its worker.
      const begun = new Date();
      const root = join(worker.deps.stateDir, 'infra', `${RUN}-${TERRAFORM_MEMBER}`);
      writeFileSync(join(root, 'state-command.json'), JSON.stringify(begun.toISOString()));
      lock(`${userInfo().username}@${hostname()}`, begun.toISOString());
      expect(await run((input) => first.putBackInState(input), ref())).toBe('done');
      expect(addresses()).toEqual([ADDRESS, 'incus_network.lan']);
    },
    TIMEOUT_MS,
  );

  it(
    'lets no plan be applied any more that was made before it was fenced',
    async () => {
      const serial = (): number => (JSON.parse(readFileSync(file(), 'utf8')) as { serial: number }).serial;
      const before = serial();
      expect(await run((input) => second.fenceState(input), ref())).toBe('done');
      expect(serial()).toBeGreaterThan(before);
      expect(addresses()).toEqual([ADDRESS, 'incus_network.lan']);
    },
    TIMEOUT_MS,
  );

  it(
    'is asked for what was made only where the old one is there to be given back',
    async () => {
      const instances = () => simulation.readState().cluster.instances;
      const before = structuredClone(instances()[GUEST]);
      // Nobody has it aside: what has the name may be all that there is.
      const back = () => run((input) => second.takeBackGuest(input), { ...ref(), old: 'alive' as const });
      expect(await back()).toBe('old is gone');
      expect(instances()[GUEST]).toEqual(before);
    },
    TIMEOUT_MS,
  );

  it(
    'tells also a worker that has not applied it what was made',
    async () => {
      await setAside();
      const { instances } = simulation.readState().cluster;
      const old = Object.keys(instances).find((name) => name.startsWith(`${GUEST}-runbook-`)) ?? '';
      await simulation.store.update((state) => {
        const made = structuredClone(state.cluster.instances[old]);
        if (made === undefined) throw new Error(`Expected ${old} to be there.`);
        made.config = Object.fromEntries(Object.entries(made.config).filter(([key]) => !key.startsWith('user.')));
        state.cluster.instances[GUEST] = { ...made, name: GUEST };
        const machine = state.machines[old];
        if (machine !== undefined) state.machines[GUEST] = { ...structuredClone(machine), name: GUEST };
      });
      const back = () => run((input) => second.takeBackGuest(input), { ...ref(), old: 'alive' as const });
      expect(await back()).toBe('done');
      const left = Object.keys(simulation.readState().cluster.instances).filter((name) => name.startsWith(GUEST));
      expect(left).toEqual([GUEST]);
    },
    TIMEOUT_MS,
  );

  it(
    'is not touched by a rehearsal, also where a file overrides the backend',
    async () => {
      const before = readFileSync(file(), 'utf8');
      mkdirSync(join(simulation.repoDir, 'infra/incus', TERRAFORM_MEMBER), { recursive: true });
      simulation.setFile(
        `infra/incus/${TERRAFORM_MEMBER}/zz_override.tf.json`,
        JSON.stringify({ terraform: { backend: { s3: { key: KEY } } } }),
      );
      await expect(run((input) => first.rehearseCreation(input), ref())).rejects.toMatchObject({
        ...{ type: 'BadConfig', nonRetryable: true },
        message: expect.stringContaining('_override.tf') as unknown,
      });
      expect(readFileSync(file(), 'utf8')).toBe(before);
    },
    TIMEOUT_MS,
  );

  it(
    'tells by a digest whether a value that is sensitive has changed, and not what it is',
    async () => {
      const rehearsed = async (secret: string) => {
        const path = `infra/incus/${TERRAFORM_MEMBER}/main.tf.json`;
        const source = JSON.parse(readFileSync(join(simulation.repoDir, path), 'utf8')) as {
          resource: { incus_instance: { edge: object } };
        };
        const edge = { ...source.resource.incus_instance.edge, description: '${var.pin}' };
        const variable = { pin: { default: secret, sensitive: true } };
        const resource = { ...source.resource, incus_instance: { edge } };
        simulation.setFile(path, JSON.stringify({ ...source, resource, variable }));
        return run((input) => first.rehearseCreation(input), ref());
      };
      const one = await rehearsed('canary-one');
      rmSync(join(worker.deps.stateDir, 'infra'), { recursive: true });
      const other = await rehearsed('canary-two');
      expect(one.hash).toBe(other.hash);
      expect(one.sensitive).toMatch(/^[0-9a-f]{64}$/);
      expect(one.sensitive).not.toBe(other.sensitive);
      expect(JSON.stringify([one, other])).not.toContain('canary');
    },
    TIMEOUT_MS,
  );
});
