#!/usr/bin/env node
import { benchLargeCopy, benchSmallCopies } from './backup/backup.ts';
import { benchUnchanged } from './backup/unchanged.ts';
import { benchMemory } from './memory.ts';
import { renderReport, type Report } from './report.ts';
import { benchUpgrade } from './upgrade/upgrade.ts';
import { benchHelp, benchStatus } from './startup.ts';

const BENCHMARKS: Record<string, () => Promise<Report>> = {
  help: benchHelp,
  status: benchStatus,
  memory: benchMemory,
  upgrade: benchUpgrade,
  'copy-large': benchLargeCopy,
  'copy-small': benchSmallCopies,
  unchanged: benchUnchanged,
};

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !(name in BENCHMARKS));
if (unknown.length > 0) {
  process.stderr.write(`Expected some of ${Object.keys(BENCHMARKS).join(', ')}, got ${unknown.join(', ')}.\n`);
  process.exit(2);
}
for (const [name, run] of Object.entries(BENCHMARKS)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  process.stderr.write(`${name} …\n`);
  process.stdout.write(`${renderReport(await run())}\n`);
}
