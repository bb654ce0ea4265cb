import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { main } from '../../cli/program.ts';
import type { RunView } from '../../plan/run.ts';
import { TASK_QUEUE } from '../../workflows/messages.ts';
import { eventually } from '../hosts/eventually.ts';
import { testIo } from '../cli/io.ts';
import { startCliServer, type CliServer } from './cli-server.ts';
import { startLocalServer } from './environment.ts';
import { goOnSignal } from './fixtures/procedure.ts';

let server: CliServer;
beforeAll(async () => {
  server = await startCliServer();
}, 60_000);
afterAll(() => server.stop());

const lines = (text: string): Record<string, unknown>[] =>
  text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);

describe('status', () => {
  it('shows what waits for a person, and what nobody has mended', async () => {
    await server.run(['start', 'safe-upgrade', '--node', 'breaks']);
    const watcher = server.io();
    const watching = main(['start', 'safe-upgrade', '--node', 'asks'], watcher);
    await watcher.shown('waits for a decision until');
    const { code, out } = await server.run(['status']);
    expect(out).toMatch(/^homelab · 10 members · 0 guests · 1 run open · 2 runs need you\n/);
    expect(out).toContain('safe-upgrade/asks   waits for you');
    expect(out).toContain('runbook approve safe-upgrade/asks --reason …');
    expect(out).toContain('runbook show safe-upgrade/breaks   or   runbook retry safe-upgrade/breaks');
    expect(code).toBe(0);
    await server.run(['reject', 'safe-upgrade/asks', '--reason', 'the test is over']);
    expect(await watching).toBe(3);
  });

  it('works outside of a monorepo', async () => {
    const { code, out } = await server.run(['status'], { cwd: '/' });
    expect(out).toMatch(/^no run is open · 1 run needs you\n {2}safe-upgrade\/breaks {3}failed/);
    expect(code).toBe(0);
  });

  it('passes over what a person ended, where all is as before', async () => {
    expect((await server.run(['list', '--subject', 'asks'])).out).toContain('rolled back');
    await server.run(['start', 'safe-upgrade', '--node', 'waits', '--detach']);
    await server.run(['cancel', 'safe-upgrade/waits']);
    const { out } = await server.run(['status']);
    expect(out).toMatch(/ · 1 run needs you\n {2}safe-upgrade\/breaks .*\n.*\n$/);
  });
});

describe('status --live', () => {
  it('has a worker look, and leaves no run behind', async () => {
    const { code, out } = await server.run(['status', '--live']);
    expect(out).toMatch(/^homelab · 1 of 2 members Online, Incus 6\.0\.4 · 1 guest running · /);
    expect(out).toContain('  sick   Offline   No route to host\n      runbook doctor --node sick\n');
    expect(code).toBe(0);
    expect((await server.run(['list', '--json'])).out).not.toContain('glance');
  });

  it('looks at the copies as well', async () => {
    const { out } = await server.run(['status', '--live']);
    expect(out.split('\n')[0]).toMatch(/1 copy and the fleet need you$/);
    expect(out).toMatch(/Copies: 1 of 1 late, as they are now .*\n.*\n {2}edge-data .* none +never proven\n/);
  });

  it('needs a fleet file', async () => {
    const { code, err } = await server.run(['status', '--live'], { cwd: '/' });
    expect(err).toContain('No runbook.yaml in / or above.');
    expect(code).toBe(2);
  });
});

describe('watch --json', () => {
  it('prints what was started, each state, and the end', async () => {
    const { code, out } = await server.run(['start', 'safe-upgrade', '--node', 'sick', '--json']);
    const all = lines(out);
    expect(all[0]).toMatchObject({ type: 'started', workflowId: 'safe-upgrade/sick' });
    expect(all.slice(1, -1).every(({ type }) => type === 'state')).toBe(true);
    expect(all.at(-2)).toMatchObject({ run: { status: 'Failed', view: { result: { outcome: 'RolledBack' } } } });
    expect(all.at(-1)).toMatchObject({ type: 'end', ending: 'rolled back' });
    expect(code).toBe(3);
  });
});

describe('report', () => {
  it('writes a page for its reader alone, and prints Markdown', async () => {
    await server.run(['start', 'safe-upgrade', '--node', 'sick']);
    const file = join(server.repository, 'report.html');
    const { code, out } = await server.run(['report', 'safe-upgrade/sick', '--html', 'report.html']);
    expect(out).toBe(`${file}\n`);
    expect(code).toBe(0);
    expect(await readFile(file, 'utf8')).toContain('https://edge.lan/health: 502');
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    const markdown = await server.run(['report', 'safe-upgrade/sick']);
    expect(markdown.out).toContain('# safe-upgrade/sick: rolled back');
    const printed = await server.run(['report', 'safe-upgrade/sick', '--html', '-']);
    expect(printed.out).toMatch(/^<!doctype html>[^]*<\/html>\n$/i);
    const nowhere = await server.run(['report', 'safe-upgrade/sick', '--html', 'no/such/folder.html']);
    expect(nowhere.err).toMatch(/^The report cannot be written to .*\nCause: ENOENT/);
    expect(nowhere.code).toBe(2);
  });
});

describe('doctor', () => {
  it('says what is missing, from here to Temporal', async () => {
    const { out } = await server.run(['doctor', '--json']);
    expect(lines(out)).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ what: 'fleet file', verdict: 'passed' }),
        expect.objectContaining({
          what: 'commit',
          verdict: 'passed',
          found: expect.stringContaining(server.revision.slice(0, 7)) as never,
        }),
        expect.objectContaining({
          what: 'encryption',
          verdict: 'passed',
          found: 'What Temporal keeps is not encrypted.',
        }),
        expect.objectContaining({ what: 'search attributes', verdict: 'passed' }),
        expect.objectContaining({ what: 'worker', verdict: 'passed', found: 'test@worker on task queue runbook' }),
        expect.objectContaining({ where: 'nuc-1', what: 'ssh', verdict: 'failed' }),
      ]),
    );
    const { code, out: text } = await server.run(['doctor'], { columns: 80, isTTY: true });
    expect(text).toContain('→ Is it on?');
    expect(code).toBe(1);
  });

  it('ends with 5 without a server, and with 2 for a node that is not there', async () => {
    const nowhere = await server.run(['doctor'], { env: { TEMPORAL_ADDRESS: '127.0.0.1:1' } });
    expect(nowhere.out).toContain('Temporal does not answer at 127.0.0.1:1.');
    expect(nowhere.code).toBe(5);
    expect((await server.run(['doctor', '--node', 'works-'])).err).toContain('Did you mean works?');
  }, 20_000);
});

describe('a run works by a commit', () => {
  it('so a broken work tree keeps nobody from starting', async () => {
    const file = join(server.repository, 'runbook.yaml');
    const text = await readFile(file, 'utf8');
    await writeFile(file, 'members: [');
    try {
      expect((await server.run(['start', 'safe-upgrade', '--node', 'works'])).code).toBe(0);
      expect((await server.run(['check'])).code).toBe(2);
    } finally {
      await writeFile(file, text);
    }
  });
});

describe('an unknown namespace', () => {
  it('is a mistake of configuration', async () => {
    const { code, err } = await server.run(['list'], { env: { TEMPORAL_NAMESPACE: 'nowhere' } });
    expect(err).toContain('has no namespace "nowhere".\n');
    expect(code).toBe(2);
  });
});

describe('a mistyped run', () => {
  it('is told what was probably meant', async () => {
    expect((await server.run(['show', 'safe-upgrade/wroks'])).err).toContain('Did you mean safe-upgrade/works?');
    expect((await server.run(['list', '--subject', 'wroks'])).out).toBe('No runs. Did you mean works?\n');
  });
});

describe('a terminal', () => {
  it('is asked before every member is upgraded', async () => {
    const no = await server.run(['start', 'safe-upgrade', '--all'], { answer: 'n' });
    expect(no.err).toBe('Not started.\n');
    expect(no.code).toBe(1);
    const nobody = await server.run(['start', 'safe-upgrade', '--all']);
    expect(nobody.err).toContain('Expected --yes, as there is no terminal to ask.');
    expect(nobody.code).toBe(2);
  });

  it('shows a run live, and the whole of it in the end', async () => {
    const watcher = server.io({ columns: 60, isTTY: true, env: { NO_COLOR: '1' } });
    const watching = main(['start', 'safe-upgrade', '--node', 'waits'], watcher);
    await watcher.shown('✔ gate');
    await server.env.client.workflow.getHandle('safe-upgrade/waits').signal(goOnSignal);
    expect(await watching).toBe(0);
    expect(watcher.out()).toContain('Ctrl-C leaves it running.');
    const end = watcher.out().slice(watcher.out().lastIndexOf('safe-upgrade/waits · done'));
    expect(end).toMatch(/^safe-upgrade\/waits · done · took [\d.]+ s · revision [0-9a-f]{7}\n\n {2}✔ gate /);
    expect(end).toMatch(/ {2}✔ verify {3}4 probes {3}verify is fine +\d\.\d s\n/);
    expect(end).toContain('waits runs 26.05.3.');
  });
});

describe('what closed runs told', () => {
  const copy = { volume: 'edge-data', place: 'works tank/replicas', newestAt: '2026-11-22T02:00:00.000Z', bytes: 4096 };
  const view = (outcome: 'Done' | 'Failed', rest: Partial<RunView>): RunView => ({
    ...{ runbook: 'x', subject: 'all', name: 'runbook-x', revision: server.revision, phase: 'copy', steps: [] },
    ...{ paused: false, decisions: [], waitingFor: [], warnings: [], gates: [] },
    result: { outcome, summary: '<b>2 things</b> differ.', left: [], next: [] },
    ...rest,
  });
  const row = { kind: 'guest', subject: 'edge-vm', where: 'works', declared: 'a', found: 'b', whatToDo: 'c' } as const;
  beforeAll(async () => {
    const runs: [string, RunView][] = [
      ['restore-drill/all', view('Done', { copies: [{ ...copy, outcome: 'proven' }] })],
      ['nightly-backup/all', view('Done', { copies: [{ ...copy, outcome: 'copied' }] })],
      ['drift/all', view('Failed', { drift: [row] })],
    ];
    for (const [workflowId, told] of runs) {
      const options = { workflowId, taskQueue: TASK_QUEUE, args: [told] };
      await server.env.client.workflow.execute('told', options).catch(() => undefined);
    }
    // The server lists what has ended a moment later.
    await eventually('they are listed', async () => (await server.run(['status'])).out.includes('Drift, '));
  });

  it('is in the same screen', async () => {
    const { out } = await server.run(['status']);
    expect(out).toMatch(
      /Copies: 1, as the newest runs saw them; whether one is too old says --live\n.*\n {2}edge-data {2}works tank\/replicas .* \d+ s ago\n/,
    );
    expect(out).toMatch(/Drift, \d+ s ago: <b>2 things<\/b> differ\. {3}runbook drift\n/);
    const { out: json } = await server.run(['status', '--json']);
    expect(JSON.parse(json)).toMatchObject({
      copies: { from: 'runs', copies: [{ of: 'edge-data', newestAt: copy.newestAt, proof: { type: 'proven' } }] },
      drift: { workflowId: 'drift/all', rows: 1 },
      next: [],
    });
  });

  it('is a page, which is whole or as it was', async () => {
    const html = join(server.repository, 'fleet.html');
    expect(await server.run(['status', '--html', html])).toEqual({ code: 0, out: `${html}\n`, err: '' });
    const page = await readFile(html, 'utf8');
    expect(page).toContain('Bytes that backups moved each day');
    expect(page).toContain('&lt;b&gt;2 things&lt;/b&gt; differ.');
    expect(page).toContain('safe-upgrade/breaks, ended ');
    expect(page).not.toContain('glance/');
    expect((await server.run(['status', '--html', '-'])).out).toContain('<!doctype html>');

    const away = await server.run(['status', '--html', html], { env: { TEMPORAL_ADDRESS: '127.0.0.1:9' } });
    expect(away).toMatchObject({ code: 5, out: '' });
    expect(await readFile(html, 'utf8')).toBe(page);
    const nowhere = await server.run(['status', '--html', join(server.repository, 'none', 'fleet.html')]);
    expect(nowhere).toMatchObject({ code: 2, err: expect.stringContaining('The page cannot be written to ') });
    expect((await readdir(server.repository)).filter((name) => name.includes('.part'))).toEqual([]);
    await rm(html);
  }, 60_000);

  it('is redrawn in a terminal until Ctrl-C, and nowhere else', async () => {
    const terminal = server.io({ isTTY: true, columns: 100 });
    const watching = main(['status', '--watch'], terminal);
    await terminal.shown('Ctrl-C leaves');
    expect(terminal.out()).toContain('Copies: 1');
    terminal.interrupt();
    expect(await watching).toBe(130);
    const pipe = await server.run(['status', '--watch']);
    expect(pipe).toMatchObject({ code: 2, err: expect.stringContaining('Expected a terminal to redraw for --watch') });
  });
});

describe('without a worker', () => {
  it('starts and plans nothing, and approves nothing: 6; watching says so and goes on', async () => {
    const env = await startLocalServer();
    try {
      const alone = { env: { TEMPORAL_ADDRESS: env.address } };
      const start = await server.run(['start', 'safe-upgrade', '--node', 'works'], alone);
      expect(start.err).toContain('Not started: no worker polls task queue runbook of namespace default.');
      expect(start.code).toBe(6);
      expect((await server.run(['plan', 'safe-upgrade', '--node', 'works'], alone)).code).toBe(6);
      expect((await server.run(['doctor'], alone)).code).toBe(6);
      expect((await server.run(['status'], alone)).out).toMatch(
        / · no worker polls · nothing needs you\n {2}runbook worker\n/,
      );
      const live = await server.run(['status', '--live'], alone);
      expect(live.out).toMatch(/^homelab · 10 members · .* · no worker polls · nothing needs you\n/);
      expect(live.code).toBe(6);
      await env.client.workflow.start('safeUpgrade', { workflowId: 'safe-upgrade/works', taskQueue: 'runbook' });
      expect((await server.run(['approve', 'safe-upgrade/works', '--reason', 'x'], alone)).code).toBe(6);
      expect((await server.run(['show', 'safe-upgrade/works'], alone)).out).toContain('No step was begun.');
      const watcher = server.io(alone);
      const watching = main(['watch', 'safe-upgrade/works'], watcher);
      await watcher.shown('No worker polls task queue runbook; work has waited');
      watcher.interrupt();
      expect(await watching).toBe(130);
      await env.client.workflow.getHandle('safe-upgrade/works').terminate('enough');
      const { out } = await server.run(['show', 'safe-upgrade/works'], alone);
      expect(out).toMatch(/outcome +terminated after/);
      expect(out).toContain('the steps are those of the run’s history');
    } finally {
      await env.teardown();
    }
  }, 60_000);
});

describe('a server that goes away', () => {
  it('is waited for: the run does not depend on who watches', async () => {
    const env = await startLocalServer();
    const watcher = testIo({ cwd: server.repository, env: { TEMPORAL_ADDRESS: env.address } });
    await env.client.workflow.start('safeUpgrade', { workflowId: 'safe-upgrade/works', taskQueue: 'runbook' });
    const watching = main(['watch', 'safe-upgrade/works'], watcher);
    await watcher.shown('No worker polls');
    await env.teardown();
    await watcher.shown('Temporal does not answer: ');
    watcher.interrupt();
    expect(await watching).toBe(130);
  }, 60_000);
});
