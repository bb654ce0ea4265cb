import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { main } from '../../cli/program.ts';
import { startCliServer, type CliServer } from './cli-server.ts';
import { goOnSignal } from './fixtures/procedure.ts';

let server: CliServer;
beforeAll(async () => {
  server = await startCliServer();
}, 60_000);
afterAll(() => server.stop());

describe('start', () => {
  it('starts the run, follows it and ends with 0', async () => {
    const { code, out, err } = await server.run(['start', 'safe-upgrade', '--node', 'works']);
    expect(err).toBe('');
    expect(out).toContain('safe-upgrade/works started · http://127.0.0.1:');
    expect(out).toMatch(/Z {2}verify {5}done {8}4 probes: verify is fine \(\d/);
    expect(out).toContain('works runs 26.05.3.\nLeft behind:\n  Snapshots are kept until 30 Nov.');
    expect(code).toBe(0);
  });

  it('pins the commit of the monorepo and says who started it', async () => {
    await server.run(['start', 'safe-upgrade', '--node', 'already', '--allow-offline', 'sick', '--allow-orchestrator']);
    const history = await server.env.client.workflow.getHandle('safe-upgrade/already').fetchHistory();
    const input = history.events?.[0]?.workflowExecutionStartedEventAttributes;
    const [payload] = input?.input?.payloads ?? [];
    expect(JSON.parse(Buffer.from(payload?.data ?? []).toString())).toEqual({
      fleet: { revision: server.revision },
      node: 'already',
      actor: expect.stringMatching(/^[^@]+@.+$/),
      allowOffline: ['sick'],
      allowOrchestrator: true,
      planOnly: false,
    });
    expect(input?.identity).toMatch(/@.* runbook$/);
  });

  it('ends with 3 when the run rolled back, and shows why', async () => {
    const { code, out } = await server.run(['start', 'safe-upgrade', '--node', 'sick']);
    expect(out).toContain('failed      4 probes: https://edge.lan/health: 502');
    expect(out).toContain('sick is as before.');
    expect(code).toBe(3);
  });

  it('ends with 1 when the run failed', async () => {
    const { code, out } = await server.run(['start', 'safe-upgrade', '--node', 'breaks']);
    expect(out).toContain('breaks needs you.');
    expect(code).toBe(1);
  });

  it('refuses a second start of an open run with 4, and follows the first on Ctrl-C no more', async () => {
    const first = await server.run(['start', 'safe-upgrade', '--node', 'waits', '--detach']);
    expect(first.code).toBe(0);
    const second = await server.run(['start', 'safe-upgrade', '--node', 'waits']);
    expect(second.err).toContain(
      'Not started: safe-upgrade/waits is already running.\n  runbook watch safe-upgrade/waits',
    );
    expect(second.code).toBe(4);

    const watcher = server.io();
    const watching = main(['watch', 'safe-upgrade/waits'], watcher);
    await watcher.shown('gate is fine');
    watcher.interrupt();
    expect(await watching).toBe(130);
    expect(watcher.out()).toContain('Left; the run goes on.');
    const handle = server.env.client.workflow.getHandle('safe-upgrade/waits');
    expect((await handle.describe()).status.name).toBe('RUNNING');
    await handle.signal(goOnSignal);
    await handle.result();
  });

  it('shows retries with their number and error, stripped of what a terminal would obey', async () => {
    const watcher = server.io();
    const watching = main(['start', 'safe-upgrade', '--node', 'retries'], watcher);
    await watcher.shown('deploy: attempt 2, because: elitedesk-1 is unreachable: No route to host');
    server.mend();
    expect(await watching).toBe(0);
    expect(watcher.out()).not.toContain('\u001b');
  });
});
