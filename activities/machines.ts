import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Fleet, Ssh } from '../fleet/schema.ts';
import { findNode } from '../fleet/names.ts';
import type { Host } from '../hosts/host.ts';
import type { HostLogger } from '../hosts/logger.ts';
import { createSshHost, type SshHostSettings } from '../hosts/ssh.ts';
import { createGuestHost } from '../tools/incus-exec.ts';
import { failure } from './failure.ts';

export interface MachinesSettings {
  /** Private folder for ssh's sockets; short. */
  controlDir: string;
  env?: Readonly<Record<string, string>>;
  logger?: HostLogger;
}

/** Every machine that this worker reaches, one connection each, kept for the worker's life. */
export interface Machines {
  member(fleet: Fleet, name: string): Host;
  /** A member, or a backup host. */
  receiver(fleet: Fleet, name: string): Host;
  /** The machine of a member, or of a guest through its member. */
  node(fleet: Fleet, name: string): Host;
  close(): Promise<void>;
}

export function createMachines(settings: MachinesSettings): Machines {
  const open = new Map<string, Host>();

  const connect = (name: string, address: string, ssh: Ssh): Host => {
    const connection = { name, address, ...sshSettings(ssh) };
    const key = JSON.stringify(connection);
    const known = open.get(key);
    if (known) return known;
    const host = createSshHost({ ...settings, ...connection });
    open.set(key, host);
    return host;
  };

  const member = (fleet: Fleet, name: string): Host => {
    const found = findNode(fleet, name);
    if (found.type !== 'member') throw failure('BadConfig', `runbook.yaml has no member ${JSON.stringify(name)}.`);
    return connect(name, found.member.address, found.member.ssh);
  };

  return {
    member,
    receiver: (fleet, name) => {
      const backupHost = Object.hasOwn(fleet.backupHosts, name) ? fleet.backupHosts[name] : undefined;
      return backupHost === undefined ? member(fleet, name) : connect(name, backupHost.address, backupHost.ssh);
    },
    node: (fleet, name) => {
      const found = findNode(fleet, name);
      if (found.type !== 'guest') return member(fleet, name);
      const { guest } = found;
      return createGuestHost({ member: member(fleet, guest.member), project: guest.project, instance: name });
    },
    close: async () => {
      await Promise.all([...open.values()].map((host) => host.close()));
    },
  };
}

/** `~` is the home of the user that the worker runs as. */
export function sshSettings({
  user,
  port,
  identityFile,
  hostKey,
}: Ssh): Pick<SshHostSettings, 'user' | 'port' | 'identityFile' | 'hostKey'> {
  return {
    user,
    port,
    ...(identityFile === undefined ? {} : { identityFile: identityFile.replace(/^~(?=\/)/, homedir()) }),
    ...(hostKey === undefined ? {} : { hostKey }),
  };
}

/** Where a worker keeps things of its own, below its state folder. */
export const stateFolders = (stateDir: string): { controlDir: string; knownHosts: string } => ({
  controlDir: join(stateDir, 'ssh'),
  knownHosts: join(stateDir, 'known-hosts'),
});
