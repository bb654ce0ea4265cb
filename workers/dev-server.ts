import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { readFile, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Connection } from '@temporalio/client';
import { SEARCH_ATTRIBUTES } from '../workflows/messages.ts';
import { awaitOrphan, flockArguments, inUse, LOCKED } from './data-lock.ts';
import { forgetDevServer, readDevServer, writeDevServer } from './dev-state.ts';
import { answers, findFreePort, isFree, LOOPBACK, UI_OFFSET } from './ports.ts';
import { makeFilesPrivate } from './private-folder.ts';
import { missingSearchAttributes } from './search-attributes.ts';
import { StartError } from './start-error.ts';

export interface DevServerOptions {
  /** The Temporal CLI: {@link findTemporalCli}. */
  executable: string;
  /** Keeps the data, the log and the address across restarts. Made if missing; one server per folder. */
  folder: string;
  /** Taken as it is. Without it: 7233 if that is free, else any. The Web UI listens a thousand above. */
  port?: number;
  /** `--dynamic-config-value` and the like. */
  extraArgs?: readonly string[];
  /** Called where the server of one that was killed is still ending, which is waited for. */
  onWait?: () => void;
  /** Ends that wait. */
  signal?: AbortSignal;
}

export interface DevServer {
  /** `127.0.0.1:7233` */
  address: string;
  /** `http://127.0.0.1:8233` */
  uiAddress: string;
  pid: number;
  logFile: string;
  /** Resolves when the server has ended, for whatever reason. */
  exited: Promise<void>;
  /** Ends it and waits for that. Idempotent. */
  stop(): Promise<void>;
}

const USUAL_PORT = 7233;
const READY_TIMEOUT_MS = 30_000;
const READY_INTERVAL_MS = 25;
const STOP_TIMEOUT_MS = 10_000;
const LOG_LIMIT_BYTES = 10_000_000;

/**
 * Starts the development server with its Web UI and waits until it takes work. It has its own process group, so a
 * terminal's Ctrl-C reaches us first, and ends with us even when we are killed.
 * Throws StartError: `busy` (the folder or the port is in use), `broken` (it ended or is not ready after 30 s).
 */
export async function startDevServer(options: DevServerOptions): Promise<DevServer> {
  const { folder } = options;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const { port: wanted, onWait, signal } = options;
  // Before the ports are looked at, which it has as well.
  await awaitOrphan(folder, { ...(onWait && { onWait }), ...(signal && { signal }) });
  const port = await choosePort(wanted);
  const logFile = join(folder, 'temporal.log');
  await rotate(logFile);
  await makeFilesPrivate(folder);
  const child = launch(options, port, logFile);
  const exited = new Promise<void>((resolve) => {
    child.once('exit', () => {
      resolve();
    });
    child.once('error', () => {
      resolve();
    });
  });
  const stop = () => end(child, exited).finally(() => forgetDevServer(folder));
  try {
    if ((await ready(port, child)) === 'ended') throw await whyEnded(child, folder, logFile);
  } catch (error) {
    await end(child, exited);
    throw error;
  }
  const address = `${LOOPBACK}:${port}`;
  const uiAddress = `http://${LOOPBACK}:${port + UI_OFFSET}`;
  const pid = child.pid ?? 0;
  await writeDevServer(folder, { address, uiAddress, pid, owner: process.pid, startedAt: new Date().toISOString() });
  return { address, uiAddress, pid, logFile, exited, stop };
}

async function choosePort(wanted: number | undefined): Promise<number> {
  const port = wanted ?? USUAL_PORT;
  const taken = [];
  for (const each of [port, port + UI_OFFSET]) if (!(await isFree(each))) taken.push(each);
  if (taken.length === 0) return port;
  if (wanted === undefined) return findFreePort();
  const ports =
    taken.length === 1 ? `Port ${taken.join()} on ${LOOPBACK} is` : `Ports ${taken.join(' and ')} on ${LOOPBACK} are`;
  const message = `${ports} in use.`;
  throw new StartError('busy', message, 'Choose another port (the Web UI takes the one a thousand above), or none.');
}

/** Starts it under the lock of its data. */
function launch({ executable, folder, extraArgs = [] }: DevServerOptions, port: number, logFile: string): ChildProcess {
  const attributes = SEARCH_ATTRIBUTES.flatMap((name) => ['--search-attribute', `${name}=Keyword`]);
  const server = [executable, 'server', 'start-dev', '--db-filename', join(folder, 'temporal.db')];
  const place = ['--ip', LOOPBACK, '--port', String(port), '--ui-port', String(port + UI_OFFSET)];
  const argv = [
    '--pdeathsig',
    'TERM',
    'flock',
    ...flockArguments(folder),
    ...server,
    ...place,
    '--ui-disable-news-fetch',
    ...attributes,
    ...extraArgs,
  ];
  const log = openSync(logFile, 'a', 0o600);
  // The server makes its files readable for everybody, and the folder may be open to them.
  const usual = process.umask(0o077);
  try {
    return spawn('setpriv', argv, { detached: true, stdio: ['ignore', log, log] });
  } finally {
    process.umask(usual);
    closeSync(log);
  }
}

/** Waits until the namespace and the search attributes are there: the port opens before they are. */
async function ready(port: number, child: ChildProcess): Promise<'ready' | 'ended'> {
  const deadline = Date.now() + READY_TIMEOUT_MS;
  while (Date.now() < deadline) {
    if (hasEnded(child)) return 'ended';
    if ((await answers(port)) && (await takesWork(port))) return 'ready';
    await pause(READY_INTERVAL_MS);
  }
  const message = `The development server does not answer on port ${port} after ${READY_TIMEOUT_MS / 1000} s.`;
  throw new StartError('broken', message, 'Is this machine very busy? Its log may tell more.');
}

const hasEnded = (child: ChildProcess): boolean =>
  child.pid === undefined || child.exitCode !== null || child.signalCode !== null;

async function takesWork(port: number): Promise<boolean> {
  try {
    const connection = await Connection.connect({ address: `${LOOPBACK}:${port}`, connectTimeout: 2000 });
    try {
      return (await missingSearchAttributes(connection, 'default')).length === 0;
    } finally {
      await connection.close();
    }
  } catch {
    return false;
  }
}

async function whyEnded(child: ChildProcess, folder: string, logFile: string): Promise<StartError> {
  if (child.exitCode === LOCKED) return inUse(folder, await readDevServer(folder));
  const lastLines = (await readFile(logFile, 'utf8')).trimEnd().split('\n').slice(-3).join('\n');
  const how = child.signalCode ?? (child.exitCode === null ? 'not started' : `exit code ${child.exitCode}`);
  const message = `The development server ended before it was ready (${how}).\n${lastLines}`;
  return new StartError('broken', message, `All it said is in ${logFile}.`);
}

async function end(child: ChildProcess, exited: Promise<void>): Promise<void> {
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    if (child.pid === undefined || hasEnded(child)) return;
    process.kill(-child.pid, signal);
    await Promise.race([exited, pause(STOP_TIMEOUT_MS, undefined, { ref: false })]);
  }
}

async function rotate(logFile: string): Promise<void> {
  const size = await stat(logFile).then(
    (file) => file.size,
    () => 0,
  );
  if (size > LOG_LIMIT_BYTES) await rename(logFile, `${logFile}.1`);
}
