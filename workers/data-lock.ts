import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { isAlive, readDevServer, type DevServerRecord } from './dev-state.ts';
import { StartError } from './start-error.ts';

/** Exit code of flock(1) when another process has the lock. */
export const LOCKED = 75;
/** A server that was told to end takes a second or two, more on a busy machine. */
const ORPHAN_TIMEOUT_MS = 10_000;
const INTERVAL_MS = 200;

/**
 * The arguments of flock(1) that exclude a second server on the same data, which would start without complaint. It opens
 * the file and becomes the program, which holds the kernel's lock as long as it lives.
 */
export const flockArguments = (folder: string): string[] => [
  '--nonblock',
  '--conflict-exit-code',
  String(LOCKED),
  '--no-fork',
  join(folder, 'temporal.lock'),
];

/**
 * Waits for a server whose owner was killed: it is told so by the kernel, and ends soon after. `onWait` is called before.
 * Throws StartError `busy` where the owner lives, at once, and where the server stays; AbortError on `signal`.
 */
export async function awaitOrphan(
  folder: string,
  { onWait = () => undefined, signal }: { onWait?: () => void; signal?: AbortSignal } = {},
): Promise<void> {
  const deadline = Date.now() + ORPHAN_TIMEOUT_MS;
  for (let looks = 0; await isLocked(folder); looks++) {
    const other = await readDevServer(folder);
    if (hasOwner(other) || Date.now() > deadline) throw inUse(folder, other);
    if (looks === 0) onWait();
    await pause(INTERVAL_MS, undefined, { ...(signal && { signal }) });
  }
}

/** The refusal, which says where the server is that has the data. */
export function inUse(folder: string, other: DevServerRecord | undefined): StartError {
  const where = other && isAlive(other) ? ` It answers at ${other.address}, its Web UI at ${other.uiAddress}.` : '';
  const message = `A development server keeps its data in ${folder} already.${where}`;
  return new StartError('busy', message, 'Use that one, end it, or choose another folder with RUNBOOK_STATE.');
}

/** One that is only starting has told nobody of itself yet: it does so within the wait, or has gone. */
const hasOwner = (server: DevServerRecord | undefined): boolean =>
  server !== undefined && isAlive({ pid: server.owner ?? server.pid });

async function isLocked(folder: string): Promise<boolean> {
  const probe = spawn('flock', [...flockArguments(folder), 'true'], { stdio: 'ignore' });
  const [code] = (await once(probe, 'exit').catch(() => [undefined])) as [unknown];
  return code === LOCKED;
}
