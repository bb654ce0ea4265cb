import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { startCliServer, type CliServer } from './cli-server.ts';

const PROGRAM = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

let server: CliServer;
beforeAll(async () => {
  server = await startCliServer();
}, 60_000);
afterAll(() => server.stop());

/** The built program; `stdout` is a file, or a pipe. */
function start(argv: string[], stdout: number | 'pipe' = 'pipe'): ChildProcess {
  return spawn(process.execPath, [PROGRAM, ...argv], {
    cwd: server.repository,
    env: { PATH: process.env['PATH'], TEMPORAL_ADDRESS: server.env.address },
    stdio: ['ignore', stdout, 'pipe'],
  });
}
const exitCode = async (child: ChildProcess): Promise<unknown> => (await once(child, 'exit'))[0];
const statusOf = async (workflowId: string): Promise<string> =>
  (await server.env.client.workflow.getHandle(workflowId).describe()).status.name;

describe('where nobody reads any more', () => {
  it('following a run ends as with Ctrl-C, and the run goes on', async () => {
    const child = start(['start', 'safe-upgrade', '--node', 'retries']);
    const ended = exitCode(child);
    await once(child.stdout ?? child, 'data');
    child.stdout?.destroy();
    expect(await ended).toBe(130);
    expect(await statusOf('safe-upgrade/retries')).toBe('RUNNING');
    await server.env.client.workflow.getHandle('safe-upgrade/retries').terminate('enough');
  });

  it.each([
    ['list', 0],
    ['schema', 0],
    ['--help', 0],
    ['show safe-upgrade/nobody', 1],
    ['show', 2],
  ])('%s ends as it would have, with %d', async (line, code) => {
    const child = start(line.split(' '));
    child.stdout?.destroy();
    child.stderr?.destroy();
    expect(await exitCode(child)).toBe(code);
  });
});

describe('where what is said cannot be kept', () => {
  it.each(['--help', 'schema', 'list'])('%s fails, and says so', async (command) => {
    const full = openSync('/dev/full', 'w');
    const child = start([command], full);
    closeSync(full);
    const [code, said] = await Promise.all([exitCode(child), text(child.stderr as Readable)]);
    expect(said).toBe('What was to be said could not be written: ENOSPC: no space left on device, write\n');
    expect(code).toBe(1);
  });
});
