#!/usr/bin/env node
/** Records runs of every workflow over the simulated fleet, for the replay test. `test/replay/record/` has the scenarios. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ROOT } from './freshness.mjs';

const HELP = `npm run record-histories -- [--add | --replace] [PATTERN]

Records the scenarios of test/replay/record that have no history in test/replay/histories.
PATTERN: only scenarios whose name matches, like "safeUpgrade done".
  --add      records them again, beside what is there: after a change that open runs survive by a patch
  --replace  records them again, in place of what is there: only while no release has runs like these`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { add: { type: 'boolean' }, replace: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } },
});
if (values.help) {
  console.log(HELP);
} else if (values.add && values.replace) {
  console.error('Expected --add or --replace, got both.');
  process.exitCode = 2;
} else {
  const jest = [
    join(ROOT, 'node_modules/jest/bin/jest.js'),
    '--config',
    join(ROOT, 'test/replay/record/jest.config.mjs'),
  ];
  const only = positionals.length > 0 ? ['--testNamePattern', positionals.join(' ')] : [];
  const { status } = spawnSync(process.execPath, ['--experimental-vm-modules', ...jest, ...only], {
    cwd: ROOT,
    stdio: 'inherit',
    env: { ...process.env, RUNBOOK_RECORD: values.replace ? 'replace' : values.add ? 'add' : 'missing' },
  });
  process.exitCode = status ?? 1;
}
