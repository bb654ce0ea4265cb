import { mkdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { createSimulation, openSimulation, type NewFault, type Simulation } from './create.ts';
import type { FaultKind } from './core/state.ts';
import type { NodeSpec } from './nix/flake.ts';
import { incusVersion } from './incus/servers.ts';
import { memberStatus } from './incus/view.ts';

const HELP = `Usage: node dist/simulator/main.js VERB DIR …

  create DIR                          make the reference fleet in a new folder
  show DIR                            its members, guests and faults
  host off|on|cut-off DIR NAME        power of a member or guest; cut off: it runs, nothing reaches it
  spec DIR NODE JSON                  commit another specification: '{"version":"26.05.2"}'
  publish DIR IMAGE healthy|unhealthy put another image under a reference into the registry
  fault DIR JSON                      '{"machine":"nuc-1","tool":"incus","args":"snapshots","times":1,"effect":{"type":"hang"}}'
  faults clear DIR                    no fault strikes any more
  journal DIR                         every command that was run, as lines of JSON
`;
const USAGE = 2;

/** The verbs for people, as in the demo. */
export async function runCli(args: readonly string[]): Promise<number> {
  const [verb = '', ...rest] = args;
  switch (verb) {
    case 'create':
      return create(rest);
    case 'show':
      return show(open(rest[0]));
    case 'host':
      return host(rest);
    case 'spec':
      say(open(rest[0]).setSpec(rest[1] ?? '', JSON.parse(rest[2] ?? '{}') as Partial<NodeSpec>));
      return 0;
    case 'publish':
      say(await open(rest[0]).publishImage(rest[1] ?? '', { healthy: rest[2] === 'healthy' }));
      return 0;
    case 'fault':
      say(await open(rest[0]).addFault(readFault(rest[1] ?? '')));
      return 0;
    case 'faults':
      if (rest[0] !== 'clear') break;
      await open(rest[1]).clearFaults();
      return 0;
    case 'journal':
      for (const entry of open(rest[0]).journal()) say(JSON.stringify(entry));
      return 0;
    case '--help':
      process.stdout.write(HELP);
      return 0;
  }
  process.stderr.write(HELP);
  return USAGE;
}

function open(dir: string | undefined): Simulation {
  return openSimulation(resolve(dir ?? '.'));
}

async function create([dir = '']: string[]): Promise<number> {
  mkdirSync(resolve(dir), { recursive: true });
  const { binDir, repoDir } = await createSimulation(resolve(dir));
  say(`programs    ${binDir}\nrepository  ${repoDir}`);
  return 0;
}

async function host([to = '', dir, name = '']: string[]): Promise<number> {
  const power = { on: 'on', off: 'off', 'cut-off': 'cut off' } as const;
  if (!(to in power)) {
    process.stderr.write(`Expected on, off or cut-off, got ${to}.\n`);
    return USAGE;
  }
  await open(dir).power(name, power[to as keyof typeof power]);
  return 0;
}

/** Says which fields a fault has, where it has others. */
function readFault(text: string): NewFault {
  const fault = JSON.parse(text) as Omit<NewFault, 'effect'> & { effect?: FaultKind };
  const known = ['machine', 'tool', 'args', 'when', 'skip', 'times', 'effect'];
  const odd = Object.keys(fault).find((key) => !known.includes(key));
  if (odd !== undefined || fault.effect === undefined)
    throw new Error(`Expected a fault with an effect and any of ${known.join(', ')}, got ${text}.`);
  return { ...fault, effect: fault.effect };
}

function show(simulation: Simulation): number {
  const state = simulation.readState();
  for (const name of Object.keys(state.cluster.members)) {
    const { status } = memberStatus(state, name);
    say(`${name}  ${state.machines[name]?.address ?? ''}  ${status}, Incus ${incusVersion(state, name)}`);
    for (const instance of Object.values(state.cluster.instances).filter(({ location }) => location === name))
      say(`  ${instance.name}  ${instance.status}  ${Object.keys(instance.snapshots).length} snapshots`);
  }
  for (const { id, effect, struck, times } of state.faults)
    say(`${id}  ${effect.type}, struck ${struck} of ${times ?? 'any number'}`);
  return 0;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
