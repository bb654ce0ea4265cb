import type { Fleet, InfraDeclaration } from '../fleet/schema.ts';
import { durationMs } from '../plan/duration.ts';
import { PROTECTED_TYPES, type InfraScope } from '../plan/infra.ts';
import type { FleetRef } from '../workflows/messages.ts';
import type { Deps } from './deps.ts';
import { failure } from './failure.ts';

/** What the fleet file says of Terraform. */
export function infraOf(fleet: Fleet): InfraDeclaration {
  if (fleet.infra !== undefined) return fleet.infra;
  throw failure('BadConfig', 'runbook.yaml has no section infra, which says where states are: docs/configuration.md.');
}

/** Members that have a folder of that name. */
export async function infraNodes(deps: Deps, ref: FleetRef): Promise<string[]> {
  const fleet = await deps.fleetAt(ref);
  const folders = new Set(await deps.foldersAt(ref, infraOf(fleet).dir));
  return Object.keys(fleet.members).filter((name) => folders.has(name));
}

/** Each is kept with the run, of which the history has an end. */
const MOST_REMINDERS = 500;

export async function infraScope(deps: Deps, ref: FleetRef, node: string): Promise<InfraScope> {
  const infra = infraOf(await deps.fleetAt(ref));
  if (durationMs(infra.approvalTimeout) > MOST_REMINDERS * durationMs(infra.remindEvery))
    throw failure(
      'BadConfig',
      `infra.remindEvery: expected at most ${MOST_REMINDERS} reminders in the ${infra.approvalTimeout} of approvalTimeout, got one every ${infra.remindEvery}. Make it longer.`,
    );
  const known = await infraNodes(deps, ref);
  if (!known.includes(node)) {
    const others = known.length === 0 ? 'No member has one' : `These members have one: ${known.join(', ')}`;
    throw failure('BadConfig', `Expected a folder ${infra.dir}/${node} in the monorepo, got none. ${others}.`);
  }
  return {
    node,
    program: infra.program,
    folder: `${infra.dir}/${node}`,
    protect: [...new Set([...PROTECTED_TYPES, ...infra.protect])],
    approvalTimeout: infra.approvalTimeout,
    remindEvery: infra.remindEvery,
  };
}
