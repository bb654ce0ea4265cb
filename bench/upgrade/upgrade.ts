import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { Runtime } from '@temporalio/worker';
import { activitiesOver, createDeps } from '../../activities/index.ts';
import type { Fleet } from '../../fleet/schema.ts';
import type { RunView } from '../../plan/run.ts';
import { startDevServer } from '../../workers/dev-server.ts';
import { createLogger } from '../../workers/logging.ts';
import { findTemporalCli } from '../../workers/temporal-cli.ts';
import { startWorker } from '../../workers/worker.ts';
import { TASK_QUEUE, workflowId, type SafeUpgradeInput } from '../../workflows/messages.ts';
import { seconds, times, type Report } from '../report.ts';
import { median, ratios } from '../statistics.ts';
import { writeDown, type Command } from './journal.ts';
import { knownHosts, scriptOf } from './script.ts';
import { openStage, type UpgradeStage } from './stages.ts';

const PAIRS = 5;

interface Run {
  durationMs: number;
  revision: string;
  fleet: Fleet;
  commands: Command[];
  view: RunView;
}

/** A safe-upgrade beside a script of the same commands, in turn, each from the same state. */
export async function benchUpgrade(): Promise<Report> {
  const folder = await mkdtemp(join(tmpdir(), 'rb-'));
  const { path } = await findTemporalCli({ report: () => undefined });
  const server = await startDevServer({ executable: path, folder: join(folder, 'server') });
  try {
    const stage = await openStage(folder);
    try {
      return await measure(stage, server.address, folder);
    } finally {
      await stage.stop();
    }
  } finally {
    await Runtime.instance().shutdown();
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

async function measure(stage: UpgradeStage, address: string, folder: string): Promise<Report> {
  const runs: Run[] = [];
  const scripts: number[] = [];
  for (let pair = 0; pair < PAIRS; pair += 1) {
    const place = join(folder, String(pair));
    await mkdir(place);
    const run = await upgradeByRunbook(stage, address, join(place, 'state'));
    await stage.verify();
    runs.push(run);
    scripts.push(await upgradeByScript(stage, run, place));
    await stage.verify();
    process.stderr.write(`pair ${pair + 1}: ${seconds(run.durationMs)}, script ${seconds(scripts.at(-1) ?? 0)}\n`);
  }
  const durations = runs.map(({ durationMs }) => durationMs);
  const ratio = median(ratios(durations, scripts));
  const row = (name: string, all: readonly number[]): string[] => [
    name,
    seconds(median(all)),
    seconds(Math.min(...all)),
    seconds(Math.max(...all)),
  ];
  return {
    title: 'safe-upgrade beside a script',
    command: 'npm run bench -- upgrade',
    about: `On ${stage.label}. ${PAIRS} pairs in turn, each from the same state. The script runs the ${String(runs[0]?.commands.length)} commands that the product ran.`,
    header: ['', 'median', 'fastest', 'slowest'],
    rows: [
      row('a script over one ssh connection per host', scripts),
      row('`runbook start safe-upgrade`', durations),
      ['median of the pairs’ ratios', times(ratio), '', ''],
      ...stepRows(runs),
    ],
    goals: [{ what: 'safe-upgrade against the script', goal: 1.1, measured: ratio, unit: '×' }],
  };
}

/** Where the time goes, in the run of the middle. */
function stepRows(runs: readonly Run[]): string[][] {
  const middle = runs.toSorted((a, b) => a.durationMs - b.durationMs)[Math.floor(runs.length / 2)];
  return (middle?.view.steps ?? []).flatMap(({ id, startedAt, endedAt }) =>
    startedAt === undefined || endedAt === undefined
      ? []
      : [[`– ${id}`, seconds(Date.parse(endedAt) - Date.parse(startedAt)), '', '']],
  );
}

async function upgradeByRunbook(stage: UpgradeStage, address: string, stateDir: string): Promise<Run> {
  const revision = await stage.prepare();
  await mkdir(stateDir, { mode: 0o700 });
  const commands: Command[] = [];
  const { deps, close } = createDeps({ repo: stage.repo, stateDir, env: stage.env });
  const worker = await startWorker({
    activities: activitiesOver(writeDown(deps, commands)),
    logger: createLogger({ level: 'error' }),
    devAddress: address,
  });
  const connection = await Connection.connect({ address });
  try {
    const input: SafeUpgradeInput = {
      fleet: { revision },
      node: stage.node,
      actor: 'bench',
      allowOffline: [],
      allowOrchestrator: true,
      planOnly: false,
    };
    const start = performance.now();
    const view = (await new Client({ connection }).workflow.execute('safeUpgrade', {
      taskQueue: TASK_QUEUE,
      workflowId: workflowId('safe-upgrade', stage.node),
      args: [input],
    })) as RunView;
    const durationMs = performance.now() - start;
    if (view.result?.outcome !== 'Done') throw new Error(`Expected Done, got ${JSON.stringify(view.result)}`);
    return { durationMs, revision, fleet: await deps.fleetAt({ revision }), commands, view };
  } finally {
    await connection.close();
    await worker.stop();
    await close();
  }
}

async function upgradeByScript(stage: UpgradeStage, run: Run, place: string): Promise<number> {
  const revision = await stage.prepare();
  await writeFile(join(place, 'known_hosts'), knownHosts(run.fleet));
  const script = scriptOf(run.commands, run.fleet, stage.node, place).replaceAll(run.revision, revision);
  await writeFile(join(place, 'script.sh'), script);
  const start = performance.now();
  const child = spawn('bash', [join(place, 'script.sh')], {
    stdio: 'ignore',
    env: { ...process.env, ...stage.env },
  });
  await once(child, 'exit');
  const durationMs = performance.now() - start;
  await closeConnections(run.fleet, place, stage.env);
  return durationMs;
}

async function closeConnections(fleet: Fleet, place: string, env: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, { address }] of Object.entries(fleet.members)) {
    const argv = ['-o', `ControlPath=${join(place, name)}`, '-O', 'exit', address];
    await once(spawn('ssh', argv, { stdio: 'ignore', env: { ...process.env, ...env } }), 'exit');
  }
}
