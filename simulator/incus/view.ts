import { memberOf, isUp } from '../core/reachability.ts';
import { machineOf } from '../core/store.ts';
import type { Instance, State } from '../core/state.ts';
import { rolesIn } from './roles.ts';
import { isMemberItself, listenAddress, machineOfMember } from './servers.ts';

/** The cluster as Incus shows it: computed from what is switched on and runs. */

const ERROR_CODE = 112;
const STATUS_CODES = { Running: 103, Stopped: 102, Frozen: 110 } as const;

export function isDaemonUp(state: State, member: string): boolean {
  const machine = machineOfMember(state, member);
  const unit = machine.units['incus.service'];
  if (machine.power !== 'on' || !unit) return false;
  // A unit that is still starting while its process is dead says so by its result.
  const diesInPatch = (state.cluster.members[member]?.failingPatches ?? 0) > 0 && !waitsForOthers(state, member);
  return unit.active === 'active' || (unit.active === 'activating' && unit.result === 'success' && !diesInPatch);
}

/** Whether the others hear of it. */
function isHeard(state: State, member: string): boolean {
  return (
    isDaemonUp(state, member) && isMemberItself(state, member) && machineOfMember(state, member).incus?.join !== 'stuck'
  );
}

/** Who elects a leader: those with the role, or the one that the database was given to. */
export function votersOf({ cluster }: State): string[] {
  const roles = rolesIn(cluster, () => true);
  return cluster.voters ?? Object.keys(roles).filter((name) => roles[name] === 'voter');
}

/**
 * A majority of those that vote: without it nothing can be read or changed, and every call hangs. A server without a cluster needs
 * nobody else, and one that has not joined to the end has no vote.
 */
export function hasQuorum(state: State): boolean {
  const voters = votersOf(state).filter((name) => isMemberItself(state, name));
  return voters.length === 0 || voters.filter((name) => isHeard(state, name)).length * 2 > voters.length;
}

/** An upgraded daemon waits, deaf, until the others are upgraded too. */
export function waitsForOthers(state: State, member: string): boolean {
  const own = state.cluster.members[member]?.version;
  if (own === undefined) return false;
  return Object.values(state.cluster.members).some(({ version }) => compareVersions(version, own) < 0);
}

export function memberStatus(state: State, name: string): { status: string; message: string } {
  const member = state.cluster.members[name];
  if (member?.evacuated) return { status: 'Evacuated', message: 'Unavailable due to maintenance' };
  if (!isHeard(state, name)) {
    const since = new Date(Date.now() - 25_100).toISOString().replace('T', ' ').replace('Z', '000000 +0000 UTC');
    return { status: 'Offline', message: `No heartbeat for 25.1s (${since})` };
  }
  const newest = Object.values(state.cluster.members).some(
    ({ version }) => compareVersions(version, member?.version ?? '') > 0,
  );
  if (newest) return { status: 'Blocked', message: 'Needs updating to newer version' };
  return { status: 'Online', message: 'Fully operational' };
}

export function compareVersions(a: string, b: string): number {
  const [left, right] = [a, b].map((version) => version.split('.').map(Number));
  for (let i = 0; i < 3; i++) {
    const difference = (left?.[i] ?? 0) - (right?.[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

export function memberView(state: State, name: string): object {
  const machine = machineOfMember(state, name);
  const member = state.cluster.members[name];
  return {
    server_name: name,
    url: `https://${listenAddress(machine) ?? `${machine.address}:8443`}`,
    database: rolesOf(state, name).length > 0,
    ...memberStatus(state, name),
    architecture: 'x86_64',
    roles: rolesOf(state, name),
    failure_domain: 'default',
    description: member?.description ?? '',
    config: {},
    groups: ['default', ...groupsOf(state, name)],
  };
}

function groupsOf({ cluster }: State, member: string): string[] {
  return Object.entries(cluster.groups).flatMap(([group, { members }]) => (members.includes(member) ? [group] : []));
}

/** The first voter that is up leads. */
function rolesOf(state: State, name: string): string[] {
  const roles = rolesIn(state.cluster, (member) => isHeard(state, member));
  const leader = Object.keys(roles).find((member) => roles[member] === 'voter' && isHeard(state, member));
  const own = { voter: ['database'], standby: ['database-standby'], spare: [] }[roles[name] ?? 'voter'];
  return name === leader ? ['database-leader', ...own] : own;
}

export function instanceStatus(state: State, instance: Instance): { status: string; status_code: number } {
  if (!isDaemonUp(state, instance.location)) return { status: 'Error', status_code: ERROR_CODE };
  return { status: instance.status, status_code: STATUS_CODES[instance.status] };
}

export function instanceView(state: State, instance: Instance): object {
  return {
    name: instance.name,
    project: instance.project,
    type: instance.type,
    ...instanceStatus(state, instance),
    location: instance.location,
    architecture: 'x86_64',
    created_at: instance.createdAt,
    last_used_at: machineOf(state, instance.name).bootedAt,
    config: instance.config,
    devices: instance.devices,
    expanded_config: instance.config,
    expanded_devices: instance.devices,
    profiles: ['default'],
    ephemeral: false,
    stateful: false,
    description: '',
  };
}

export function instanceStateView(state: State, instance: Instance): object {
  const runs = isUp(state, machineOf(state, instance.name));
  return {
    ...instanceStatus(state, instance),
    disk: {},
    memory: {},
    network: {},
    pid: runs ? 4242 : 0,
    processes: runs ? 23 : 0,
    cpu: { usage: 0 },
    started_at: memberOf(state, machineOf(state, instance.name)).bootedAt,
  };
}
