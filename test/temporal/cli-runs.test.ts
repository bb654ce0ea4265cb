import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { RunRecord } from '../../cli/run-history.ts';
import { main } from '../../cli/program.ts';
import type { RunView } from '../../plan/run.ts';
import { TASK_QUEUE, VIEW_QUERY } from '../../workflows/messages.ts';
import { eventually } from '../hosts/eventually.ts';
import { startCliServer, type CliServer } from './cli-server.ts';
import { goOnSignal } from './fixtures/procedure.ts';

let server: CliServer;
beforeAll(async () => {
  server = await startCliServer();
}, 60_000);
afterAll(() => server.stop());

const lines = (text: string): unknown[] =>
  text
    .trim()
    .split('\n')
    .map((line): unknown => JSON.parse(line));

describe('approve and reject', () => {
  it('answers the question of a run, and keeps who and why', async () => {
    const watcher = server.io();
    const watching = main(['start', 'safe-upgrade', '--node', 'asks'], watcher);
    await watcher.shown('waits for a decision until');
    expect(watcher.out()).toContain('Restart asks now?\n    yes: its guests stop for 2 minutes');

    const other = await server.run(['approve', 'safe-upgrade/asks', '--approval', 'snapshot', '--reason', 'no']);
    expect(other.err).toContain('Not approved: safe-upgrade/asks waits for approval reboot, not for snapshot.');
    expect(other.code).toBe(1);

    const yes = await server.run(['approve', 'safe-upgrade/asks', '--reason', 'nobody\u001b[2J is at home']);
    expect(yes.out).toMatch(/^reboot of safe-upgrade\/asks is approved by .+@.+\.\n/);
    expect(yes.code).toBe(0);
    expect(await watching).toBe(0);
    expect(watcher.out()).toMatch(/approved by .+: nobody is at home/);

    const late = await server.run(['reject', 'safe-upgrade/asks', '--reason', 'too late']);
    expect(late.err).toContain('Not rejected: safe-upgrade/asks is over since ');
    expect(late.code).toBe(1);
  });

  it('takes a yes to what loses something only with its name', async () => {
    await server.run(['start', 'safe-upgrade', '--node', 'loses', '--detach']);
    const handle = server.env.client.workflow.getHandle('safe-upgrade/loses');
    await eventually('it asks', async () => (await handle.query<RunView>(VIEW_QUERY)).approval !== undefined);
    const yes = ['approve', 'safe-upgrade/loses', '--reason', 'it is dead'];
    expect((await server.run(['show', 'safe-upgrade/loses'])).out).toMatch(
      /A yes has to carry the name loses.*\n[^]*runbook approve safe-upgrade\/loses --name … --approval reboot/,
    );

    const refusal = 'Not approved: safe-upgrade/loses waits for a yes with the name loses (--name), not with';
    expect(await server.run(yes)).toMatchObject({ code: 1, err: expect.stringContaining(`${refusal} none.`) });
    const other = await server.run([...yes, '--name', 'Loses']);
    expect(other).toMatchObject({ code: 1, err: expect.stringContaining(`${refusal} "Loses".`) });
    expect(await server.run(yes, { answer: 'y' })).toMatchObject({
      code: 1,
      err: expect.stringContaining('not with "y"'),
    });
    const silent = await server.run(yes, { answer: '' });
    expect(silent).toMatchObject({ code: 1, err: expect.stringContaining('no name was typed. The run waits on.') });
    expect(silent.out).toContain('Restart loses now?\n  yes: its guests stop for 2 minutes');

    expect((await server.run(yes, { answer: ' loses\n' })).out).toContain('is approved by');
    await handle.result();
  });

  it('takes no name where none is expected, and none for a no', async () => {
    await server.run(['start', 'safe-upgrade', '--node', 'asks', '--detach']);
    const handle = server.env.client.workflow.getHandle('safe-upgrade/asks');
    await eventually('it asks', async () => (await handle.query<RunView>(VIEW_QUERY)).approval !== undefined);
    const named = await server.run(['approve', 'safe-upgrade/asks', '--reason', 'x', '--name', 'loses']);
    expect(named.err).toContain('waits for approval reboot, which expects no name; got "loses".');
    expect((await server.run(['reject', 'safe-upgrade/asks', '--reason', 'x', '--name', 'asks'])).code).toBe(2);
    await server.run(['approve', 'safe-upgrade/asks', '--reason', 'x']);
    await handle.result();
    await server.run(['start', 'safe-upgrade', '--node', 'loses', '--detach']);
    const second = server.env.client.workflow.getHandle('safe-upgrade/loses');
    await eventually('it asks', async () => (await second.query<RunView>(VIEW_QUERY)).approval !== undefined);
    expect((await server.run(['reject', 'safe-upgrade/loses', '--reason', 'not yet'], { answer: 'loses' })).code).toBe(
      0,
    );
  });

  it('rolls back what is rejected', async () => {
    const watcher = server.io();
    const watching = main(['start', 'safe-upgrade', '--node', 'asks'], watcher);
    await watcher.shown('waits for a decision until');
    expect((await server.run(['reject', 'safe-upgrade/asks', '--reason', 'not tonight'])).code).toBe(0);
    expect(await watching).toBe(3);
    expect(watcher.out()).toContain('not tonight');
  });
});

describe('pause, resume and cancel', () => {
  it('holds a run, lets it go on, and tells what a cancel came to', async () => {
    await server.run(['start', 'safe-upgrade', '--node', 'waits', '--detach']);
    expect((await server.run(['pause', 'safe-upgrade/waits'])).code).toBe(0);
    await server.env.client.workflow.getHandle('safe-upgrade/waits').signal(goOnSignal);
    expect((await server.run(['show', 'safe-upgrade/waits'])).out).toContain('paused');
    const resumed = await server.run(['resume', 'safe-upgrade/waits']);
    expect(resumed.out).toBe('safe-upgrade/waits goes on.\n');
    expect((await server.run(['watch', 'safe-upgrade/waits'])).code).toBe(0);

    await server.run(['start', 'safe-upgrade', '--node', 'waits', '--detach']);
    const cancelled = await server.run(['cancel', 'safe-upgrade/waits']);
    expect(cancelled.out).toContain('waits was cancelled and is as before.');
    expect(cancelled.code).toBe(0);
    const again = await server.run(['cancel', 'safe-upgrade/waits']);
    expect(again.err).toContain('Not cancelled: safe-upgrade/waits is over since');
    expect(again.code).toBe(1);
  });

  it('promises no way back to whoever cancels a run that cleans up', async () => {
    await server.run(['start', 'safe-upgrade', '--node', 'cleans', '--detach']);
    const watcher = server.io();
    const watching = main(['watch', 'safe-upgrade/cleans'], watcher);
    await watcher.shown('clean up');
    const canceller = server.io();
    const cancelling = main(['cancel', 'safe-upgrade/cleans'], canceller);
    await canceller.shown('safe-upgrade/cleans is asked to stop. ');
    await server.env.client.workflow.getHandle('safe-upgrade/cleans').signal(goOnSignal);
    expect([await watching, await cancelling]).toEqual([0, 1]);
    expect(canceller.out()).toContain('is asked to stop. It cleans up already, and nothing is rolled back any more');
  });
});

describe('show', () => {
  it('names the run above as who asked to cancel', async () => {
    const input = { fleet: { revision: server.revision }, node: 'waits', planOnly: false, actor: 'ada@laptop' };
    const workflowId = 'safe-upgrade/all';
    const all = await server.env.client.workflow.start('safeUpgradeAll', {
      workflowId,
      taskQueue: TASK_QUEUE,
      args: [input],
    });
    const show = (): ReturnType<CliServer['run']> => server.run(['show', 'safe-upgrade/waits']);
    await eventually('the run below waits', async () => /gate .* done/.test((await show()).out), 15_000);
    await all.cancel();
    await expect(all.result()).rejects.toThrow();
    expect((await show()).out).toContain('cancel asked for by safe-upgrade/all');
  });

  it('shows the steps of a closed run', async () => {
    await server.run(['start', 'safe-upgrade', '--node', 'sick']);
    const { code, out } = await server.run(['show', 'safe-upgrade/sick']);
    expect(code).toBe(0);
    expect(out).toMatch(/^safe-upgrade\/sick\nrun id +[0-9a-f-]{36}\noutcome +rolled back after /);
    expect(out).toMatch(/✘ +verify +4 probes +failed +\d\.\d s +1 +\d\d:\d\d:\d\d/);
    expect(out).toContain('sick is as before.');
  });

  it('shows how far a terminated run came', async () => {
    await server.run(['start', 'safe-upgrade', '--node', 'waits', '--detach']);
    const watcher = server.io();
    const watching = main(['watch', 'safe-upgrade/waits'], watcher);
    await watcher.shown('gate is fine');
    await server.env.client.workflow.getHandle('safe-upgrade/waits').terminate('power cut');
    expect(await watching).toBe(1);
    expect(watcher.out()).toMatch(/terminated after .*: power cut/);
    const { out } = await server.run(['show', 'safe-upgrade/waits']);
    expect(out).toMatch(/✔ +gate +every member Online +done/);
    expect(out).toMatch(/terminated by .*: power cut/);
    expect(out).toMatch(/- +verify|· +verify/);
  });

  it('prints the same as JSON', async () => {
    const { out } = await server.run(['show', 'safe-upgrade/sick', '--json']);
    expect(lines(out)).toEqual([
      expect.objectContaining({
        run: expect.objectContaining({ workflowId: 'safe-upgrade/sick', status: 'Failed' }),
        reconstructed: false,
        steps: expect.arrayContaining([expect.objectContaining({ id: 'verify', state: 'failed', attempts: 1 })]),
      }),
    ]);
  });

  it.each(['safe-upgrade/nobody', '../../etc/passwd', '; rm -rf /', 'a'.repeat(900)])(
    'knows no run %s',
    async (name) => {
      const { code, err } = await server.run(['show', name]);
      expect(err).toContain('There is no run ');
      expect(code).toBe(1);
    },
  );

  it('knows no run id that is none', async () => {
    const { code, err } = await server.run(['show', 'safe-upgrade/sick', '--run-id', 'la\ntest']);
    expect(err).toContain('There is no run safe-upgrade/sick with run id la test.\n');
    expect(code).toBe(1);
  });
});

describe('list', () => {
  it('lists runs with their outcomes, and filters them', async () => {
    await server.run(['start', 'safe-upgrade', '--node', 'works']);
    const { out } = await server.run(['list']);
    expect(out).toMatch(/^RUN +OUTCOME +TOOK/);
    expect(out).toMatch(/safe-upgrade\/works +done /);
    const rolledBack = await server.run(['list', '--outcome', 'RolledBack', '--subject', 'sick', '--json']);
    expect(lines(rolledBack.out)).toEqual([
      expect.objectContaining({ subject: 'sick', outcome: 'RolledBack', status: 'Failed' }),
    ]);
    expect((await server.run(['list', '--subject', 'nobody'])).out).toBe('No runs.\n');
  });
});

describe('retry', () => {
  it('starts a run that did not get there again, with the same input', async () => {
    await server.run(['start', 'safe-upgrade', '--node', 'sick']);
    await server.run(['start', 'safe-upgrade', '--node', 'works']);
    const { code, out } = await server.run(['retry', 'safe-upgrade/sick']);
    expect(out).toContain('safe-upgrade/sick started');
    expect(code).toBe(3);
    const done = await server.run(['retry', 'safe-upgrade/works']);
    expect(done.err).toContain('safe-upgrade/works is done: there is nothing to try again.');
    expect(done.code).toBe(0);
  });

  it('goes on from what the run before had begun and not ended', async () => {
    await server.run(['start', 'safe-upgrade', '--node', 'breaks']);
    const [first] = lines((await server.run(['show', 'safe-upgrade/breaks', '--json'])).out) as RunRecord[];
    expect((await server.run(['retry', 'safe-upgrade/breaks'])).code).toBe(1);
    const { events } = await server.env.client.workflow.getHandle('safe-upgrade/breaks').fetchHistory();
    const [payload] = events?.[0]?.workflowExecutionStartedEventAttributes?.input?.payloads ?? [];
    expect(JSON.parse(Buffer.from(payload?.data ?? []).toString())).toMatchObject({
      node: 'breaks',
      resume: { name: first?.run.view?.name, evacuated: true },
    });
  });

  it('says what an open run waits for', async () => {
    const watcher = server.io();
    const watching = main(['start', 'safe-upgrade', '--node', 'retries'], watcher);
    await watcher.shown('deploy: attempt 2');
    const { code, err } = await server.run(['retry', 'safe-upgrade/retries']);
    expect(err).toContain('safe-upgrade/retries is still running.');
    expect(code).toBe(4);
    server.mend();
    expect(await watching).toBe(0);
  });
});

describe('list-kept and release-kept', () => {
  it('shows what is kept with the command that destroys it, and ends with 1 where a member is silent', async () => {
    const { code, out } = await server.run(['list-kept']);
    expect(out).toMatch(/^2 things kept on the members that answered\.\n {2}! sick did not answer/);
    expect(out).toMatch(
      / {2}works {3}tank\/incus\.old\n {4}dataset, 84\.2 GiB, since 2026-11-23 \(.* ago\), was tank\/incus\n/,
    );
    expect(out).toContain('    runbook release-kept tank/incus.old --node works\n');
    expect(code).toBe(1);
    const json = await server.run(['list-kept', '--json']);
    expect(lines(json.out)).toMatchObject([{ kept: [{ name: 'tank/incus.old' }, {}], silent: [{ member: 'sick' }] }]);
  });

  it('releases nothing on a node that is no member', async () => {
    const { code, err } = await server.run(['release-kept', 'tank/incus.old', '--node', 'work']);
    expect({ code, err }).toMatchObject({ code: 2, err: expect.stringContaining('Did you mean works?') as unknown });
  });
});

describe('plan', () => {
  it('prints what a run would do and changes nothing', async () => {
    const { code, out, err } = await server.run(['plan', 'safe-upgrade', '--node', 'works']);
    expect(err).toBe('');
    expect(out).toMatch(`safe-upgrade of works · revision ${server.revision.slice(0, 7)} `);
    expect(out).toMatch(/^[^\n]* · the last took [\d.]+ s\n/);
    expect(out).toContain('  deploy   host 26.05.1 → 26.05.3\n  verify   4 probes\n');
    expect(out).toContain('Nothing was changed.');
    expect(code).toBe(0);
  });

  it('is given up on Ctrl-C', async () => {
    const planner = server.io();
    let code: number | undefined;
    void main(['plan', 'safe-upgrade', '--node', 'waits'], planner).then((ended) => {
      code = ended;
    });
    const plans = async (): Promise<string[]> => {
      const found = [];
      for await (const { workflowId, status } of server.env.client.workflow.list())
        if (workflowId.startsWith('plan/safe-upgrade/waits/')) found.push(status.name);
      return found;
    };
    await eventually('the plan is made', async () => (await plans()).includes('RUNNING'), 20_000);
    // The server may tell of it before the command listens.
    const isGivenUp = (): boolean => {
      planner.interrupt();
      return code !== undefined;
    };
    await eventually('it is given up', isGivenUp, 20_000);
    expect(code).toBe(130);
    expect(planner.err()).toBe('Given up. Nothing was changed.\n');
    await eventually('its making ends', async () => !(await plans()).includes('RUNNING'), 20_000);
  });

  it('prints every refusal and ends with 1', async () => {
    const { code, out } = await server.run(['plan', 'safe-upgrade', '--node', 'refused']);
    expect(out).toContain('  ✘ nuc-1 is Offline.\n    Start it.\n');
    expect(code).toBe(1);
  });
});

describe('ui', () => {
  it('prints where the run is in the Web UI', async () => {
    const { out } = await server.run(['ui', 'safe-upgrade/works'], { env: { RUNBOOK_UI: 'https://ui.lan/' } });
    expect(out).toMatch(/^https:\/\/ui\.lan\/namespaces\/default\/workflows\/safe-upgrade%2Fworks\/[0-9a-f-]{36}\n$/);
  });
});
