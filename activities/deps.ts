import type { Host } from '../hosts/host.ts';
import type { Delivery } from '../plan/notice.ts';
import type { Monorepo } from './fleet-at.ts';
import type { Machines } from './machines.ts';

/** What activities are made of. */
export interface Deps extends Monorepo {
  machines: Machines;
  /** The worker's own machine: nix, deploy-rs and Terraform run here. */
  local: Host;
  /** The worker's own folder, 0700. */
  stateDir: string;
  /** Is told what became of each message. */
  delivered?: (channel: string, outcome: Delivery['type']) => void;
}
