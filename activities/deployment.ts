import { chmod, mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { findNode } from '../fleet/names.ts';
import type { Fleet, Ssh } from '../fleet/schema.ts';
import { durationMs } from '../plan/duration.ts';
import type { Deployment, SshTarget } from '../tools/deploy-rs.ts';
import type { DeployInput } from './contract.ts';
import type { Deps } from './deps.ts';
import { failure } from './failure.ts';
import { sshSettings, stateFolders } from './machines.ts';
import { deployTargetOf } from './scope.ts';

/** What deploy-rs is told for a node: the pinned revision, the declared way in, the policy's times. */
export async function deployment(
  { flakeAt, stateDir }: Pick<Deps, 'flakeAt' | 'stateDir'>,
  fleet: Fleet,
  { node, fleet: ref, mode, magicRollback }: Pick<DeployInput, 'node' | 'fleet' | 'mode' | 'magicRollback'>,
): Promise<Deployment> {
  const { confirmTimeout, activationTimeout } = fleet.policies.upgrade;
  return {
    flakeRef: await flakeAt(ref),
    ...deployTargetOf(fleet, node),
    host: await sshTarget(fleet, node, stateFolders(stateDir).knownHosts),
    magicRollback,
    autoRollback: magicRollback,
    confirmTimeoutSeconds: Math.ceil(durationMs(confirmTimeout) / 1000),
    activationTimeoutSeconds: Math.ceil(durationMs(activationTimeout) / 1000),
    boot: mode === 'boot',
  };
}

/** How deploy-rs reaches a node. Fails as BadConfig where that is not declared. */
export function wayIn(fleet: Fleet, name: string): { address: string; ssh: Ssh } {
  const found = findNode(fleet, name);
  const settings = found.type === 'member' ? found.member : found.type === 'guest' ? found.guest : undefined;
  if (settings?.address === undefined)
    throw failure('BadConfig', `${name} has no address in runbook.yaml, so deploy-rs cannot reach it.`);
  return { address: settings.address, ssh: settings.ssh };
}

/** deploy-rs runs ssh by itself, so the declared host key goes into a file of its own for it. */
export async function sshTarget(fleet: Fleet, name: string, folder: string): Promise<SshTarget> {
  const way = wayIn(fleet, name);
  const { hostKey, ...ssh } = sshSettings(way.ssh);
  const target = { address: way.address, ...ssh };
  if (hostKey === undefined) return target;
  const place = ssh.port === 22 ? way.address : `[${way.address}]:${ssh.port}`;
  const knownHostsFile = join(folder, name);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await writeFile(`${knownHostsFile}.new`, `${place} ${hostKey}\n`, { mode: 0o600 });
  await chmod(`${knownHostsFile}.new`, 0o600);
  await rename(`${knownHostsFile}.new`, knownHostsFile);
  return { ...target, knownHostsFile };
}
