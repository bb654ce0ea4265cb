import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { fileURLToPath } from 'node:url';
import { pino } from 'pino';
import { main } from '../../cli/program.ts';
import type { RunView } from '../../plan/run.ts';
import { checkOpenRuns } from '../../workers/check-open-runs.ts';
import { startWorker, type RunningWorker } from '../../workers/worker.ts';
import { VIEW_QUERY } from '../../workflows/messages.ts';
import { testIo } from '../cli/io.ts';
import { eventually } from '../hosts/eventually.ts';
import { aServer } from './a-simulated-fleet.ts';
import { bundleOf } from './environment.ts';
import { procedureRepository } from './procedure-worker.ts';

const TIMEOUT_MS = 120_000;
type Build = 'first' | 'second' | 'careless';

describe('an upgrade of runbook while a run is open', () => {
  const env = aServer();
  let repository: Awaited<ReturnType<typeof procedureRepository>>;
  const bundles = new Map<Build, { codePath: string }>();
  let workers: RunningWorker[] = [];
  beforeAll(async () => {
    repository = await procedureRepository();
    for (const build of ['first', 'second', 'careless'] as const) {
      const path = fileURLToPath(new URL(`fixtures/build-${build}.ts`, import.meta.url));
      bundles.set(build, await bundleOf(path));
    }
  }, TIMEOUT_MS);
  const stopAll = async (): Promise<void> => {
    await Promise.all(workers.splice(0).map((worker) => worker.stop()));
  };
  afterEach(stopAll, 60_000);
  afterAll(() => repository.remove());

  const settings = (build: Build) => ({
    logger: pino({ level: 'silent' }),
    env: { TEMPORAL_ADDRESS: env().address, TEMPORAL_CONFIG_FILE: '/nowhere' },
    workflowBundle: bundles.get(build) ?? { codePath: '' },
  });
  /** Replaces the worker by one of this build. */
  const replaceBy = async (build: Build): Promise<void> => {
    await stopAll();
    const activities = { work: (_node: string, step: string) => Promise.resolve(`${step} is fine`) };
    workers = [await startWorker({ activities, version: build, ...settings(build) })];
  };
  const cli = (...argv: string[]): Promise<number> =>
    main(argv, testIo({ cwd: repository.path, env: settings('first').env }));
  const handleOf = (node: string) => env().client.workflow.getHandle(`safe-upgrade/${node}`);
  const begin = async (build: Build, node: string): Promise<void> => {
    await replaceBy(build);
    expect(await cli('start', 'safe-upgrade', '--node', node, '--detach')).toBe(0);
    const asks = async () => (await handleOf(node).query<RunView>(VIEW_QUERY)).approval !== undefined;
    await eventually('the question', asks, 30_000);
  };
  const endWell = async (node: string): Promise<string[]> => {
    expect(await cli('approve', `safe-upgrade/${node}`, '--reason', 'go')).toBe(0);
    expect(await cli('watch', `safe-upgrade/${node}`)).toBe(0);
    const { steps } = (await handleOf(node).result()) as RunView;
    return steps.map(({ id, state }) => `${id} ${state}`);
  };
  const buildsOf = async (node: string): Promise<string[]> => {
    const { events } = await handleOf(node).fetchHistory();
    const ids = (events ?? []).map((event) => event.workflowTaskCompletedEventAttributes?.workerVersion?.buildId ?? '');
    return [...new Set(ids.filter(Boolean).map((id) => id.replace(/-[0-9a-f]{12}$/, '')))];
  };

  it(
    'lets a run that began on the old build end well on the new one, as it began; new runs are as the new build is',
    async () => {
      await begin('first', 'works');
      expect(await checkOpenRuns(settings('second'))).toEqual([{ workflowId: 'safe-upgrade/works' }]);
      await replaceBy('second');
      expect(await endWell('works')).toEqual(['gate done', 'deploy done']);
      expect(await buildsOf('works')).toEqual(['first', 'second']);
      await begin('second', 'already');
      expect(await endWell('already')).toEqual(['gate done', 'backup done', 'deploy done']);
    },
    TIMEOUT_MS,
  );

  it.each<[string, Build, Build, string]>([
    ['a new build that it does not fit', 'first', 'careless', 'sick'],
    ['an older build, as after a step back', 'second', 'first', 'breaks'],
  ])(
    'harms no run that meets %s: it waits, and ends well with one that fits',
    async (_what, began, odd, node) => {
      await begin(began, node);
      expect(await checkOpenRuns(settings(odd))).toEqual([
        { workflowId: `safe-upgrade/${node}`, problem: expect.stringMatching(/nondeterminism/i) },
      ]);
      await replaceBy(odd);
      await handleOf(node).signal('anything that wakes it');
      const failed = async (): Promise<boolean> =>
        ((await handleOf(node).fetchHistory()).events ?? []).some((event) => event.workflowTaskFailedEventAttributes);
      await eventually('the attempt that failed', failed, 30_000);
      expect((await handleOf(node).describe()).status.name).toBe('RUNNING');
      await replaceBy(began);
      const steps = began === 'first' ? ['gate done', 'deploy done'] : ['gate done', 'backup done', 'deploy done'];
      expect(await endWell(node)).toEqual(steps);
    },
    TIMEOUT_MS,
  );
});
