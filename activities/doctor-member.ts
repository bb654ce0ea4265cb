import type { Fleet, Member } from '../fleet/schema.ts';
import type { Host } from '../hosts/host.ts';
import { durationMs } from '../plan/duration.ts';
import { clockSkew } from '../tools/clock.ts';
import { diskSpace } from '../tools/disk.ts';
import { createIncus } from '../tools/incus.ts';
import { createSystemProfile } from '../tools/nix-profile.ts';
import { programVersion } from '../tools/programs.ts';
import { userId } from '../tools/user-id.ts';
import { createZfs } from '../tools/zfs.ts';
import type { Deps } from './deps.ts';
import { failed, passed, warning, type Found, type MachineCheck } from './doctor-check.ts';
import { deployLogin } from './doctor-ssh.ts';
import { identityCopies } from './doctor-identity.ts';
import { failedUnits } from './doctor-units.ts';
import { toolFailure } from './failure.ts';
import { sshRemedy } from './ssh-remedy.ts';

const FULL_PERCENT = 90;

/** In this order: each needs what those before it asked for. */
export function memberChecks(deps: Deps, fleet: Fleet, name: string, member: Member): MachineCheck[] {
  const host = deps.machines.member(fleet, name);
  const { address, ssh } = member;
  const check = (what: string, look: (host: Host, signal: AbortSignal) => Promise<Found>): MachineCheck => ({
    what,
    look: (signal) => look(host, signal),
  });
  return [
    {
      what: 'ssh',
      look: async (signal) => {
        const { durationMs: ms } = await host.run(['true'], { timeoutMs: 20_000, signal });
        return passed(`answers in ${Math.round(ms)} ms`);
      },
      remedy: (said) => sshRemedy(said, address, ssh),
    },
    check('rights', rights),
    check('clock', (_, signal) => clock(host, fleet, signal)),
    deployLogin(deps, fleet, name),
    check('nix', nix),
    check('system profile', systemProfile),
    check('disk', disk),
    check('systemd', failedUnits),
    check('incus', incus),
    check('cluster', (_, signal) => cluster(host, name, signal)),
    check('zfs', zfs),
    ...(fleet.identity === undefined ? [] : [identityCopies(deps, fleet, name)]),
  ];
}

/** Activations, jobs and Incus's own socket are for root alone. */
async function rights(host: Host, signal: AbortSignal): Promise<Found> {
  const id = await userId(host, { signal });
  if (id.type !== 'id') throw toolFailure('id', id);
  return id.uid === 0
    ? passed('root')
    : failed(`logs in with user id ${id.uid}, not as root`, 'Set ssh.user of this member to root in runbook.yaml.');
}

async function clock(host: Host, fleet: Fleet, signal: AbortSignal): Promise<Found> {
  const skew = await clockSkew(host, { signal });
  if (skew.type !== 'skew') throw toolFailure('date', skew);
  const certain = Math.max(0, Math.abs(skew.skewMs) - skew.uncertaintyMs);
  const text = `${(skew.skewMs / 1000).toFixed(1)} s ahead of the worker's`;
  if (certain <= durationMs(fleet.policies.upgrade.maxClockSkew)) return passed('agrees with the worker’s');
  return failed(text, 'timedatectl there and on the worker says which one is wrong.');
}

/** Generations are listed and switched by it; deploy-rs copies to its store. */
async function nix(host: Host, signal: AbortSignal): Promise<Found> {
  const version = await programVersion(host, ['nix-env', '--version'], { signal });
  if (version.type === 'version') return passed(version.line);
  const found = version.type === 'missing' ? 'nix-env is not there' : `nix-env fails: ${version.line}`;
  return failed(found, 'runbook upgrades NixOS: see whether this is one, and whether root has nix in its PATH.');
}

async function incus(host: Host, signal: AbortSignal): Promise<Found> {
  const server = await createIncus(host, { signal }).server();
  if (server.type !== 'server') throw toolFailure('incus query /1.0', server);
  return server.clustered
    ? passed(`${server.version}, clustered as ${server.serverName}`)
    : warning(`${server.version}, not in a cluster`, 'Form the cluster first.');
}

async function cluster(host: Host, name: string, signal: AbortSignal): Promise<Found> {
  const listed = await createIncus(host, { signal }).members();
  if (listed.type !== 'members') throw toolFailure('incus cluster list', listed);
  const me = listed.members.find((member) => member.name === name);
  if (!me)
    return failed(
      'not a member by this name',
      'Members are named in runbook.yaml as in the cluster: incus cluster list.',
    );
  return me.status === 'Online'
    ? passed('Online')
    : failed(`${me.status}: ${me.message}`, 'journalctl -u incus there says why.');
}

/** Storage of Incus need not be on ZFS; where it is, its pools have to be well. */
async function zfs(host: Host, signal: AbortSignal): Promise<Found> {
  const server = await createIncus(host, { signal }).server();
  if (server.type !== 'server') throw toolFailure('incus query /1.0', server);
  const driver = server.storageDrivers.find(({ name }) => name === 'zfs');
  if (driver === undefined) return passed('no storage of Incus is on it');
  const listed = await createZfs(host, { signal }).pools();
  if (listed.type !== 'pools') throw toolFailure('zpool list', listed);
  const ill = listed.pools.filter(({ health }) => health !== 'ONLINE');
  const text = (ill.length === 0 ? listed.pools : ill).map(({ name, health }) => `${name} ${health}`).join(', ');
  return ill.length === 0
    ? passed(`${driver.version}: ${text}`)
    : failed(text, 'zpool status there says which disk; mend it first.');
}

async function disk(host: Host, signal: AbortSignal): Promise<Found> {
  const space = await diskSpace(host, ['/', '/nix/store'], { signal });
  if (space.type !== 'space') throw toolFailure('df', space);
  const full = space.disks.filter(({ usedPercent }) => usedPercent >= FULL_PERCENT);
  const text = space.disks.map(({ path, usedPercent }) => `${path} ${usedPercent} %`).join(', ');
  return full.length === 0 ? passed(text) : warning(text, 'nix-collect-garbage -d frees the store of old generations.');
}

async function systemProfile(host: Host, signal: AbortSignal): Promise<Found> {
  const current = await createSystemProfile(host, { signal }).current();
  if (current.type !== 'system') throw toolFailure('nix-env', current);
  const text = `generation ${current.generation}`;
  if (current.runningPath !== current.profilePath)
    return warning(
      `${text}, and another system is running`,
      'The last activation did not end; the next upgrade brings it to rest.',
    );
  if (current.rebootNeeded.length > 0)
    return warning(
      `${text}, a restart is due (${current.rebootNeeded.join(', ')})`,
      'safe-upgrade restarts it by policy.',
    );
  return passed(text);
}
