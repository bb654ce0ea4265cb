import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readDevServer } from '../../workers/dev-state.ts';
import { findFreePort } from '../../workers/ports.ts';
import { referenceFleetFile } from '../../simulator/reference-fleet.ts';
import { eventually } from '../hosts/eventually.ts';

const PROGRAM = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
let folder: string;
let port: number;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'runbook-dev-'));
  await writeFile(join(folder, 'runbook.yaml'), referenceFleetFile());
  port = await findFreePort();
});
afterAll(() => rm(folder, { recursive: true }));

const env = (): NodeJS.ProcessEnv => ({ ...process.env, NODE_OPTIONS: '', RUNBOOK_STATE: join(folder, 'state') });

/** Another command that has to find the server. */
const run = (...command: string[]): { status: number | null; stderr: string } =>
  spawnSync(process.execPath, [PROGRAM, '--repo', folder, ...command], {
    env: env(),
    encoding: 'utf8',
    timeout: 30_000,
  });

/** `runbook dev` until its worker polls. */
async function start(): Promise<{ dev: ChildProcess; serverPid: number }> {
  const dev = spawn(process.execPath, [PROGRAM, '--repo', folder, 'dev', '--port', String(port)], {
    env: env(),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let said = '';
  await new Promise<void>((resolve) => {
    dev.once('exit', () => {
      resolve();
    });
    dev.stdout.on('data', (chunk) => {
      said += String(chunk);
      if (/polls task queue/.test(said)) resolve();
    });
  });
  const server = await readDevServer(join(folder, 'state'));
  if (!server) throw new Error(`Expected a running server, got: ${said}`);
  return { dev, serverPid: server.pid };
}

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

describe('runbook dev, as a process', () => {
  it('has failed where a port is in use, which is no run that is open', async () => {
    const other = createServer().listen(port, '127.0.0.1');
    await once(other, 'listening');
    const dev = run('dev', '--port', String(port));
    const worker = run('worker', '--metrics', `127.0.0.1:${port}`);
    other.close();
    expect(dev).toMatchObject({ status: 1, stderr: expect.stringContaining(`Port ${port} on 127.0.0.1 is in use.`) });
    expect(worker).toMatchObject({ status: 1, stderr: expect.stringContaining("Metrics can't be served at") });
  }, 60_000);

  it('ends with 0 on SIGTERM and takes its server with it', async () => {
    const { dev, serverPid } = await start();
    expect(isAlive(serverPid)).toBe(true);
    dev.kill('SIGTERM');
    expect(await once(dev, 'exit')).toEqual([0, null]);
    expect(isAlive(serverPid)).toBe(false);
  }, 60_000);

  it('leaves no server behind when it is killed, which others then say, and starts again on the same data', async () => {
    const { dev, serverPid } = await start();
    dev.kill('SIGKILL');
    await once(dev, 'exit');
    await eventually('the server ends', () => !isAlive(serverPid), 15_000);
    for (const command of ['status', 'worker']) {
      const { status, stderr } = run(command);
      expect(stderr).toMatch(`The server that "runbook dev" started at 127.0.0.1:${port} is gone.\n`);
      expect(status).toBe(5);
    }
    const third = await start();
    third.dev.kill('SIGKILL');
    await once(third.dev, 'exit');
    // While the server of the killed one is still ending.
    const again = await start();
    again.dev.kill('SIGINT');
    expect(await once(again.dev, 'exit')).toEqual([0, null]);
  }, 90_000);
});
