import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { startDevServer, type DevServer } from '../../workers/dev-server.ts';
import { readDevServer, writeDevServer } from '../../workers/dev-state.ts';
import { findFreePort } from '../../workers/ports.ts';
import { SEARCH_ATTRIBUTES, TASK_QUEUE } from '../../workflows/messages.ts';

const executable = process.env['RUNBOOK_TEMPORAL'] ?? 'set by global-setup.mjs';
let folder: string;
const started: DevServer[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'runbook-dev-server-'));
});
afterEach(async () => {
  await Promise.all(started.splice(0).map((server) => server.stop()));
  await rm(folder, { recursive: true });
});

async function start(port?: number): Promise<DevServer> {
  const server = await startDevServer({ executable, folder, port: port ?? (await findFreePort()) });
  started.push(server);
  return server;
}

async function withConnection<T>({ address }: DevServer, work: (connection: Connection) => Promise<T>): Promise<T> {
  const connection = await Connection.connect({ address });
  try {
    return await work(connection);
  } finally {
    await connection.close();
  }
}

describe('the development server', () => {
  it('takes runs with the search attributes as soon as it is started, and keeps them across a restart', async () => {
    const first = await start();
    await withConnection(first, (connection) =>
      new Client({ connection }).workflow.start('nap', { workflowId: 'kept', taskQueue: TASK_QUEUE, args: [] }),
    );
    await first.stop();
    const second = await start();
    await withConnection(second, async (connection) => {
      const { status } = await new Client({ connection }).workflow.getHandle('kept').describe();
      expect(status.name).toBe('RUNNING');
      const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace: 'default' });
      expect(Object.keys(customAttributes)).toEqual(expect.arrayContaining([...SEARCH_ATTRIBUTES]));
    });
  }, 60_000);

  it('serves its Web UI, and tells other programs where it is until it stops', async () => {
    const server = await start();
    const page = await fetch(server.uiAddress);
    expect([page.status, page.headers.get('content-type')]).toEqual([200, expect.stringContaining('text/html')]);
    const { address, uiAddress, pid } = server;
    expect(await readDevServer(folder)).toMatchObject({ address, uiAddress, pid });
    expect((await stat(join(folder, 'dev-server.json'))).mode & 0o777).toBe(0o600);
    await server.stop();
    expect(await readDevServer(folder)).toBeUndefined();
  }, 60_000);

  it('keeps what may hold histories from other users, in a folder that is open to them', async () => {
    await chmod(folder, 0o755);
    await writeFile(join(folder, 'temporal.log'), '', { mode: 0o644 });
    await start();
    const names = await readdir(folder);
    expect(names).toEqual(expect.arrayContaining(['temporal.db', 'temporal.lock', 'temporal.log']));
    for (const name of names) expect([name, (await stat(join(folder, name))).mode & 0o077]).toEqual([name, 0]);
  }, 60_000);

  it('refuses a second one on the same data, and says where the first is', async () => {
    const first = await start();
    await expect(start()).rejects.toMatchObject({ type: 'busy', message: expect.stringContaining(first.address) });
  }, 60_000);

  it('waits for a server to end whose owner was killed', async () => {
    const holder = spawn('flock', ['--no-fork', join(folder, 'temporal.lock'), 'sleep', '60']);
    const { pid: owner } = spawnSync('true');
    const address = '127.0.0.1:1';
    await writeDevServer(folder, { address, uiAddress: address, pid: holder.pid ?? 0, owner, startedAt: 'just now' });
    const port = await findFreePort();
    const server = await startDevServer({ executable, folder, port, onWait: () => void holder.kill() });
    started.push(server);
    expect(holder.killed).toBe(true);
    expect(server.address).toBe(`127.0.0.1:${port}`);
  }, 60_000);

  it('refuses a port that is in use', async () => {
    const port = await findFreePort();
    const other = createServer().listen(port, '127.0.0.1');
    await once(other, 'listening');
    await expect(start(port)).rejects.toMatchObject({ type: 'busy', message: expect.stringContaining(String(port)) });
    other.close();
  });

  it('says what a server said that ended at once', async () => {
    const broken = join(folder, 'broken');
    await writeFile(broken, '#!/bin/sh\necho "no space left on the moon"\nexit 3\n', { mode: 0o755 });
    await expect(startDevServer({ executable: broken, folder, port: await findFreePort() })).rejects.toMatchObject({
      type: 'broken',
      message: expect.stringMatching(/exit code 3[^]*no space left on the moon/),
    });
    expect(await readFile(join(folder, 'temporal.log'), 'utf8')).toContain('moon');
  });
});
