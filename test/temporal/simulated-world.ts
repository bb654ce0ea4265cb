import { readlinkSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { JournalEntry } from '../../simulator/core/journal.ts';
import type { State } from '../../simulator/core/state.ts';
import type { Simulation } from '../../simulator/create.ts';
import { readClosure } from '../../simulator/nix/closure-files.ts';
import { currentGeneration } from '../../simulator/nix/profile.ts';

/** What one machine of the simulation runs. Versions are those of `NodeSpec`. */
export interface SimulatedSystem {
  generation: number | undefined;
  profile: string;
  running: string;
  bootDefault: string;
}

export function systemOf({ store }: Simulation, machine: string): SimulatedSystem {
  const root = store.root(machine);
  const profile = join(root, 'nix/var/nix/profiles/system');
  const version = (path: string): string => readClosure(path).spec.version;
  return {
    generation: currentGeneration(profile),
    profile: version(profile),
    running: version(join(root, 'run/current-system')),
    bootDefault: version(readlinkSync(join(root, 'boot/default'))),
  };
}

/** Everything that a run could change, by value: equal before and after means that nothing was changed. */
export function worldOf(
  simulation: Simulation,
): Omit<State, 'faults' | 'pace'> & { systems: Record<string, SimulatedSystem> } {
  const { machines, cluster, registry, images } = simulation.readState();
  const deployed = Object.keys(machines).filter((name) => name !== 'dns-ct');
  return {
    machines,
    cluster,
    registry,
    images,
    systems: Object.fromEntries(deployed.map((name) => [name, systemOf(simulation, name)])),
  };
}

/** Verbs that are there to change something, whether or not they did. Each is matched against `tool args…`. */
const CHANGING = [
  /^deploy (?!.*--dry-activate)/,
  /^activate-rs activate (?!.*--dry-activate)/,
  /^switch-to-configuration (?!dry-activate)/,
  /^nix copy /,
  /^nix-store --delete /,
  /^nix-env .*--(?:set|rollback|switch-generation|delete-generations)\b/,
  /^systemd-run /,
  /^systemctl .*\b(?:start|stop|restart|reboot|kill|reset-failed)\b/,
  /^incus (?:start|stop|restart|cluster (?:evacuate|restore)) /,
  /^incus query .*-X (?:POST|PUT|PATCH|DELETE)\b/,
  /^(?:podman|docker) (?:pull|tag|rmi|compose .*\b(?:pull|up))\b/,
];

/** Commands that change a machine, by what they are or by what the simulation says that they did. */
export function changingCommands(journal: readonly JournalEntry[]): string[] {
  return journal
    .filter(({ phase, tool, args, changes }) => {
      if ((changes ?? []).length > 0) return true;
      return phase === 'before' && CHANGING.some((pattern) => pattern.test(`${basename(tool)} ${args.join(' ')}`));
    })
    .map(({ machine, tool, args }) => `${machine}: ${tool} ${args.join(' ')}`);
}

/** Deployments of one node that were under way at one time, as pairs of journal ids. Each has to have ended by itself. */
export function overlappingDeploys(journal: readonly JournalEntry[], node: string): [string, string][] {
  const deploys = journal.filter(
    ({ tool, args }) => tool === 'deploy' && !args.includes('--dry-activate') && args.at(-1)?.includes(`"${node}"`),
  );
  const open = new Set<string>();
  const pairs: [string, string][] = [];
  for (const { id, phase } of deploys) {
    if (phase === 'after') open.delete(id);
    else {
      pairs.push(...[...open].map((other): [string, string] => [other, id]));
      open.add(id);
    }
  }
  return pairs;
}
