import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { MockActivityEnvironment } from '@temporalio/testing';
import { createActivities } from '../../activities/index.ts';
import type { RunView } from '../../plan/run.ts';
import type { Simulation } from '../../simulator/create.ts';
import { referenceFleetFile } from '../../simulator/reference-fleet.ts';
import type { clusterBootstrap } from '../../workflows/cluster-bootstrap.ts';
import type { identityBackup } from '../../workflows/identity-backup.ts';
import { TASK_QUEUE, workflowId } from '../../workflows/messages.ts';
import { aServer } from './a-simulated-fleet.ts';
import { startSimulatedFleet, viewOf, type SimulatedFleet } from './simulated-fleet.ts';

const TIMEOUT_MS = 240_000;
const MEMBERS = ['elitedesk-1', 'elitedesk-2', 'nuc-1'];
const PAIR = 'q'.repeat(58);
const WITH_IDENTITY = `${referenceFleetFile()}identity:
  recipients: [age1${PAIR}, age1${'p'.repeat(58)}]
  keep: 2
  identityFile: /runbook-key
`;

describe('identity-backup over the simulated fleet', () => {
  const env = aServer();
  let fleet: SimulatedFleet;
  let simulation: Simulation;
  const begin = async (options: { bare?: boolean } = {}): Promise<void> => {
    fleet = await startSimulatedFleet(env(), { fleetFile: WITH_IDENTITY, ...options });
    ({ simulation } = fleet);
    const key = join(fleet.stateDir, 'key');
    writeFileSync(key, `AGE-SECRET-KEY-1${PAIR.toUpperCase()}\n`);
    simulation.setFleetFile(WITH_IDENTITY.replace('/runbook-key', key));
  };
  beforeEach(() => begin(), 60_000);
  afterEach(async () => {
    const unknown = simulation.unknown();
    await fleet.dispose();
    expect(unknown).toEqual([]);
  }, 60_000);

  const backUp = async (node?: string, planOnly = false): Promise<RunView> =>
    viewOf(
      await env().client.workflow.start<typeof identityBackup>('identityBackup', {
        taskQueue: TASK_QUEUE,
        workflowId: workflowId('identity-backup', node ?? 'all'),
        args: [
          {
            ...{ fleet: { revision: simulation.revision() }, actor: 'tester', planOnly },
            ...(node === undefined ? {} : { node }),
          },
        ],
      }),
    );
  const folderOf = (place: string, member: string): string =>
    join(simulation.store.root(place), 'var/lib/runbook/identities', member);
  const copiesOn = (place: string, member: string): string[] =>
    existsSync(folderOf(place, member)) ? readdirSync(folderOf(place, member)).sort() : [];

  it(
    'keeps each member on the others, the newest of them, and says what it would do',
    async () => {
      const plan = await backUp(undefined, true);
      expect(plan.result).toMatchObject({ outcome: 'Done', summary: 'Nothing was changed.' });
      expect(plan.steps.filter(({ state }) => state === 'pending').map(({ detail }) => detail)).toEqual([
        'copies to elitedesk-2, nuc-1',
        'copies to elitedesk-1, nuc-1',
        'copies to elitedesk-1, elitedesk-2',
      ]);
      expect(copiesOn('nuc-1', 'elitedesk-1')).toEqual([]);
      for (let night = 0; night < 3; night++)
        expect((await backUp()).result).toMatchObject({ outcome: 'Done', left: [] });
      for (const member of MEMBERS)
        for (const place of MEMBERS) expect(copiesOn(place, member)).toHaveLength(place === member ? 0 : 2);
    },
    TIMEOUT_MS,
  );

  it(
    'saves the others where one is away, or has no age',
    async () => {
      await simulation.power('nuc-1', 'off');
      await simulation.addFault({
        ...{ machine: 'elitedesk-2', tool: 'age', args: '--encrypt' },
        effect: { type: 'fail', exitCode: 127, stderr: 'bash: line 1: age: command not found' },
      });
      const { result } = await backUp();
      expect(result).toMatchObject({
        outcome: 'Failed',
        summary: 'The identity of elitedesk-1 is saved. Not that of nuc-1, elitedesk-2.',
        failure: { type: 'NotRun' },
      });
      expect(result?.left.join('\n')).toContain('age is not on elitedesk-2: add it to the packages of that host');
      expect(copiesOn('elitedesk-2', 'elitedesk-1')).toHaveLength(1);
    },
    TIMEOUT_MS,
  );

  it(
    'does not count what is not whole there',
    async () => {
      await simulation.addFault({
        ...{ machine: 'nuc-1', tool: 'ssh', args: 'sha256sum', when: 'before', skip: 1 },
        effect: { type: 'drop' },
      });
      const { result } = await backUp('elitedesk-1');
      expect(result?.outcome).toBe('Done');
      expect(result?.left).toEqual([expect.stringMatching(/^No copy of the identity of elitedesk-1 on nuc-1: /)]);
    },
    TIMEOUT_MS,
  );

  it(
    'finds and unpacks a copy, and nothing of it is plain anywhere else',
    async () => {
      expect((await backUp('nuc-1')).result?.outcome).toBe('Done');
      const { activities, close } = createActivities({
        repo: simulation.repoDir,
        stateDir: fleet.stateDir,
        env: { PATH: `${simulation.binDir}:${process.env['PATH'] ?? ''}` },
      });
      const act = <T>(work: () => Promise<T>): Promise<T> => new MockActivityEnvironment().run(work);
      const ref = { fleet: { revision: simulation.revision() }, name: 'runbook-20261127-0214-3f9c', member: 'nuc-1' };
      const copies = await act(() => activities.findIdentities(ref));
      expect(copies.map(({ place }) => place)).toEqual(['elitedesk-1', 'elitedesk-2']);
      const { staged } = await act(() => activities.restoreIdentity({ ...ref, place: '', path: '', ...copies[0] }));
      const root = simulation.store.root('nuc-1');
      for (const name of ['server.key', 'cluster.crt', 'database/local.db'])
        expect(readFileSync(join(root, staged, name))).toEqual(readFileSync(join(root, 'var/lib/incus', name)));
      const [, secret = ''] = readFileSync(join(root, 'var/lib/incus/server.key'), 'utf8').split('\n');
      const place = copies[0]?.place ?? '';
      const kept = readFileSync(join(folderOf(place, 'nuc-1'), copiesOn(place, 'nuc-1')[0] ?? ''), 'latin1');
      expect(kept).not.toContain(secret);
      const handle = env().client.workflow.getHandle(workflowId('identity-backup', 'nuc-1'));
      expect(JSON.stringify(await handle.fetchHistory())).not.toContain(secret);
      await close();
    },
    TIMEOUT_MS,
  );

  it(
    'comes after a cluster was formed, and fails nothing there',
    async () => {
      await fleet.dispose();
      await begin({ bare: true });
      const view = await viewOf(
        await env().client.workflow.start<typeof clusterBootstrap>('clusterBootstrap', {
          taskQueue: TASK_QUEUE,
          workflowId: workflowId('cluster-bootstrap', 'all'),
          args: [{ fleet: { revision: simulation.revision() }, actor: 'tester', planOnly: false }],
        }),
      );
      expect(view.result).toMatchObject({ outcome: 'Done', left: [] });
      for (const member of MEMBERS)
        for (const place of MEMBERS) expect(copiesOn(place, member)).toHaveLength(place === member ? 0 : 1);
    },
    TIMEOUT_MS,
  );
});
