import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Simulation } from '../../simulator/create.ts';
import { addSecrets, git, GUEST } from './rotating.ts';

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

export const ADDRESS = 'incus_instance.edge';
export const TERRAFORM_MEMBER = 'elitedesk-1';
const INSTANCE = {
  ...{ name: GUEST, image: 'nixos', type: 'virtual-machine', target: TERRAFORM_MEMBER },
  config: { 'cloud-init.user-data': '#cloud-config' },
  device: Object.entries(DEVICES).map(([name, { type, ...properties }]) => ({ name, type, properties })),
};
const NETWORK = { name: 'lan' };

/** What Terraform's folder of the guest's member declares. */
export const declareGuest = (simulation: Simulation, more: object, terraform?: object): string =>
  simulation.setFile(
    `infra/incus/${TERRAFORM_MEMBER}/main.tf.json`,
    JSON.stringify({ resource: { incus_instance: { edge: INSTANCE }, ...more }, ...(terraform && { terraform }) }),
  );

/** A guest that Terraform has made, with its state in `dir`, or with `onNetwork` where several workers reach it. */
export function addTerraformGuest(simulation: Simulation, dir: string, { onNetwork = false } = {}): void {
  const folder = onNetwork ? join(simulation.dir, 'backends') : join(dir, 'states');
  const infra = {
    state: onNetwork ? { type: 'backend' } : { type: 'local', dir: folder },
    stateBackups: { dir: join(dir, 'backups') },
    lockTimeout: '1s',
  };
  addSecrets(simulation, {}, (text) =>
    `${text}\ninfra: ${JSON.stringify(infra)}\n`.replace(
      `  ${GUEST}:\n`,
      `  ${GUEST}:\n    create: { type: terraform, address: ${ADDRESS} }\n`,
    ),
  );
  const backend = { backend: { s3: { key: `${TERRAFORM_MEMBER}.tfstate` } } };
  declareGuest(simulation, { incus_network: { lan: NETWORK } }, onNetwork ? backend : undefined);
  git(simulation.repoDir, 'push', '--quiet', 'origin', 'HEAD:main');
  mkdirSync(folder, { recursive: true });
  const stored = (type: string, name: string, attributes: object): object => ({
    ...{ mode: 'managed', type, name, provider: 'provider["registry.terraform.io/lxc/incus"]' },
    instances: [{ schema_version: 0, attributes: { ...attributes, id: `old-${name}` }, sensitive_attributes: [] }],
  });
  const state = {
    ...{ version: 4, terraform_version: '1.5.7', serial: 7, lineage: 'of-the-test', outputs: {} },
    resources: [stored('incus_instance', 'edge', INSTANCE), stored('incus_network', 'lan', NETWORK)],
  };
  writeFileSync(join(folder, `${TERRAFORM_MEMBER}.tfstate`), JSON.stringify(state), { mode: 0o600 });
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
