import { existsSync, readdirSync, readlinkSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { RunView } from '../../plan/run.ts';
import type { Machine } from '../../simulator/core/state.ts';
import type { World } from './world.ts';

/**
 * What a run came to and what it left, without what differs between any two runs: times, boot ids and process ids;
 * the names of runs, its own becomes RUN. Steps are compared by what the run says of them at its end, but not whether
 * they found their work done already: that is what a step does that is tried again.
 */
export interface EndState {
  outcome: string;
  summary: string;
  left: string[];
  machines: Record<string, unknown>;
  instances: Record<string, unknown>;
  volumes: Record<string, unknown>;
  members: unknown;
  /** Jobs, canaries, aside-files: nothing of these stays. */
  leftovers: string[];
  unknown: string[];
}

export function endStateOf({ simulation, stateDir }: World, view: RunView): EndState {
  const { machines, cluster } = simulation.readState();
  const { result, name } = view;
  const state: EndState = {
    outcome: result?.outcome ?? 'none',
    summary: result?.summary ?? '',
    left: result?.left ?? [],
    machines: mapValues(machines, (machine) => ({
      ...summaryOf(machine),
      ...systemsOf(simulation.store.root(machine.name)),
    })),
    instances: mapValues(cluster.instances, ({ status, snapshots, content, location }) => ({
      status,
      content,
      location,
      snapshots: Object.keys(snapshots),
    })),
    volumes: mapValues(cluster.volumes, ({ snapshots, content }) => ({ content, snapshots: Object.keys(snapshots) })),
    members: cluster.members,
    leftovers: [
      ...filesIn(join(stateDir, 'jobs')),
      ...Object.keys(machines).flatMap((each) => leftoversOn(simulation.store.root(each), each)),
    ],
    unknown: simulation.unknown(),
  };
  const text = JSON.stringify(state)
    .replaceAll(name, 'RUN')
    .replace(/runbook-\d{8}-\d{4}-[0-9a-f]{4}/g, 'ANOTHER RUN')
    .replace(/until \d{4}-\d\d-\d\d/g, 'until THEN');
  return JSON.parse(text) as EndState;
}

function summaryOf({ power, units, containers, images }: Machine): object {
  return {
    power,
    units: mapValues(units, ({ active, sub, origin }) => `${origin}: ${active} (${sub})`),
    containers: mapValues(containers, ({ running, digest, image }) => ({ running, digest, image })),
    images,
  };
}

/** Profile with its generations, the running, the booted and the next system. */
function systemsOf(root: string): object {
  const profiles = join(root, 'nix/var/nix/profiles');
  const target = (path: string): string | undefined =>
    existsSync(path) ? basename(readlinkSync(path)).replace(/^[a-z0-9]{32}-/, '') : undefined;
  const generations = existsSync(profiles)
    ? readdirSync(profiles)
        .filter((name) => name.startsWith('system-'))
        .map((name) => `${name} → ${target(join(profiles, name)) ?? ''}`)
    : [];
  return {
    profile: target(join(profiles, 'system')),
    generations,
    running: target(join(root, 'run/current-system')),
    booted: target(join(root, 'run/booted-system')),
    boots: target(join(root, 'boot/default')),
  };
}

function leftoversOn(root: string, machine: string): string[] {
  const found = [
    ...filesIn(join(root, 'var/lib/runbook/jobs')),
    ...filesIn(join(root, 'tmp')).filter((name) => name.startsWith('deploy-rs')),
    ...filesIn(join(root, 'nix/var/nix/profiles')).filter((name) => name.endsWith('.tmp')),
  ];
  return found.map((name) => `${machine}: ${name}`);
}

function filesIn(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder) : [];
}

function mapValues<In, Out>(record: Readonly<Record<string, In>>, map: (value: In) => Out): Record<string, Out> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, map(value)]));
}
