import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { execa } from 'execa';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { main } from '../../cli/program.ts';
import { startCliServer, type CliServer } from './cli-server.ts';
import { goOnSignal } from './fixtures/procedure.ts';

const PROGRAM = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

let server: CliServer;
beforeAll(async () => {
  server = await startCliServer();
}, 60_000);
afterAll(() => server.stop());

/** The program as it is installed: with a part of the protocol, as code of its own. */
async function built(
  argv: string[],
  env: Record<string, string> = {},
): Promise<{ code: unknown; out: string; err: string }> {
  const { exitCode, stdout, stderr } = await execa(process.execPath, [PROGRAM, ...argv], {
    cwd: server.repository,
    extendEnv: false,
    env: { PATH: process.env['PATH'] ?? '', TEMPORAL_ADDRESS: server.env.address, ...env },
    reject: false,
    stripFinalNewline: false,
  });
  return { code: exitCode, out: stdout, err: stderr };
}

/** What a person may ask of a server with a run that asks, one that is done and one that was rolled back. */
const QUESTIONS = [
  ['status', '--json'],
  ['status'],
  ['list', '--json'],
  ['show', 'safe-upgrade/works', '--json'],
  ['show', 'safe-upgrade/sick', '--json'],
  ['show', 'safe-upgrade/asks'],
  ['show', 'safe-upgrade/nobody'],
  ['report', 'safe-upgrade/sick'],
  ['watch', 'safe-upgrade/sick'],
  ['ui', 'safe-upgrade/works'],
  ['doctor', '--json'],
  ['__complete', '--', 'show', ''],
];

describe('the built program', () => {
  it('starts and follows runs, and says how they ended', async () => {
    const works = await built(['start', 'safe-upgrade', '--node', 'works']);
    expect(works.out).toContain('works runs 26.05.3.');
    expect(works.code).toBe(0);
    expect((await built(['start', 'safe-upgrade', '--node', 'sick'])).code).toBe(3);
    expect((await built(['plan', 'safe-upgrade', '--node', 'works'])).code).toBe(0);
    expect((await built(['start', 'safe-upgrade', '--node', 'asks', '--detach'])).code).toBe(0);
    expect((await built(['start', 'safe-upgrade', '--node', 'asks', '--detach'])).code).toBe(4);
    const watcher = server.io();
    const watching = main(['watch', 'safe-upgrade/asks'], watcher);
    await watcher.shown('waits for a decision until');
    watcher.interrupt();
    await watching;
  });

  it.each<[string, string[]]>(QUESTIONS.map((argv) => [argv.join(' '), argv]))(
    'answers as its sources do: %s',
    async (_line, argv) => {
      const { code, out, err } = await server.run(argv);
      expect(withoutAges(await built(argv))).toEqual(withoutAges({ code, out, err }));
      expect(`${out}${err}`).not.toBe('');
    },
  );

  it('says so where the folder that it is in has been removed', async () => {
    const script = 'mkdir gone && cd gone && rmdir ../gone && exec "$@"';
    const { stderr, exitCode } = await execa('sh', ['-c', script, 'sh', process.execPath, PROGRAM, 'check'], {
      cwd: server.repository,
      reject: false,
    });
    expect(stderr).toMatch(/^There is no folder \S+\/gone\.\n/);
    expect(exitCode).toBe(2);
  });

  it('says which folder its state cannot be kept in', async () => {
    const state = join(server.repository, 'runbook.yaml');
    const { code, err } = await built(['worker'], { RUNBOOK_STATE: state });
    expect(err).toMatch(`The state folder ${state} cannot be made.\nRUNBOOK_STATE names another.\nCause: EEXIST`);
    expect(code).toBe(2);
  });

  it('answers for people, and asks runs to go on or to stop', async () => {
    expect((await built(['approve', 'safe-upgrade/asks', '--reason', 'nobody is at home'])).code).toBe(0);
    expect((await built(['watch', 'safe-upgrade/asks'])).code).toBe(0);
    expect((await built(['retry', 'safe-upgrade/sick'])).code).toBe(3);
    await built(['start', 'safe-upgrade', '--node', 'waits', '--detach']);
    expect((await built(['pause', 'safe-upgrade/waits'])).code).toBe(0);
    await server.env.client.workflow.getHandle('safe-upgrade/waits').signal(goOnSignal);
    expect((await built(['resume', 'safe-upgrade/waits'])).code).toBe(0);
    expect((await built(['watch', 'safe-upgrade/waits'])).code).toBe(0);
    await built(['start', 'safe-upgrade', '--node', 'waits', '--detach']);
    expect((await built(['cancel', 'safe-upgrade/waits'])).code).toBe(0);
  }, 60_000);

  it.each<[string, Record<string, string>]>([
    ['an unknown namespace', { TEMPORAL_NAMESPACE: 'nowhere' }],
    ['a server that is not there', { TEMPORAL_ADDRESS: '127.0.0.1:1' }],
    ['a setting that cannot be meant', { TEMPORAL_ADDRESS: 'http://x:1' }],
  ])('says what its sources say of %s', async (_what, env) => {
    const { code, out, err } = await server.run(['status'], { env });
    expect(await built(['status'], env)).toEqual({ code, out, err });
    expect(code).toBeGreaterThan(0);
  });
});

/** The questions are asked one after the other, and ages are told. */
const withoutAges = ({ code, out, err }: { code: unknown; out: string; err: string }): unknown => ({
  code,
  out: out.replaceAll(/\d+ (?:s|min)\b/g, '? s').replace(/Written .* UTC/, 'Written now'),
  err,
});
