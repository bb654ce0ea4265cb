import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createActivities } from '../activities/index.ts';
import { startSafeUpgrade } from '../cli/actions/start.ts';
import type { Ending } from '../cli/exit-codes.ts';
import { print, type Io } from '../cli/io.ts';
import { describeBinaryEvent } from '../workers/binaries/events.ts';
import { aborted, startDev, type Dev } from '../workers/dev.ts';
import { createLogger } from '../workers/logging.ts';
import type { Stage } from './stage.ts';

export interface DemoOptions {
  io: Io;
  /** End after the second run instead of staying up. */
  once: boolean;
  signal: AbortSignal;
  /** Makes the fleet in an empty folder. */
  setStage: (folder: string) => Promise<Stage>;
}

/**
 * Shows one safe-upgrade that succeeds and one that is rolled back, through the command line's own functions, on a
 * server and worker of its own. All it makes is in one temporary folder and gone at the end.
 */
export async function runDemo({ io, once, signal, setStage }: DemoOptions): Promise<Ending> {
  const folder = await mkdtemp(join(tmpdir(), 'runbook-demo-'));
  try {
    print(io, ['Setting the stage …']);
    const stage = await setStage(join(folder, 'fleet'));
    try {
      return await onStage(stage, folder, { io, once, signal });
    } finally {
      await stage.end();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

type Show = Omit<DemoOptions, 'setStage'>;

async function onStage(stage: Stage, folder: string, show: Show): Promise<Ending> {
  const { io, signal } = show;
  const stateDir = join(folder, 'state');
  const env = environmentOf(io, stage, stateDir);
  // The worker starts ssh, nix and deploy by name.
  process.env['PATH'] = env['PATH'];
  await mkdir(stateDir, { mode: 0o700 });
  await writeFile(configIn(stateDir), '');
  const logger = createLogger({ level: 'info', file: join(folder, 'worker.log') });
  const { activities, close } = createActivities({ repo: stage.repo, stateDir, logger });
  const dev = await startDev({
    activities,
    logger,
    env,
    stateDir,
    signal,
    report: (event) => {
      if (event.type === 'binary') print(io, [describeBinaryEvent(event.event)]);
    },
  });
  try {
    const wrapper = await writeWrapper(folder, stage, stateDir);
    print(io, [stage.introduction, `Web UI: ${dev.server.uiAddress}`, `Here "runbook" is ${wrapper}`]);
    return await perform(stage, dev, wrapper, { ...show, io: { ...io, env, cwd: stage.repo } });
  } finally {
    await dev.stop();
    await close();
  }
}

/** The two runs, judged by how they end. */
async function perform(stage: Stage, dev: Dev, wrapper: string, { io, once, signal }: Show): Promise<Ending> {
  const acts = [
    { release: stage.releaseGood, expected: 'done', title: `A new release for ${stage.node}` },
    {
      release: stage.releaseBad,
      expected: 'rolled back',
      title: 'The next release deploys well, and breaks a service',
    },
  ] as const;
  for (const { release, expected, title } of acts) {
    await release();
    print(io, ['', `— ${title}`, `$ runbook start safe-upgrade --node ${stage.node}`]);
    const ending = await startSafeUpgrade({ io, ending: 'done' }, { node: stage.node });
    if (signal.aborted) return 'interrupted';
    if (ending !== expected) {
      print(io, ['', `Expected this run to end as "${expected}"; it ended as "${ending}".`]);
      return 'failed';
    }
  }
  if (once) {
    print(io, ['', 'The demonstration is removed now; the commands above are for a fleet of your own.']);
    return 'done';
  }
  print(io, ['', ...nextCommands(dev, wrapper, stage.node), '', 'Ctrl-C ends the demonstration and removes it.']);
  await Promise.race([aborted(signal), dev.ended]);
  return signal.aborted ? 'done' : 'failed';
}

const nextCommands = ({ server }: Dev, wrapper: string, node: string): string[] => [
  `Look at both runs in the Web UI: ${server.uiAddress}`,
  'Try, in another terminal:',
  `  ${wrapper} status`,
  `  ${wrapper} list`,
  `  ${wrapper} show safe-upgrade/${node}`,
  `  ${wrapper} plan safe-upgrade --node ${node}`,
  `  ${wrapper} start safe-upgrade --all --yes`,
];

/** Without a file of its own the user's would be read. */
const configIn = (stateDir: string): string => join(stateDir, 'temporal.toml');

/** The user's own, without what would lead to another Temporal. */
function environmentOf(io: Io, stage: Stage, stateDir: string): Record<string, string | undefined> {
  const own = Object.entries(io.env).filter(([name]) => !/^TEMPORAL_(?!CLI)/.test(name));
  return {
    ...Object.fromEntries(own),
    PATH: `${stage.binDir}${delimiter}${io.env['PATH'] ?? ''}`,
    RUNBOOK_STATE: stateDir,
    TEMPORAL_CONFIG_FILE: configIn(stateDir),
  };
}

/** A `runbook` that speaks to this demonstration from any terminal. */
async function writeWrapper(folder: string, { repo }: Stage, stateDir: string): Promise<string> {
  const wrapper = join(folder, 'runbook');
  const program = fileURLToPath(new URL('../cli/main.js', import.meta.url));
  const words = [process.execPath, program, '--repo', repo].map((word) => `'${word.replaceAll("'", `'\\''`)}'`);
  const lines = ['#!/bin/sh', `export RUNBOOK_STATE='${stateDir}' TEMPORAL_CONFIG_FILE='${configIn(stateDir)}'`];
  await writeFile(wrapper, [...lines, `exec ${words.join(' ')} "$@"`, ''].join('\n'), { mode: 0o755 });
  return wrapper;
}
