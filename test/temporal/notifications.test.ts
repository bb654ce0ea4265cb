import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { pino } from 'pino';
import { activitiesOver, createDeps } from '../../activities/index.ts';
import { main } from '../../cli/program.ts';
import type { BackupsView } from '../../plan/backups-view.ts';
import { createSimulation, type Simulation } from '../../simulator/create.ts';
import { referenceFleetFile } from '../../simulator/reference-fleet.ts';
import { createRunWatch } from '../../workers/notify/run-watch.ts';
import { tell } from '../../workers/notify/tell.ts';
import { startWorker, type RunningWorker } from '../../workers/worker.ts';
import { notifyWorkflowId, TASK_QUEUE, type Told } from '../../workflows/messages.ts';
import type { backupsResolve } from '../../workflows/backups-resolve.ts';
import { httpServer, type HttpServer } from '../activities/notify/servers.ts';
import { testIo } from '../cli/io.ts';
import { eventually } from '../hosts/eventually.ts';
import { aServer } from './a-simulated-fleet.ts';
import { startUpgrade, viewOf } from './simulated-fleet.ts';

const NO_COPIES: BackupsView = { copies: [], problems: [], upkeep: [] };
const NOTICED_MS = 30_000;

describe('notifications', () => {
  const env = aServer();
  let folder: string;
  let simulation: Simulation;
  let server: HttpServer;
  let answer: Parameters<typeof httpServer>[0];
  const workers: RunningWorker[] = [];
  const closing: (() => Promise<void>)[] = [];

  beforeEach(async () => {
    answer = (response) => void response.end('ok');
    server = await httpServer((...args) => answer?.(...args));
    folder = await mkdtemp(join(tmpdir(), 'runbook-notify-'));
    const hook = `{ type: webhook, url: "${server.url}/hook" }`;
    const fleetFile = `${referenceFleetFile()}
notifications:
  channels: { hook: ${hook}, deaf: { type: webhook, url: "${server.url}/deaf", on: [failure] } }
  deadMan: { url: "${server.url}/alive" }
`;
    simulation = await createSimulation(join(folder, 'fleet'), { pace: 0, fleetFile });
  }, 60_000);
  afterEach(async () => {
    const { workflow } = env().client;
    for await (const { workflowId } of workflow.list({ query: `ExecutionStatus = 'Running'` }))
      await workflow
        .getHandle(workflowId)
        .terminate()
        .catch(() => undefined);
    await Promise.all(workers.splice(0).map((worker) => worker.stop()));
    await Promise.all(closing.splice(0).map((close) => close()));
    await server.close();
    simulation.dispose();
    await rm(folder, { recursive: true, force: true });
  }, 60_000);

  /** A worker as the program starts it, which looks for what is to be told. */
  async function work(name: string, lookAtCopies = () => Promise.resolve(NO_COPIES)): Promise<RunningWorker> {
    const { repoDir, binDir } = simulation;
    const stateDir = await mkdtemp(join(folder, name));
    const PATH = `${binDir}:${process.env['PATH'] ?? ''}`;
    const { deps, close } = createDeps({ repo: repoDir, stateDir, env: { PATH } });
    closing.push(close);
    const worker = await startWorker({
      activities: activitiesOver(deps),
      ...{ logger: pino({ level: 'silent' }), env: { TEMPORAL_CONFIG_FILE: '/nowhere' }, devAddress: env().address },
      notices: {
        ...{ stateDir, lookAtCopies, fleet: async () => deps.fleetAt(await deps.head()) },
        everyMs: { runs: 300, copies: 300 },
      },
    });
    workers.push(worker);
    return worker;
  }
  const told = (path: string) => server.asked.filter((asked) => asked.path === path);
  const messages = (path = '/hook') =>
    told(path).map(({ body }) => JSON.parse(body) as Record<'id' | 'event' | 'command' | 'what' | 'node', string>);
  const alive = (at: number) => eventually('both have looked', () => told('/alive').length >= at, NOTICED_MS);

  it('of a run that failed come once, whichever of two workers saw it, and a channel that is down holds up nothing', async () => {
    answer = (response, _number, { path }) => void response.writeHead(path === '/deaf' ? 500 : 200).end();
    await Promise.all([work('a'), work('b')]);
    await alive(2);
    const failed = await startUpgrade(env(), simulation.revision(), 'no-such-node');
    await viewOf(failed);
    const { runId } = await failed.describe();
    const id = notifyWorkflowId(`failure/safe-upgrade/no-such-node/${runId}`);
    await eventually('it was told', () => messages().length > 0 && told('/deaf').length > 0, NOTICED_MS);
    const [message] = messages();
    expect(message).toMatchObject({ id, event: 'failure', node: 'no-such-node' });
    expect(message?.what).toContain('no-such-node');
    expect(message?.command).toContain('runbook ');
    // The deaf one is tried again; neither it nor a later run waits for that.
    await viewOf(await startUpgrade(env(), simulation.revision(), 'nor-this'));
    await eventually('the second was told', () => messages().length === 2, NOTICED_MS);
    await eventually('the deaf one was asked again', () => told('/deaf').length >= 3, NOTICED_MS);
    expect(messages().map(({ node }) => node)).toEqual(['no-such-node', 'nor-this']);
  }, 90_000);

  it('of a worker that was down come when it is back, but nothing of before it first looked', async () => {
    const handle = await startUpgrade(env(), simulation.revision(), 'long-ago');
    const first = await work('a');
    await viewOf(handle);
    await first.stop();
    const asked: string[] = [];
    const watch = (since: number) =>
      createRunWatch({ client: env().client, since, pageOf: () => undefined })(
        { fleet: 'lab', discreet: false },
        ({ key }) => Promise.resolve(void asked.push(key)),
        new AbortController().signal,
      );
    await watch(Date.now());
    expect(asked).toEqual([]);
    await watch(0);
    expect(asked).toContain(`failure/safe-upgrade/long-ago/${(await handle.describe()).runId}`);
  }, 90_000);

  it('of a question carry the very command that answers it, and no more than one comes', async () => {
    await work('a');
    await alive(1);
    await simulation.store.update(({ machines }) => {
      const replica = machines['nuc-1']?.datasets['tank/replica/home-data'];
      if (replica !== undefined) replica.snapshots['by-hand'] = { creation: Math.floor(Date.now() / 1000), guid: '77' };
    });
    const fleet = { revision: simulation.revision() };
    const run = await env().client.workflow.start<typeof backupsResolve>('backupsResolve', {
      ...{ taskQueue: TASK_QUEUE, workflowId: 'backups-resolve/nuc-1' },
      args: [{ fleet, actor: 'tester', volume: 'home-data', target: 'nuc-1', way: 'keep aside' }],
    });
    await eventually('it asks', () => messages().some(({ event }) => event === 'approval'), NOTICED_MS);
    const [{ command } = { command: '' }] = messages().filter(({ event }) => event === 'approval');
    const io = testIo({
      cwd: simulation.repoDir,
      env: { TEMPORAL_ADDRESS: env().address, TEMPORAL_CONFIG_FILE: '/nowhere' },
    });
    const [program, ...argv] = command.split(' ');
    expect(program).toBe('runbook');
    expect({ code: await main(argv, io), err: io.err() }).toEqual({ code: 0, err: '' });
    expect((await viewOf(run)).result?.outcome).toBe('Done');
    expect(messages().filter(({ event }) => event === 'approval')).toHaveLength(1);
  }, 90_000);

  it('that were sent when the worker died, before it could say so, come at least once more and under the same id', async () => {
    const dying = await work('a');
    await alive(1);
    let isFirst = true;
    answer = (response, _number, { path }) => {
      if (path === '/hook' && isFirst) {
        isFirst = false;
        // Taken, and nobody is left to hear of it.
        void dying.stop();
        return;
      }
      response.end('ok');
    };
    const notice = { fleet: 'lab', headline: 'it', what: 'It.', at: new Date().toISOString() };
    const due = { key: 'failure/it/it/1', event: 'rollback', notice: { event: 'rollback', ...notice } } as const;
    const channel = { on: ['rollback'] } as never;
    await tell(env().client, due, { channels: { hook: channel } });
    await eventually('it was sent', () => told('/hook').length === 1, NOTICED_MS);
    await work('b');
    const result = (await env().client.workflow.getHandle(notifyWorkflowId(due.key)).result()) as Told[];
    expect(result).toEqual([{ channel: 'hook', outcome: 'sent', answer: '200: ok' }]);
    expect(messages().map(({ id }) => id)).toEqual([notifyWorkflowId(due.key), notifyWorkflowId(due.key)]);
    await tell(env().client, due, { channels: { hook: channel } });
    expect(messages()).toHaveLength(2);
  }, 90_000);

  it('of copies come once for a place and day, and once when all is well again', async () => {
    const stale = { of: 'edge-data', place: 'nuc-1 tank/replicas', newest: { type: 'none' }, why: 'Too old.' } as const;
    let view: BackupsView = { ...NO_COPIES, copies: [{ ...stale, outcome: 'stale' }] };
    await work('a', () => Promise.resolve(view));
    await work('b', () => Promise.resolve(view));
    const events = () => messages().map(({ event }) => event);
    await eventually('it was told', () => events().length > 0, NOTICED_MS);
    view = { ...NO_COPIES, copies: [{ ...stale, outcome: 'fresh' }] };
    await eventually('its end was told', () => events().includes('recovered'), NOTICED_MS);
    const looks = told('/alive').length;
    expect(looks).toBeGreaterThan(0);
    expect(events()).toEqual(['stale-backup', 'recovered']);
  }, 90_000);
});
