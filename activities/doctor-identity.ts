import type { Fleet } from '../fleet/schema.ts';
import { judgeCopies } from '../plan/identity.ts';
import type { Deps } from './deps.ts';
import { passed, warning, type MachineCheck } from './doctor-check.ts';
import { copiesOf } from './identity-places.ts';

/** Whether the member could be brought back from what other places keep of it. */
export const identityCopies = (deps: Deps, fleet: Fleet, name: string): MachineCheck => ({
  what: 'identity',
  look: async (signal) => {
    const { fresh, found } = judgeCopies(await copiesOf(deps, fleet, name, signal), new Date().toISOString());
    return fresh ? passed(found) : warning(found, `runbook start identity-backup --node ${name}`);
  },
});
