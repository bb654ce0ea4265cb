import { expect, it } from '@jest/globals';
import { parseFleet } from '../../fleet/load.ts';
import { checkMonorepo } from '../../rules/check.ts';
import { files, NOW } from './homelab.ts';

it('holds a monorepo of 250 files to every rule in less than two seconds of the processor', async () => {
  const own = files();
  const text = own.find(({ path }) => path === 'runbook.yaml')?.text ?? '';
  const parsed = parseFleet(text, 'runbook.yaml');
  if (parsed.type !== 'fleet') throw new Error('Expected a fleet.');
  const copies = own.filter(({ path }) => /^(?:guests|services|infra)\//.test(path));
  const more = Array.from({ length: 11 }, (_, index) =>
    copies.map(({ path, text: content }) => ({ path: `more/${index}/${path}`, text: content })),
  ).flat();
  const all = [...own, ...more];
  expect(all.length).toBeGreaterThan(200);
  const start = process.cpuUsage();
  await checkMonorepo(all, { fleet: parsed.fleet, fleetFile: 'runbook.yaml', now: NOW });
  const { user, system } = process.cpuUsage(start);
  // The machine may be busy, so it is not the clock that tells.
  expect((user + system) / 1e6).toBeLessThan(2);
});
