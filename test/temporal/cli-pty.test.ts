import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';
import { startCliServer, type CliServer } from './cli-server.ts';

const PROGRAM = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
/** script(1) of util-linux gives a program a terminal; where there is none the test is shown as skipped. */
const hasScript = spawnSync('script', ['--version']).status === 0;
const withPty = hasScript ? it : it.skip;

let server: CliServer;
beforeAll(async () => {
  server = await startCliServer();
}, 60_000);
afterAll(() => server.stop());

/** The built program on a terminal of 60 columns: what it shows, and a way to type. */
function onTerminal(argv: string[]): {
  shown: (text: string) => Promise<string>;
  type: (keys: string) => void;
  ended: Promise<number>;
} {
  const command = ['node', PROGRAM, ...argv].map((word) => `'${word}'`).join(' ');
  const child = spawn('script', ['-qec', `stty cols 60 rows 24; exec ${command}`, '/dev/null'], {
    cwd: server.repository,
    env: { PATH: process.env['PATH'], TERM: 'xterm-256color', TEMPORAL_ADDRESS: server.env.address },
  });
  let screen = '';
  child.stdout.on('data', (chunk: Buffer) => {
    screen += chunk.toString();
    child.emit('screen');
  });
  return {
    shown: async (text) => {
      while (!screen.includes(text)) await once(child, 'screen');
      return screen;
    },
    type: (keys) => child.stdin.write(keys),
    ended: once(child, 'exit').then(([code]) => code as number),
  };
}

describe('on a real terminal', () => {
  withPty(
    'a run is shown live, in colour, no wider than the terminal, and Ctrl-C leaves it running',
    async () => {
      const terminal = onTerminal(['start', 'safe-upgrade', '--node', 'waits']);
      await terminal.shown('gate is fine');
      terminal.type('\u0003');
      const screen = await terminal.shown('Left; the run goes on.');
      expect(await terminal.ended).toBe(130);
      expect(screen).toContain('\u001b[32m✔\u001b[39m');
      for (const line of stripVTControlCharacters(screen).split(/\r?\n/))
        if (!line.includes('http://')) expect(line.length).toBeLessThanOrEqual(60);
      const run = await server.env.client.workflow.getHandle('safe-upgrade/waits').describe();
      expect(run.status.name).toBe('RUNNING');
    },
    30_000,
  );

  withPty(
    'the cursor comes back',
    async () => {
      const terminal = onTerminal(['watch', 'safe-upgrade/waits']);
      await terminal.shown('every member Online');
      terminal.type('\u0003');
      await terminal.ended;
      const screen = await terminal.shown('Left;');
      expect(screen.lastIndexOf('\u001b[?25h')).toBeGreaterThan(screen.lastIndexOf('\u001b[?25l'));
    },
    30_000,
  );
});
