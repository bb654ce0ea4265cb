import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * Runs `work` while no other process runs it under the same lock file. The lock is the kernel's (flock(1) in a child
 * that ends with us), so it is never stale. Where there is no flock(1) (macOS) the work runs without a lock:
 * use this to save double work, not for safety.
 */
export async function withFileLock<T>(file: string, work: () => Promise<T>, onWait: () => void): Promise<T> {
  await mkdir(dirname(file), { recursive: true });
  const waiting = setTimeout(onWait, 500);
  const release = await acquire(file);
  clearTimeout(waiting);
  try {
    return await work();
  } finally {
    await release();
  }
}

/** The child says so when it has the lock, and gives it back when its standard input closes. */
async function acquire(file: string): Promise<() => Promise<void>> {
  const holder = spawn('flock', [file, 'sh', '-c', 'echo locked; exec cat'], { stdio: ['pipe', 'pipe', 'ignore'] });
  const ended = new Promise<void>((resolve) => {
    holder.once('close', () => {
      resolve();
    });
    holder.once('error', () => {
      resolve();
    });
  });
  holder.stdin.on('error', () => undefined); // it was never started, or was killed
  await Promise.race([once(holder.stdout, 'data'), ended]);
  return async () => {
    holder.stdin.end();
    await ended;
  };
}
