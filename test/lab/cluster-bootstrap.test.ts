import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { parse, stringify } from 'yaml';
import type { WorkflowHandle } from '@temporalio/client';
import type { RunView } from '../../plan/run.ts';
import { VIEW_QUERY } from '../../workflows/messages.ts';
import { eventually } from '../hosts/eventually.ts';
import { viewOf } from '../temporal/simulated-fleet.ts';
import { aLab } from './a-lab.ts';
import { formingOn, MEMBERS, type Forming } from './forming.ts';
import { handsOn } from './hands.ts';
import { aLabWorker } from './worker.ts';

const lab = aLab();
const worker = aLabWorker(lab);
const { text } = handsOn(lab);
const forming = formingOn(lab, worker, '/data/incus');
const { expectFormed, formOfOne, isClustered, isMarked, killAtEachStep, query } = forming;

interface LabFleet {
  members: Record<string, unknown>;
  guests: Record<string, unknown>;
  cluster: { waitForMembers?: string; groups: Record<string, { members: string[] }>; config: Record<string, unknown> };
}

describe('forming a cluster of real hosts', () => {
  beforeEach(async () => {
    await lab().makeBare();
  }, 60_000);

  const fleetPath = (): string => join(lab().repo, 'runbook.yaml');
  let asItWas: LabFleet;
  beforeAll(async () => {
    asItWas = parse(await readFile(fleetPath(), 'utf8')) as LabFleet;
  });

  /** With the fleet file changed so; the next test's is as it was. */
  let change = (fleet: LabFleet): LabFleet => fleet;
  beforeEach(() => {
    change = (fleet) => fleet;
  });
  const start = async (planOnly = false): Promise<Forming> => {
    await writeFile(fleetPath(), stringify(change(structuredClone(asItWas))));
    return forming.start(planOnly);
  };
  const bootstrap = async (): Promise<RunView> => viewOf(await start());

  it('makes one of three bare hosts, hands over, and has nothing to do when it is started again', async () => {
    const view = await bootstrap();
    expect(view.result).toMatchObject({ outcome: 'Done', summary: 'n1, n2, n3 are one cluster.', left: [] });
    await expectFormed();
    const terraform = view.result?.handOver?.find(({ path }) => path.endsWith('.tf'))?.text;
    expect(terraform).toContain('to = incus_profile.default');
    expect(terraform).toContain('incus_pools = ["local"]');
    const history = JSON.stringify(
      await worker().env.client.workflow.getHandle('cluster-bootstrap/all').fetchHistory(),
    );
    // A token is JSON in base64, which begins with {"server_name":.
    expect(history).not.toContain(Buffer.from('{"server_name":').toString('base64').slice(0, 18));
    expect((await bootstrap()).result).toMatchObject({ outcome: 'AlreadySo' });
  }, 180_000);

  it('says what it would do, and does nothing', async () => {
    const view = await viewOf(await start(true));
    expect(view.result).toMatchObject({ outcome: 'Done', summary: 'Nothing was changed.' });
    expect(view.steps.filter(({ phase }) => phase === 'join').map(({ title }) => title)).toEqual([
      'n2 joins',
      'n3 joins',
    ]);
    for (const member of MEMBERS) expect(await isClustered(member)).toBe(false);
  }, 60_000);

  it('refuses what is not bare, by name, and changes nothing', async () => {
    await lab().run('n2', ['mkdir', '/data/incus/photos']);
    await lab().run('n3', ['rmdir', '/data/incus']);
    const { result } = await bootstrap();
    expect(result).toMatchObject({ outcome: 'Failed', unchanged: true, failure: { type: 'GateRefused' } });
    expect(result?.failure?.message).toContain('/data/incus on n2 is not empty: it has photos.');
    expect(result?.failure?.message).toContain('/data/incus is not there on n3');
    for (const member of MEMBERS) expect(await isClustered(member)).toBe(false);
    expect(await text('n2', 'ls', '/data/incus')).toBe('photos');
  }, 60_000);

  it('refuses a member of another cluster', async () => {
    const address = JSON.stringify({ config: { 'core.https_address': `${lab().address('n2')}:8443` } });
    await text('n2', 'incus', 'query', '-X', 'PATCH', '--wait', '-d', address, '/1.0');
    await text('n2', 'incus', 'cluster', 'enable', 'stranger');
    const { result } = await bootstrap();
    expect(result?.failure?.message).toContain('n2 is called stranger in its cluster.');
    expect(result).toMatchObject({ unchanged: true });
    expect(await isClustered('n1')).toBe(false);
  }, 60_000);

  it.each([20, 100, 250])(
    'goes on where the Incus of a joining member was killed %d ms into its join',
    async (ms) => {
      const handle = await start();
      await eventually('n2 begins to join', () => isMarked('n2'), 60_000);
      await new Promise((resolve) => setTimeout(resolve, ms));
      await lab().run('n2', ['pkill', '-KILL', '-x', 'incusd']);
      const view = await viewOf(handle);
      expect(view.result).toMatchObject({ outcome: 'Done', left: [] });
      await expectFormed();
    },
    300_000,
  );

  it('goes on where worker and joining member were lost together', async () => {
    const handle = await start();
    await eventually('n3 begins to join', () => isMarked('n3'), 60_000);
    await worker().kill();
    await lab().power.off('n3');
    await worker().restart();
    await lab().power.on('n3');
    expect((await viewOf(handle)).result).toMatchObject({ outcome: 'Done', left: [] });
    await expectFormed();
  }, 300_000);

  it('ends the same where the worker is killed at each step', async () => {
    const run = await start();
    const killed = await killAtEachStep(run);
    expect((await viewOf(run)).result).toMatchObject({ outcome: 'Done', left: [] });
    expect(killed.size).toBeGreaterThan(8);
    await expectFormed();
  }, 600_000);

  it('lets more members join later', async () => {
    await formOfOne('dir');
    const view = await bootstrap();
    expect(view.result).toMatchObject({ outcome: 'Done', left: [] });
    expect(view.steps.map(({ id }) => id)).not.toContain('form-n1');
    await expectFormed();
  }, 180_000);

  it('says what was set otherwise by hand, and leaves it', async () => {
    expect((await bootstrap()).result).toMatchObject({ outcome: 'Done', left: [] });
    await text('n1', 'incus', 'profile', 'set', 'default', 'security.nesting=false');
    await text('n1', 'incus', 'network', 'set', 'labnet', 'ipv4.nat=false');
    await text('n1', 'incus', 'config', 'set', 'cluster.offline_threshold=45');
    await text('n1', 'incus', 'profile', 'device', 'remove', 'default', 'lab');
    await text('n1', 'incus', 'cluster', 'group', 'assign', 'n1', 'default,small');
    const { result } = await bootstrap();
    expect(result).toMatchObject({ outcome: 'Failed', unchanged: true, failure: { type: 'Unhealthy' } });
    for (const line of [
      'network labnet: ipv4.nat is false, declared is true',
      'profile default: security.nesting is false, declared is true',
      'profile default: device lab is not there',
      'group small: n1 is in it, and not declared',
      'cluster: cluster.offline_threshold is 45, declared is',
    ])
      expect(result?.failure?.message).toContain(line);
    expect(await query('n1', '/1.0/profiles/default')).toMatchObject({ config: { 'security.nesting': 'false' } });
  }, 180_000);

  const rolesOf = async (): Promise<string[][]> => {
    const listed = JSON.parse(await text('n1', 'incus', 'cluster', 'list', '-f', 'json')) as { roles: string[] }[];
    return listed.map(({ roles }) => roles);
  };

  it.each([
    [1, [['database-leader', 'database']]],
    [2, [['database-leader', 'database'], ['database-standby']]],
  ])(
    'makes one of %d, whose roles in the database are as they are to be',
    async (count, roles) => {
      const members = MEMBERS.slice(0, count);
      change = ({ members: all, cluster, ...rest }) => ({
        ...rest,
        guests: {},
        members: Object.fromEntries(Object.entries(all).filter(([name]) => members.includes(name))),
        cluster: { ...cluster, groups: {} },
      });
      const view = await bootstrap();
      expect(view.result).toMatchObject({ outcome: 'Done', left: [] });
      expect(await rolesOf()).toEqual(roles);
      expect((await bootstrap()).result).toMatchObject({ outcome: 'AlreadySo' });
    },
    180_000,
  );

  /** What Temporal says of the attempts that failed. */
  const lastFailure = async (handle: WorkflowHandle): Promise<string> => {
    const { raw } = await handle.describe();
    return (raw.pendingActivities ?? []).map(({ lastFailure: last }) => last?.message ?? '').join();
  };
  const stepIs = async (handle: WorkflowHandle, step: string, state: string): Promise<boolean> => {
    const view = await handle.query<RunView>(VIEW_QUERY).catch(() => undefined);
    return view?.steps.some(({ id, state: now }) => id === step && now === state) ?? false;
  };
  const off = { away: (host: string) => lab().power.off(host), back: (host: string) => lab().power.on(host) };
  const cut = { away: (host: string) => lab().cut(host), back: (host: string) => lab().heal(host) };

  /** Once `when` holds, `host` goes away, the run says that it waits for it, and goes on when it is back. */
  const waitsFor = async (
    host: string,
    { away, back }: typeof off,
    when: (handle: Forming) => Promise<boolean>,
  ): Promise<void> => {
    const handle = await start();
    await eventually('its moment', () => when(handle), 60_000);
    await away(host);
    await eventually(`it waits for ${host}`, async () => (await lastFailure(handle)).includes(host), 180_000);
    await back(host);
    expect((await viewOf(handle)).result).toMatchObject({ outcome: 'Done', left: [] });
    await expectFormed();
  };

  it('waits for a member that is off before its join, and goes on', async () => {
    await waitsFor('n3', off, (handle) => stepIs(handle, 'join-n2', 'running'));
  }, 300_000);

  it.each([
    ['off', off],
    ['cut off', cut],
  ])(
    'waits for a member that is %s in the middle of its join, and goes on',
    async (_, way) => {
      await waitsFor('n3', way, () => isMarked('n3'));
    },
    300_000,
  );

  it('waits for a member that has joined and is off while the next one joins', async () => {
    await waitsFor('n2', off, () => isMarked('n3'));
  }, 300_000);

  it('waits for the first member that is cut off right after the cluster was formed', async () => {
    await waitsFor('n1', cut, () => isMarked('n2'));
  }, 300_000);

  it('ends after the declared time, names what is done, what is not and what is half-way, and goes on when it is started again', async () => {
    change = ({ cluster, ...rest }) => ({ ...rest, cluster: { ...cluster, waitForMembers: '40s' } });
    const handle = await start();
    await eventually('n3 begins to join', () => isMarked('n3'), 60_000);
    await lab().power.off('n3');
    const { result } = await viewOf(handle);
    expect(result?.outcome).toBe('Failed');
    expect(result?.failure?.whatToDo).toContain('Bring back what is named');
    const left = result?.left.join('\n');
    expect(left).toMatch(/^done, and it stays: .*n2 joins$/m);
    expect(left).toMatch(/^not done: n3 joins; /m);
    expect(left).toMatch(/^n3 does not answer, and may be in the middle of its join/m);
    await lab().power.on('n3');
    change = (fleet) => fleet;
    expect((await bootstrap()).result).toMatchObject({ outcome: 'Done', left: [] });
    await expectFormed();
  }, 300_000);
});
