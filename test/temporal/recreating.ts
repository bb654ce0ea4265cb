import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Simulation } from '../../simulator/create.ts';
import { addSecrets, GUEST } from './rotating.ts';

export const VOLUME = 'edge-data';
const DEVICES = {
  edge: { type: 'disk', pool: 'zpool', source: VOLUME, path: '/srv' },
  eth0: { type: 'nic', network: 'incusbr0', name: 'eth0', 'ipv4.address': '10.0.0.21' },
};

/** Secrets as for a rotation, and what the guest is made from. Returns the folder of the remote. */
export function addRecreation(
  simulation: Simulation,
  { create = true, ...options }: { create?: boolean } & Parameters<typeof addSecrets>[1] = {},
  config: Record<string, string> = {},
): string {
  const own = { 'user.note': 'mine', ...config };
  const declared = `    create: { type: incus, image: nixos, config: ${JSON.stringify(own)}, devices: ${JSON.stringify(DEVICES)} }\n`;
  return addSecrets(simulation, options, (text) =>
    create ? text.replace(`  ${GUEST}:\n`, `  ${GUEST}:\n${declared}`) : text,
  );
}

export const instancesOf = (simulation: Simulation) =>
  Object.values(simulation.readState().cluster.instances).filter(({ name }) => name.startsWith(GUEST));

/** Who has the volume attached. */
export const holdersOf = (simulation: Simulation): string[] =>
  Object.values(simulation.readState().cluster.instances)
    .filter(({ devices }) => Object.values(devices).some(({ source }) => source === VOLUME))
    .map(({ name }) => name);

export const fileIn = ({ store }: Simulation, machine: string, path: string): string =>
  readFileSync(join(store.root(machine), path), 'utf8');
