import type { Node } from './nodes.ts';
import type { RunRecord } from './run-record.ts';
import * as namespaces from './namespaces/machines.ts';
import * as vms from './vms/machines.ts';

/** What one kind of hosts does in its own way. Every function but `enter` is idempotent. */
export interface Machines {
  isOn(record: RunRecord, host: Node): Promise<boolean>;
  /** Waits until commands can be run there, not for its services. */
  powerOn(record: RunRecord, host: Node): Promise<void>;
  /** Pulls the plug: nothing there is asked or told. */
  powerOff(record: RunRecord, host: Node): Promise<void>;
  /** The argv that runs `argv` on a host, past ssh and the lab's network. Throws where it is off. */
  enter(record: RunRecord, host: Node, argv: readonly string[]): Promise<string[]>;
  /** All hosts on and in the golden state, whatever state they are in. What runs in the cgroup `machine` has ended before. */
  rewind(record: RunRecord): Promise<void>;
  /** Keeps what `rewind` needs in the folder, and leaves all hosts off. */
  save(record: RunRecord, folder: string): Promise<void>;
  /** Switches a host that is off on with a new root disk: as just installed, its ssh host key on it. Its data disk stays. */
  installHost(record: RunRecord, host: Node, hostKey: string): Promise<void>;
  /** Incus's storage driver and the source of the pool `local`, the same on every host. */
  readonly storage: { driver: string; source: string };
  /** Argv's that clear the place of the pool on a host that was newly installed, make it, fill it up, and free it again. */
  readonly pool: Record<'clear' | 'create' | 'fill' | 'free', readonly string[]>;

  /** Seconds without an answer after which a member counts as Offline. Heartbeats come twice in that time. */
  readonly offlineThreshold: number;
  /** How many times as long as on this machine's own kernel something may take. */
  readonly patience: number;
}

export const KINDS = ['namespaces', 'vms'] as const;
export type Kind = (typeof KINDS)[number];
const ALL: Record<Kind, Machines> = { namespaces, vms };

export const kindOf = (record: RunRecord): Kind => (record.vms === undefined ? 'namespaces' : 'vms');
export const machinesOf = (record: RunRecord): Machines => ALL[kindOf(record)];
