import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { execa } from 'execa';

/**
 * Does `work` while holding the lock of `file`, waiting for whoever has it; `waiting` is called once where that is so.
 * The kernel holds it for a child that ends with this process, so it is never stale.
 */
export async function withLock<T>(file: string, waiting: () => void, work: () => Promise<T>): Promise<T> {
  await mkdir(dirname(file), { recursive: true });
  const child = execa('flock', [file, 'sh', '-c', 'echo held; exec cat'], { stdin: 'pipe', reject: false });
  const timer = setTimeout(waiting, 500);
  const first = await child[Symbol.asyncIterator]().next();
  clearTimeout(timer);
  if (first.value !== 'held') throw new Error(`the lock ${file} cannot be taken: ${(await child).stderr}`);
  try {
    return await work();
  } finally {
    child.stdin.end();
    await child;
  }
}
