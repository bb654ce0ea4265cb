/** What a development server leaves for other programs to find it. Node.js built-ins only. */
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { writeWhole } from './whole-file.ts';

export interface DevServerRecord {
  /** `127.0.0.1:7233` */
  address: string;
  /** `http://127.0.0.1:8233` */
  uiAddress: string;
  pid: number;
  /** The process that started it, and whose end it does not outlive by much. Not told by older versions. */
  owner?: number;
  /** ISO 8601. */
  startedAt: string;
}

const fileIn = (folder: string): string => join(folder, 'dev-server.json');

/**
 * The development server that keeps its data in this state folder: one that runs, or one that was killed and has not
 * been started again, which {@link isAlive} tells. Undefined where there was none, or it was stopped in order.
 */
export async function readDevServer(folder: string): Promise<DevServerRecord | undefined> {
  try {
    return JSON.parse(await readFile(fileIn(folder), 'utf8')) as DevServerRecord;
  } catch {
    return undefined;
  }
}

/** Whether it runs. Another process may have got its number since. */
export function isAlive({ pid }: Pick<DevServerRecord, 'pid'>): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

export const writeDevServer = (folder: string, server: DevServerRecord): Promise<void> =>
  writeWhole(fileIn(folder), `${JSON.stringify(server, undefined, 2)}\n`);

export const forgetDevServer = (folder: string): Promise<void> => rm(fileIn(folder), { force: true });
