import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Simulation } from '../../simulator/create.ts';
import { workflowId } from '../../workflows/messages.ts';
import { CANARY } from '../temporal/rotating.ts';
import type { Procedure } from './procedures.ts';
import { fleetFile } from './scenarios.ts';

const NODE = 'nuc-1';
const RESOURCES = ['incus_instance.web', 'incus_network.lan'];

const stateFile = ({ dir }: Simulation): string => join(dir, 'terraform', 'states', `${NODE}.tfstate`);

/** How often Terraform has begun to create it. */
const creations = (simulation: Simulation, address: string): number =>
  simulation
    .journal()
    .filter(({ tool, phase, args }) => tool === '.terraform-applies' && phase === 'before' && args.at(-1) === address)
    .length;

/** Two resources that are not there yet, one of them with a value that is secret. */
export const INFRA_PROCEDURE: Procedure = {
  name: 'infra-apply',
  outcome: 'Done',
  begin: {
    workflow: 'infraApply',
    workflowId: workflowId('infra-apply', NODE),
    input: (revision) => ({ fleet: { revision }, actor: 'tester', planOnly: false, node: NODE }),
  },
  prepare: (simulation) => {
    const dir = join(simulation.dir, 'terraform');
    mkdirSync(dir);
    const environmentFile = join(dir, 'environment');
    writeFileSync(environmentFile, `TF_VAR_secret=${CANARY}\n`, { mode: 0o600 });
    const infra = {
      state: { type: 'local', dir: join(dir, 'states') },
      stateBackups: { dir: join(dir, 'backups') },
      ...{ lockTimeout: '1s', environmentFile },
    };
    simulation.setFleetFile(`${fleetFile()}\ninfra: ${JSON.stringify(infra)}\n`);
    const resource = {
      incus_instance: { web: { image: 'images:nixos', name: 'web', note: '${var.secret}' } },
      incus_network: { lan: { ipv4: '10.0.1.1/24' } },
    };
    simulation.setFile(
      `infra/incus/${NODE}/main.tf.json`,
      JSON.stringify({ resource, variable: { secret: { sensitive: true } } }),
    );
    return Promise.resolve();
  },
  wrongEver: (world) =>
    RESOURCES.filter((address) => creations(world.simulation, address) > 1).map((each) => `${each} was created twice`),
  wrongAtEnd: ({ simulation, stateDir }) => {
    const file = stateFile(simulation);
    const { resources } = JSON.parse(readFileSync(file, 'utf8')) as { resources: { type: string; name: string }[] };
    const made = resources.map(({ type, name }) => `${type}.${name}`).sort();
    const plans = join(stateDir, 'infra');
    const left = existsSync(plans) ? readdirSync(plans) : [];
    return [
      ...(made.join() === RESOURCES.join() ? [] : [`the state has ${made.join(', ')}`]),
      ...((statSync(file).mode & 0o777) === 0o600 ? [] : ['others can read the state']),
      ...left.map((name) => `${name} was not removed`),
    ];
  },
};
