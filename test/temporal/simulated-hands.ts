import { rmSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import type { State } from '../../simulator/core/state.ts';
import type { Simulation } from '../../simulator/create.ts';
import { httpAnswer } from '../../simulator/guests/health.ts';
import { materialise, readClosure } from '../../simulator/nix/closure-files.ts';
import { closureOf, readFlake, type Closure, type NodeSpec } from '../../simulator/nix/flake.ts';
import { replaceLink, setProfile } from '../../simulator/nix/profile.ts';
import { eventually } from '../hosts/eventually.ts';

/** What an operator, a colleague or bad luck does to the simulated fleet in a test. */

let released = 1;

/** Commits a new release of a node, well unless `change` says otherwise; answers with its version. */
export function release(simulation: Simulation, node: string, change: Partial<NodeSpec> = {}): string {
  released += 1;
  const version = `26.05.${released}`;
  simulation.setSpec(node, { version, breaks: [], activation: {}, ...change });
  return version;
}

/** Releases as `release` does, and sets that for the next boot, as `deploy --boot` by hand: nothing is activated. */
export function releaseForNextBoot(simulation: Simulation, node: string, change: Partial<NodeSpec> = {}): string {
  const version = release(simulation, node, change);
  const closure = newClosure(simulation, node);
  const root = simulation.store.root(node);
  materialise(root, closure);
  setProfile(join(root, 'nix/var/nix/profiles/system'), join(root, closure.path));
  replaceLink(join(root, 'boot/default'), join(root, closure.path));
  return version;
}

/**
 * Copies a node's new system to it, and takes files of that away as a power loss does: the kernel's contents, which it
 * answers with the path of, and the system itself.
 */
export function copyDamaged(simulation: Simulation, node: string): string {
  const closure = newClosure(simulation, node);
  const root = simulation.store.root(node);
  materialise(root, closure);
  const kernel = join(root, closure.parts.kernel);
  truncateSync(kernel);
  rmSync(join(root, closure.path), { recursive: true });
  return kernel;
}

function newClosure(simulation: Simulation, node: string): Closure {
  const { nodes } = readFlake({ repository: simulation.repoDir, revision: undefined, attribute: [], text: '' });
  return closureOf(node, nodes[node] as NodeSpec);
}

/** Lets flake and registry say what runs, and no fault strike: what one test left is nothing to the next. */
export async function settle(simulation: Simulation): Promise<void> {
  await simulation.clearFaults();
  const { machines } = simulation.readState();
  for (const name of Object.keys(machines).filter((name) => name !== 'dns-ct'))
    simulation.setSpec(name, readClosure(join(simulation.store.root(name), 'run/current-system')).spec);
  await simulation.store.update(({ machines, registry, images }) => {
    for (const { image, digest } of Object.values(machines).flatMap(({ containers }) => Object.values(containers)))
      registry[image] = images[digest] ?? { digest, healthy: true };
  });
}

/** The status of a guest's own health page; 0 where nobody answers. */
export function healthOf(simulation: Simulation, guest: string): number {
  const state = simulation.readState();
  const machine = machineOf(state, guest);
  const [endpoint] = machine.endpoints;
  if (!endpoint) throw new Error(`Expected ${guest} to have an endpoint, it has none.`);
  return httpAnswer(simulation.store, state, machine, endpoint.port, endpoint.path)?.status ?? 0;
}

/** The image that each container of a guest runs. */
export function digestsOf(simulation: Simulation, guest: string): Record<string, string> {
  const { containers } = machineOf(simulation.readState(), guest);
  return Object.fromEntries(Object.entries(containers).map(([name, { digest }]) => [name, digest]));
}

export function machineOf(state: State, name: string): State['machines'][string] {
  const machine = state.machines[name];
  if (!machine) throw new Error(`Expected a machine ${name}, there is none.`);
  return machine;
}

export function snapshotsOf(simulation: Simulation, instance: string): string[] {
  return Object.keys(simulation.readState().cluster.instances[instance]?.snapshots ?? {}).sort();
}

export function volumeSnapshotsOf(simulation: Simulation, volume: string): string[] {
  return Object.keys(simulation.readState().cluster.volumes[`zpool/${volume}`]?.snapshots ?? {}).sort();
}

/** Stops the next such command before it does anything. */
export async function pauseAt(
  simulation: Simulation,
  fault: { machine: string; tool: string; args?: string; skip?: number },
): Promise<{ reached(): Promise<void>; release(): void }> {
  const id = await simulation.addFault({ ...fault, times: 1, effect: { type: 'pause' } });
  return {
    reached: () =>
      eventually(`${fault.tool} ${fault.args ?? ''} on ${fault.machine}`, () => simulation.isPaused(id), 60_000),
    release: () => {
      simulation.releasePause(id);
    },
  };
}
