import { dirname, join } from 'node:path';
import { types } from 'node:util';
import { checkOpenRuns, type Replayed } from '../../workers/check-open-runs.ts';
import { readDevServer } from '../../workers/dev-state.ts';
import { createLogger, type LogLevel } from '../../workers/logging.ts';
import { runDevelopment, runWorker, type RunOptions } from '../../workers/run.ts';
import { StartError } from '../../workers/start-error.ts';
import { stateFolder } from '../../workers/state-folder.ts';
import { BinaryNotFound } from '../../workers/binaries/events.ts';
import type { CommandContext } from '../context.ts';
import { CliError, errorCode } from '../errors.ts';
import type { Ending } from '../exit-codes.ts';
import { print } from '../io.ts';
import { findFleetFile } from '../fleet-file.ts';
import { renderDevEvent, renderReplayed, renderWorkerEvent } from '../render/serve.ts';
import { findEndpoint, unlessGone } from '../temporal/connect.ts';
import { VERSION } from '../version.ts';

export interface ServeOptions {
  metrics?: string;
  logLevel: LogLevel;
  logFile?: string;
}

/** Runs a worker until it is asked to stop. Throws CliError for what kept it from starting. */
export async function serveWorker(context: CommandContext, options: ServeOptions): Promise<Ending> {
  const { io } = context;
  const settings = await settingsOf(context, options, options.logFile);
  const development = await readDevServer(settings.stateDir);
  const { address } = findEndpoint(io, development?.address);
  const env = { ...io.env, TEMPORAL_ADDRESS: address };
  const report = (event: Parameters<typeof renderWorkerEvent>[0]): void => {
    print(io, renderWorkerEvent(event));
  };
  return explained(() => runWorker({ ...settings, env, report })).catch((error: unknown) => {
    throw unlessGone(error, address, development);
  });
}

/** Whether the runs that are open would go on with this build; takes no work. */
export async function checkBuild({ io }: CommandContext): Promise<Ending> {
  const development = await readDevServer(stateFolder(io.env));
  const { address } = findEndpoint(io, development?.address);
  const logger = createLogger({ level: 'silent' });
  let replayed: Replayed[] = [];
  await explained(async () => {
    replayed = await checkOpenRuns({ env: { ...io.env, TEMPORAL_ADDRESS: address }, logger });
  }).catch((error: unknown) => {
    throw unlessGone(error, address, development);
  });
  print(io, renderReplayed(replayed));
  return replayed.every(({ problem }) => problem === undefined) ? 'done' : 'failed';
}

/** Runs a development server, its Web UI and a worker until it is asked to stop. */
export async function serveDevelopment(
  context: CommandContext,
  options: ServeOptions & { port?: number },
): Promise<Ending> {
  const { io } = context;
  const state = stateFolder(io.env);
  const settings = await settingsOf(context, options, options.logFile ?? join(state, 'worker.log'));
  const report = (event: Parameters<typeof renderDevEvent>[0]): void => {
    const lines = renderDevEvent(event, settings.log.file);
    if (event.type === 'waits for a server to end') io.stderr.write(`${lines.join('\n')}\n`);
    else print(io, lines);
  };
  const port = options.port === undefined ? {} : { port: options.port };
  return explained(() => runDevelopment({ ...settings, ...port, report }));
}

async function settingsOf(
  context: CommandContext,
  { metrics, logLevel }: ServeOptions,
  logFile: string | undefined,
): Promise<RunOptions> {
  const { env } = context.io;
  return {
    repo: dirname(await findFleetFile(context)),
    stateDir: stateFolder(env),
    env,
    version: VERSION,
    log: { level: logLevel, ...(logFile === undefined ? {} : { file: logFile }) },
    ...(metrics === undefined ? {} : { metrics }),
  };
}

/** What the file system says of folders that are not ours. */
const UNWRITABLE = ['EACCES', 'EPERM', 'EROFS', 'ENOTDIR'];

async function explained(work: () => Promise<void>): Promise<Ending> {
  try {
    await work();
    return 'done';
  } catch (error) {
    if (error instanceof BinaryNotFound) throw new CliError('wrong config', error.message);
    if (types.isNativeError(error) && error.name === 'AbortError') throw new CliError('interrupted', 'Stopped.');
    if (UNWRITABLE.includes(errorCode(error) ?? ''))
      throw new CliError('wrong config', 'The state folder cannot be written to.', {
        description: ['RUNBOOK_STATE names another.'],
        cause: error,
      });
    if (!(error instanceof StartError)) throw error;
    const description = error.whatToDo.split('\n');
    throw new CliError(endingOf(error), error.message, { description, cause: error.cause });
  }
}

function endingOf({ type }: StartError): Ending {
  switch (type) {
    case 'unreachable':
      return 'unreachable';
    case 'refused':
      return 'wrong config';
    // Not `already running`: that is said of runs.
    case 'busy':
    case 'broken':
      return 'failed';
  }
}
