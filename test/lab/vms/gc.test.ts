import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { startLab } from '../../../lab/api.ts';
import { cgroupOf } from '../../../lab/cgroups.ts';
import { isOn } from '../../../lab/hosts.ts';
import { ROOT } from '../../../lab/paths.ts';
import { isWanted, listRuns, saveRun } from '../../../lab/run-record.ts';
import { check } from '../../../lab/shell.ts';

const GC = [process.execPath, join(ROOT, 'dist', 'lab', 'main.js'), 'gc'] as const;

describe('a lab of virtual hosts whose owner is gone', () => {
  it(
    'is removed by gc: emulators, network, cgroup and folder',
    async () => {
      const { record } = await startLab({ kind: 'vms' });
      const child = spawn('true');
      await new Promise((resolve) => child.on('exit', resolve));
      const run = { ...record, owner: { pid: child.pid ?? 0, startTime: '0' } };
      await saveRun(run);
      expect(isWanted(run)).toBe(false);
      expect(await isOn(run, 'n1')).toBe(true);

      await check(GC);
      expect((await listRuns()).map((each) => each.number)).not.toContain(run.number);
      expect(existsSync(run.folder)).toBe(false);
      expect(existsSync(cgroupOf(run))).toBe(false);
      expect(await check(['ip', 'netns', 'list'])).not.toContain(`rblab${run.number}-`);
      expect(await check(['ip', '-o', 'link'])).not.toContain(`rblab${run.number}:`);
    },
    50 * 60_000,
  );
});
