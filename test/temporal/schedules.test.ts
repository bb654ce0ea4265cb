import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { main } from '../../cli/program.ts';
import { referenceFleetFile } from '../../simulator/reference-fleet.ts';
import type { identityBackup } from '../../workflows/identity-backup.ts';
import { scheduleId } from '../../workflows/messages.ts';
import { testIo } from '../cli/io.ts';
import { eventually as until } from '../hosts/eventually.ts';
import { aServer } from './a-simulated-fleet.ts';
import { startSimulatedFleet, viewOf, type SimulatedFleet } from './simulated-fleet.ts';

const TIMEOUT_MS = 120_000;
const NIGHTLY = `  nightly:
    { runbook: identity-backup, at: 04:15, timeZone: Europe/Berlin }
`;
const RECIPIENT = `age1${'q'.repeat(58)}`;
const withSchedules = (schedules: string): string =>
  `${referenceFleetFile()}identity:\n  recipients: [${RECIPIENT}]\nschedules:\n${schedules}`;

/** In the middle of saving one member. */
const HELD = { machine: 'nuc-1', tool: 'age', args: '--encrypt', times: 1, effect: { type: 'pause' } } as const;

interface Answer {
  code: number;
  out: string;
  err: string;
}

describe('schedules', () => {
  const env = aServer();
  let fleet: SimulatedFleet;
  const run = async (argv: string[], options: { answer?: string } = {}): Promise<Answer> => {
    const io = testIo({ cwd: fleet.simulation.repoDir, env: { TEMPORAL_ADDRESS: env().address }, ...options });
    const code = await main(argv, io);
    return { code, out: io.out(), err: io.err() };
  };
  const schedules = (...argv: string[]): Promise<Answer> => run(['schedules', ...argv]);
  const json = async <T>(...argv: string[]): Promise<T[]> =>
    (await schedules(...argv, '--json')).out
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as T);
  const declare = (text: string): void => {
    fleet.simulation.setFleetFile(withSchedules(text));
  };
  const handle = (name: string) => env().client.schedule.getHandle(scheduleId('homelab', name));
  const listed = async (): Promise<string[]> => (await json<{ name: string }>('list')).map(({ name }) => name);

  beforeEach(async () => {
    fleet = await startSimulatedFleet(env(), { fleetFile: withSchedules(NIGHTLY) });
  }, 60_000);
  afterEach(async () => {
    declare('  {}\n');
    await schedules('apply', '--yes');
    await until('no schedule', async () => (await listed()).length === 0);
    await fleet.dispose();
  }, 60_000);

  it(
    'are shown before they are changed, are changed when that is wished, and are so afterwards',
    async () => {
      const unasked = await schedules('apply');
      expect(unasked.out).toContain('+ nightly   identity-backup of all, 04:15 each day, Europe/Berlin');
      expect(unasked.err).toContain('Make 1 change? Expected --yes, as there is no terminal to ask.');
      expect(unasked.code).toBe(2);
      const refused = await run(['schedules', 'apply'], { answer: 'n' });
      expect([refused.code, refused.err]).toEqual([1, 'Nothing was changed.\n']);
      await expect(handle('nightly').describe()).rejects.toThrow();

      expect((await run(['schedules', 'apply'], { answer: 'y' })).code).toBe(0);
      const again = await schedules('apply');
      expect(again.out).toContain('= nightly   already so');
      expect([again.code, again.err]).toEqual([0, '']);

      declare(NIGHTLY.replace('04:15', '03:45, days: [sunday, friday], jitter: 10m, catchUp: 90m, node: nuc-1'));
      const changed = await schedules('apply', '--yes');
      expect(changed.out).toContain(
        '~ nightly   runs: identity-backup of all → identity-backup of nuc-1; when: 04:15 each day, Europe/Berlin → 03:45 on friday, sunday, Europe/Berlin; jitter: none → 10m; catch-up: 12h → 90m',
      );
      expect((await schedules('apply')).out).toContain('= nightly');
      expect((await handle('nightly').describe()).policies).toMatchObject({
        overlap: 'SKIP',
        catchupWindow: 5_400_000,
      });
    },
    TIMEOUT_MS,
  );

  it(
    'of others are left alone, and those that are declared no longer are removed',
    async () => {
      const action = { type: 'startWorkflow', workflowType: 'x', taskQueue: 'other', args: [] } as const;
      const spec = { calendars: [{ hour: 4 }] };
      const theirs = [
        { scheduleId: 'backup' },
        { scheduleId: 'runbook/cabin/nightly', memo: { runbook: { fleet: 'cabin', schedule: 'nightly' } } },
        { scheduleId: 'runbook/homelab/theirs' },
      ];
      for (const each of theirs) await env().client.schedule.create({ ...each, spec, action });
      await schedules('apply', '--yes');
      await until('the list to lag no more', async () => (await listed()).join() === ['nightly'].join());

      declare('  theirs: { runbook: identity-backup, at: 04:15, timeZone: UTC }\n');
      const foreign = await schedules('apply', '--yes');
      expect(foreign.err).toContain('Nothing was changed: runbook did not make theirs.');
      expect(foreign.code).toBe(1);

      declare('  other: { runbook: identity-backup, at: 04:15, timeZone: UTC }\n');
      const { out } = await schedules('apply', '--yes');
      expect(out).toContain('- nightly   runbook.yaml declares it no longer: identity-backup of all');
      expect(out).toContain('Schedules of the fleet cabin are there as well, and are left alone.');
      await until('the list to lag no more', async () => (await listed()).join() === ['other'].join());
      for (const { scheduleId: id } of theirs) {
        const there = env().client.schedule.getHandle(id);
        expect((await there.describe()).info.lastUpdatedAt).toBeUndefined();
        await there.delete();
      }
    },
    TIMEOUT_MS,
  );

  it(
    'that a person paused stay paused, and those that the fleet file paused go on when it says so',
    async () => {
      await schedules('apply', '--yes');
      expect((await schedules('pause', 'nightly', '--reason', 'the disks are being moved')).code).toBe(0);
      declare(NIGHTLY.replace('04:15', '05:15'));
      const { out } = await schedules('apply', '--yes');
      expect(out).toMatch(
        /! nightly stays paused, as a person wished \(paused \S+ by .*: the disks are being moved\): /,
      );
      expect((await handle('nightly').describe()).state).toMatchObject({ paused: true });
      expect((await schedules('list')).out).toMatch(/05:15 each day.*\n {4}paused {3}paused \S+Z by .*: the disks/);
      expect((await schedules('pause', 'nightly')).out).toContain('nightly is paused already');
      expect((await schedules('resume', 'nightly')).out).toBe('nightly goes on.\n');

      declare(NIGHTLY.replace('04:15', '05:15, paused: true'));
      expect((await schedules('apply', '--yes')).out).toContain('~ nightly   paused: no → yes');
      declare(NIGHTLY.replace('04:15', '05:15'));
      expect((await schedules('apply', '--yes')).out).toContain('~ nightly   paused: yes → no');
      expect((await handle('nightly').describe()).state).toMatchObject({ paused: false });
    },
    TIMEOUT_MS,
  );

  it(
    'start the run that a person would start, with the commit of that time, and not beside one',
    async () => {
      await schedules('apply', '--yes');
      declare(NIGHTLY);
      const revision = fleet.simulation.revision();
      const { code, out, err } = await schedules('trigger', 'nightly');
      expect([code, err]).toEqual([0, '']);
      expect(out).toBe('identity-backup/all started\n  runbook watch identity-backup/all   follow it\n');
      const backup = env().client.workflow.getHandle<typeof identityBackup>('identity-backup/all');
      const view = await viewOf(backup);
      expect(view).toMatchObject({ revision, result: { outcome: 'Done', left: [] } });
      expect((await run(['show', 'identity-backup/all'])).out).toContain('schedule nightly');
      expect((await schedules('list')).out).toMatch(
        /\n {4}last {3}\S+ \S+ Europe\/Berlin: identity-backup\/all done\n/,
      );
      expect((await run(['status'])).out).toContain('nothing needs you');

      const isHeld = await fleet.simulation.addFault(HELD);
      expect((await run(['start', 'identity-backup', '--detach'])).code).toBe(0);
      await until('the run to be held', () => fleet.simulation.isPaused(isHeld), 20_000);
      const second = await schedules('trigger', 'nightly');
      expect(second.err).toContain('Not started: identity-backup/all is already running.');
      expect(second.code).toBe(4);
      expect((await schedules('list')).out).toContain('left out, identity-backup/all was still running.');
      fleet.simulation.releasePause(isHeld);
      expect((await viewOf(backup)).result?.outcome).toBe('Done');

      const again = await fleet.simulation.addFault(HELD);
      expect((await schedules('trigger', 'nightly')).code).toBe(0);
      await until('the run to be held', () => fleet.simulation.isPaused(again), 20_000);
      expect((await run(['start', 'identity-backup'])).code).toBe(4);
      fleet.simulation.releasePause(again);
      await viewOf(backup);
    },
    TIMEOUT_MS,
  );

  it(
    'whose run failed, or did not begin, need a person until one has begun',
    async () => {
      await schedules('apply', '--yes');
      await fleet.simulation.power('nuc-1', 'off');
      expect((await schedules('trigger', 'nightly')).code).toBe(0);
      await viewOf(env().client.workflow.getHandle<typeof identityBackup>('identity-backup/all'));
      expect((await run(['status'])).out).toMatch(/1 run needs you\n {2}identity-backup\/all {3}failed/);
      await fleet.simulation.power('nuc-1', 'on');

      // As Temporal starts it where the worker came back too late.
      await handle('nightly').update(({ action, ...rest }) => ({
        ...rest,
        action: { ...action, args: [{ schedule: 'nightly', runbook: 'identity-backup', catchUpMs: -1 }] },
      }));
      const late = await schedules('trigger', 'nightly');
      expect(late.err).toMatch(/Not started: No worker took it up for .*: too late to be made up for\./);
      expect(late.code).toBe(1);
      const { out } = await run(['status']);
      expect(out).toMatch(/schedule nightly did not run at .* Europe\/Berlin: No worker took it up/);
      expect(out).toContain('runbook schedules trigger nightly');
      expect((await run(['doctor', '--json'])).out).toMatch(/"what":"schedule nightly","verdict":"warning"/);
      expect((await schedules('list')).out).toContain('it differs from runbook.yaml: runbook schedules apply');
      await schedules('apply', '--yes');
      expect((await schedules('trigger', 'nightly')).code).toBe(0);
      await viewOf(env().client.workflow.getHandle<typeof identityBackup>('identity-backup/all'));
      expect((await run(['status'])).out).toContain('nothing needs you');
    },
    TIMEOUT_MS,
  );

  it(
    'say when they are next due, and what the clocks will do',
    async () => {
      declare('  nightly: { runbook: identity-backup, at: 02:30, timeZone: Europe/Berlin }\n');
      const { out: applied } = await schedules('apply', '--yes');
      expect(applied).toMatch(
        /! nightly: 02:30 does not exist in Europe\/Berlin on \d{4}-03-\d\d: nothing runs then\n/,
      );
      const { out, code } = await schedules('next', 'nightly', '--count', '2');
      expect(out).toMatch(/^nightly\n( {4}\S+ 02:30 Europe\/Berlin {3}\S+ \S+ UTC\n){2}$/);
      expect(code).toBe(0);
      const [all] = await json<{ at: string[]; warnings: string[] }>('next', '--count', '100');
      expect(all?.at).toHaveLength(100);
      expect((await run(['check'])).out).toMatch(/runbook\.yaml:\d+:\d+ {2}warning {2}02:30 does not exist/);
      expect((await schedules('trigger', 'nigthly')).err).toContain('Did you mean nightly?');
    },
    TIMEOUT_MS,
  );
});
