import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { machineOf, type Store } from '../core/store.ts';
import type { Cluster, Machine, Server, State } from '../core/state.ts';
import { clusterCertificate, ownCertificate, type Certificate } from './certificates.ts';

const FILES = 'var/lib/incus';
/** Gone with a reboot, as mounts are. */
export const MOUNTS = 'run/incus-mounts';

/** As a newly installed Incus has it. */
export function emptyDatabase(): Cluster {
  return {
    members: {},
    instances: {},
    volumes: {},
    pools: {},
    config: {},
    networks: {},
    profiles: { default: { description: 'Default Incus profile', config: {}, devices: {} } },
    groups: {},
    tokens: {},
    aliases: [],
  };
}

/** The simulation as this machine's Incus knows it: with its own database in the place of the cluster's where it has one. */
export function seenBy(state: State, machine: string): State {
  const database = machineOf(state, machine).incus?.database;
  return database === undefined ? state : { ...state, cluster: database };
}

/** For what is its own; a member of the reference fleet has had nothing until then. */
export function serverOf(state: State, name: string): Server {
  const machine = machineOf(state, name);
  machine.incus ??= { version: incusVersion(state, name), ...ownAddresses(`${machine.address}:8443`) };
  return machine.incus;
}

/** Of a member, or the machine of that name. */
export function machineOfMember(state: State, name: string): Machine {
  return machineOf(state, state.cluster.members[name]?.machine ?? name);
}

/** Whether a server that a cluster lists knows of that itself: what was interrupted while it joined does not. */
export function isMemberItself(seen: State, name: string): boolean {
  const own = machineOfMember(seen, name).incus?.database;
  return own === undefined || own === seen.cluster;
}

export function incusVersion(state: State, machine: string): string {
  return seenBy(state, machine).cluster.members[machine]?.version ?? machineOf(state, machine).incus?.version ?? '';
}

/** When its daemon starts: where it has none, nothing happens. */
export function setIncusVersion(state: State, machine: string, version: string): void {
  const member = seenBy(state, machine).cluster.members[machine];
  if (member) member.version = version;
  const { incus } = machineOf(state, machine);
  if (incus) incus.version = version;
}

export function certificateOf(state: State, machine: string): Certificate {
  const { incus } = machineOf(state, machine);
  if (incus?.database === undefined) return clusterCertificate();
  return ownCertificate(Object.keys(state.machines).indexOf(machine));
}

/** Where it answers others; undefined where it listens nowhere. */
export function listenAddress(machine: Machine): string | undefined {
  return machine.incus ? machine.incus.listens : `${machine.address}:8443`;
}

/**
 * Its daemon has been started. A database that was taken away is made anew; one that was restarted in the middle of a join
 * never comes up again.
 */
export function daemonStarts(store: Store, machine: Machine): void {
  const { incus } = machine;
  if (!incus) return;
  if (!existsSync(join(store.root(machine.name), FILES, 'database'))) {
    incus.database = emptyDatabase();
    incus.addresses = {};
    for (const key of ['join', 'listens'] as const) Reflect.deleteProperty(incus, key);
    installFiles(store, machine.name);
  } else if (incus.join === 'running' || !knowsItsCluster(incus)) incus.join = 'stuck';
  const listens = incus.addresses['core.https_address'];
  if (listens === undefined) Reflect.deleteProperty(incus, 'listens');
  else incus.listens = listens;
  const unit = machine.units['incus.service'];
  if (unit && incus.join === 'stuck') [unit.active, unit.sub] = ['activating', 'start-post'];
}

/** A member that has lost its own address in the cluster does not come up. */
function knowsItsCluster({ database, addresses }: Server): boolean {
  const isMember = database === undefined || Object.keys(database.members).length > 0;
  return !isMember || addresses['cluster.https_address'] !== undefined;
}

export function ownAddresses(address: string): Pick<Server, 'addresses' | 'listens'> {
  return { addresses: { 'core.https_address': address, 'cluster.https_address': address }, listens: address };
}

/** What is in its folder, of which the simulation only looks whether it is there. */
export function installFiles(store: Store, machine: string): void {
  const folder = join(store.root(machine), FILES);
  mkdirSync(join(folder, 'database'), { recursive: true });
  writeFileSync(join(folder, 'database/local.db'), `SQLite format 3\0of ${machine}`);
  const { pem, key } = ownCertificate(Object.keys(store.read().machines).indexOf(machine));
  writePair(folder, 'server', pem, key);
}

function writePair(folder: string, name: string, pem: string, key: string): void {
  writeFileSync(join(folder, `${name}.crt`), pem);
  writeFileSync(join(folder, `${name}.key`), key, { mode: 0o600 });
}

/** A pool that is a folder is mounted there. */
export function writePoolFolder(store: Store, machine: string, pool: string, isMounted: boolean): void {
  const root = store.root(machine);
  mkdirSync(join(root, FILES, 'storage-pools', pool), { recursive: true });
  if (isMounted) mkdirSync(join(root, MOUNTS, pool), { recursive: true });
}

export function writeClusterCertificate(store: Store, machine: string): void {
  const { pem, key } = clusterCertificate();
  writePair(join(store.root(machine), FILES), 'cluster', pem, key);
}
