import type { Fleet } from '../fleet/schema.ts';
import type { Host } from '../hosts/host.ts';
import type { Repository } from '../tools/git.ts';
import type { FleetRef } from '../workflows/messages.ts';
import type { Machines } from './machines.ts';

/** What activities are made of. */
export interface Deps {
  fleetAt: (ref: FleetRef) => Promise<Fleet>;
  /** The flake of the monorepo at that revision, as nix takes it. */
  flakeAt: (ref: FleetRef) => Promise<string>;
  /** What the worker's clone has checked out. */
  head: () => Promise<FleetRef>;
  /** Files of the clone that are in no commit. */
  uncommitted: () => Promise<string[]>;
  /** The worker's clone of the monorepo. */
  repository: () => Promise<Repository>;
  machines: Machines;
  /** The worker's own machine: nix and deploy-rs run here. */
  local: Host;
  /** The worker's own folder, 0700. */
  stateDir: string;
}
