import type { Host } from '../hosts/host.ts';
import { createSystemd } from '../tools/systemd.ts';
import { passed, warning, type Found } from './doctor-check.ts';
import { toolFailure } from './failure.ts';

export async function failedUnits(host: Host, signal: AbortSignal): Promise<Found> {
  const listed = await createSystemd(host, { signal }).failedUnits();
  if (listed.type !== 'units') throw toolFailure('systemctl', listed);
  const names = listed.units.map(({ unit }) => unit);
  return names.length === 0
    ? passed('no failed units')
    : warning(`failed: ${names.join(', ')}`, 'journalctl -u of that unit says why.');
}
