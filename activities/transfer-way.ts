import { createHash } from 'node:crypto';
import type { Fleet, ReplicaTarget, Ssh } from '../fleet/schema.ts';
import type { Host } from '../hosts/host.ts';
import { directSshArgv, type DirectSsh } from '../hosts/ssh-direct.ts';
import { knownHostsLine } from '../hosts/ssh-options.ts';
import type { ReplicaPair } from '../plan/nightly-backup.ts';
import type { TransferWay } from '../tools/zfs-transfer.ts';
import type { Deps } from './deps.ts';
import { STATE_DIR } from './join-mark.ts';
import { plainly } from './plainly.ts';
import { sshSettings, stateFolders } from './machines.ts';

/** Both ends of a pair, where its jobs run, and how those reach the ends. */
export interface TransferEnds {
  sender: Host;
  receiver: Host;
  runner: Host;
  way: TransferWay;
  /** Of the place: the same in every run. */
  targetId: string;
}

export type TransferWays = Omit<TransferEnds, 'targetId'>;

/** From any host to a member, through the worker: back the way that a replica came. Idempotent. */
export async function relayedWay(
  deps: Pick<Deps, 'machines' | 'local' | 'stateDir'>,
  fleet: Fleet,
  { from, to }: { from: string; to: string },
  signal: AbortSignal,
): Promise<TransferWays> {
  const ends = { sender: deps.machines.receiver(fleet, from), receiver: deps.machines.member(fleet, to) };
  if (from === to) return { ...ends, runner: ends.sender, way: {} };
  return { ...ends, runner: deps.local, way: await relay(deps, fleet, { from, to }, signal) };
}

/** Through the worker, as it reaches both. */
const relay = async (
  deps: Pick<Deps, 'local' | 'stateDir'>,
  fleet: Fleet,
  { from, to }: { from: string; to: string },
  signal: AbortSignal,
): Promise<TransferWay> => ({
  send: await relayTo(deps, fleet, from, signal),
  receive: await relayTo(deps, fleet, to, signal),
});

function relayTo(
  { local, stateDir }: Pick<Deps, 'local' | 'stateDir'>,
  fleet: Fleet,
  to: string,
  signal: AbortSignal,
): Promise<string[]> {
  const { address, ssh } = wayTo(fleet, to);
  const { hostKey, ...login } = sshSettings(ssh);
  return sshTo(local, stateFolders(stateDir).knownHosts, { name: to, address, ...login }, hostKey, signal);
}

/** Makes the files of known host keys that the job's ssh needs. Idempotent. */
export async function transferEnds(
  deps: Pick<Deps, 'machines' | 'local' | 'stateDir'>,
  fleet: Fleet,
  { sender: name, target }: ReplicaPair,
  signal: AbortSignal,
): Promise<TransferEnds> {
  const sender = deps.machines.member(fleet, name);
  const receiver = deps.machines.receiver(fleet, target.member);
  const ends = { sender, receiver, targetId: targetId(fleet, target) };
  const limit = target.bandwidth === undefined ? {} : { bytesPerSecond: bytesPerSecond(target.bandwidth) };
  if (name === target.member) return { ...ends, runner: sender, way: limit };
  if (target.path.type === 'direct') {
    const known = wayTo(fleet, target.member);
    const { address = known.address, hostKey = known.ssh.hostKey, ...login } = target.path;
    const folder = `${STATE_DIR}/known-hosts`;
    const receive = await sshTo(sender, folder, { name: target.member, address, ...login }, hostKey, signal);
    return { ...ends, runner: sender, way: { receive, ...limit } };
  }
  const way = await relay(deps, fleet, { from: name, to: target.member }, signal);
  return { ...ends, runner: deps.local, way: { ...way, ...limit } };
}

async function sshTo(
  from: Host,
  folder: string,
  to: Omit<DirectSsh, 'knownHostsFile'>,
  hostKey: string | undefined,
  signal: AbortSignal,
): Promise<string[]> {
  if (hostKey === undefined) return directSshArgv(to);
  const knownHostsFile = `${folder}/replication-${to.name}`;
  await plainly(from, ['mkdir', '-p', '-m', '700', folder], signal);
  await from.putFile(knownHostsFile, knownHostsLine(to.name, hostKey), { mode: 0o600, signal });
  return directSshArgv({ ...to, knownHostsFile });
}

function wayTo(fleet: Fleet, name: string): { address: string; ssh: Ssh } {
  const found = fleet.backupHosts[name] ?? fleet.members[name];
  if (found === undefined) throw new TypeError(`Expected a member or a backup host, got ${name}.`);
  return found;
}

/** Eight hexadecimal digits of what makes a place: a tag of holds, and a part of bookmarks' names. */
export const targetId = ({ name }: Pick<Fleet, 'name'>, { member, dataset }: ReplicaTarget): string =>
  createHash('sha256').update(`${name} ${member} ${dataset}`).digest('hex').slice(0, 8);

const UNITS = { K: 2 ** 10, M: 2 ** 20, G: 2 ** 30 } as const;

/** The schema has checked its form. */
const bytesPerSecond = (text: string): number =>
  Number(text.slice(0, -1)) * UNITS[text.slice(-1) as keyof typeof UNITS];
