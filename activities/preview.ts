import { dryActivate } from '../tools/deploy-rs.ts';
import type { NodeRef } from './contract.ts';
import type { Deps } from './deps.ts';
import { deployment } from './deployment.ts';
import { failure } from './failure.ts';
import type { ActivityContext } from './guard.ts';

/** The units that a switch to the node's new system would restart or stop. Copies the closure, changes nothing else. */
export async function previewUnits(deps: Deps, input: NodeRef, { signal }: ActivityContext): Promise<string[]> {
  const fleet = await deps.fleetAt(input.fleet);
  const settings = await deployment(deps, fleet, { ...input, mode: 'switch', magicRollback: true });
  const preview = await dryActivate(deps.local, settings, { signal });
  if (preview.type === 'failed') throw failure('ActivationFailed', `${input.node}: ${preview.claim.tail}`);
  const { restart, stop, start } = preview.units;
  return [...new Set([...restart, ...stop.filter((unit) => start.includes(unit))])];
}
