import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { cgroupOf } from '../../lab/cgroups.ts';
import { collectGarbage } from '../../lab/gc.ts';
import { withLock } from '../../lab/lock.ts';
import { ROOT, RUNS } from '../../lab/paths.ts';
import { isOn } from '../../lab/hosts.ts';
import { isWanted, listRuns } from '../../lab/run-record.ts';
import { check, until } from '../../lab/shell.ts';

const PROGRAM = [process.execPath, join(ROOT, 'dist', 'lab', 'main.js')] as const;

const silent = (): void => undefined;

describe('a lab whose owner was killed', () => {
  it(
    'is removed by gc: processes, network, cgroup and folder',
    async () => {
      // Not `up`, which might find that one is up already; a recording is a lab of its own until it ends.
      const child = spawn(PROGRAM[0], [PROGRAM[1], 'record', '/nonexistent'], { stdio: 'ignore' });
      const run = await until(
        'the hosts of its lab',
        async () => {
          const seen = (await listRuns()).find((each) => each.owner?.pid === child.pid && each.golden !== '');
          const on = seen !== undefined && (await isOn(seen, 'n1')) && (await isOn(seen, 'n3'));
          return on ? { value: seen } : { not: 'not on yet' };
        },
        { timeoutMs: 10 * 60_000 },
      );
      const ended = new Promise((resolve) => child.on('exit', resolve));
      // Other suites start labs meanwhile: with the lock, none removes it before us, or takes its number.
      await withLock(join(RUNS, 'lock'), silent, async () => {
        child.kill('SIGKILL');
        await ended;
        expect(isWanted(run)).toBe(false);
        expect(await isOn(run, 'n1')).toBe(true);
        expect(await collectGarbage(silent)).toContain(run.number);
        expect((await listRuns()).map(({ number }) => number)).not.toContain(run.number);
        expect(existsSync(run.folder)).toBe(false);
        expect(existsSync(cgroupOf(run))).toBe(false);
        expect(await check(['ip', 'netns', 'list'])).not.toContain(`rblab${run.number}-`);
        expect(await check(['ip', '-o', 'link'])).not.toContain(`rblab${run.number}:`);
      });
      expect(await check([...PROGRAM, 'gc'])).not.toContain(`run ${run.number}:`);
    },
    11 * 60_000,
  );
});
