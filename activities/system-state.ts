import type { SystemState } from '../plan/observation.ts';
import type { Host } from '../hosts/host.ts';
import { createActivations } from '../tools/activations.ts';
import { atOnce } from '../tools/at-once.ts';
import { RUNNING_SYSTEM, createSystemProfile } from '../tools/nix-profile.ts';
import { createSystemd } from '../tools/systemd.ts';
import type { NodeRef } from './contract.ts';
import type { Deps } from './deps.ts';
import { toolFailure } from './failure.ts';
import { kernelParts } from './kernel-parts.ts';

/** What a member or guest runs, asked there. */
export async function readSystemState(
  { fleetAt, machines }: Pick<Deps, 'fleetAt' | 'machines'>,
  { fleet, node }: Pick<NodeRef, 'fleet' | 'node'>,
  options: { signal: AbortSignal },
): Promise<SystemState> {
  return systemStateOf(machines.node(await fleetAt(fleet), node), options);
}

export async function systemStateOf(host: Host, options: { signal: AbortSignal }): Promise<SystemState> {
  const what = `The system of ${host.name}`;
  const systemd = createSystemd(host, options);
  // First, so that where none runs what is read afterwards is what the last one left.
  const running = await createActivations(host, options).runningActivations();
  if (running.type !== 'running') throw toolFailure(what, running);
  const [system, boot, failed, version] = await atOnce(
    createSystemProfile(host, options).current(),
    systemd.bootId(),
    systemd.failedUnits(),
    nixosVersion(host, options),
  );
  if (system.type !== 'system') throw toolFailure(what, system);
  if (boot.type !== 'boot') throw toolFailure(what, boot);
  if (failed.type !== 'units') throw toolFailure(what, failed);
  const booted = kernelParts(system.bootedParts);
  return {
    profilePath: system.profilePath,
    generation: system.generation,
    runningPath: system.runningPath ?? '',
    ...(booted === undefined ? {} : { booted }),
    nixosVersion: version ?? (system.runningPath ?? system.profilePath).replace(/^\/nix\/store\/[^-]*-/, ''),
    bootId: boot.id,
    failedUnits: failed.units.map(({ unit }) => unit),
    activations: running.activations.map(({ command }) => command),
  };
}

/** The label that the running system itself carries, if any. */
async function nixosVersion(host: Host, { signal }: { signal: AbortSignal }): Promise<string | undefined> {
  const read = await host.run(['cat', `${RUNNING_SYSTEM}/nixos-version`], { timeoutMs: 20_000, signal });
  return read.exitCode === 0 ? read.stdout.trim() : undefined;
}
