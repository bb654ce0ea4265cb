import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, openSync, readFileSync, watch, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { WORKER } from './core/call.ts';
import { installFiles, writeClusterCertificate } from './incus/servers.ts';
import { releasePause } from './core/faults.ts';
import { readJournal, readUnknown, type JournalEntry } from './core/journal.ts';
import type { Fault, FaultKind, State } from './core/state.ts';
import { initialiseStore, openStore, type Store } from './core/store.ts';
import { REAL_GIT } from './hosts/git.ts';
import { bootInstaller } from './hosts/installer.ts';
import { loseDisks } from './hosts/lost-disks.ts';
import { kill, processesOf, programsOf, serversOf } from './hosts/processes.ts';
import { powerOff, powerOn, bootSystem } from './hosts/power.ts';
import { materialise } from './nix/closure-files.ts';
import type { NodeSpec, SimulatedFlake } from './nix/flake.ts';
import { replaceLink, setProfile } from './nix/profile.ts';
import {
  bareState,
  digestFor,
  initialClosures,
  referenceFleetFile,
  referenceFlake,
  referenceState,
} from './reference-fleet.ts';
import { PORT } from './server.ts';
import { writeMachinePrograms } from './shims.ts';
import { TOOLS } from './tools.ts';

export interface SimulationOptions {
  /** Answers programs from one process that is started here, and ended by `dispose`. Default true. */
  server?: boolean;
  /** The built simulator that the programs start. Default: dist/simulator/main.js of this project. */
  program?: string;
  /** Multiplies the durations of activations, evacuations, reboots. Default 1, some tenths of a second each; 0: none. */
  pace?: number;
  /** Three members that are newly installed: without cluster, guests and volumes, each with an Incus of its own. */
  bare?: boolean;
  /** Other members than those three where it is bare: name → address. */
  members?: Readonly<Record<string, string>>;
  /** Instead of the reference's runbook.yaml. */
  fleetFile?: string;
}

export type NewFault = Omit<Fault, 'id' | 'struck' | 'skip' | 'when' | 'effect'> & {
  effect: FaultKind;
  when?: Fault['when'];
  skip?: number;
};

export interface Simulation {
  /** The folder that holds all of it. */
  readonly dir: string;
  /** First in PATH of whoever is to work on the simulated fleet: `ssh`, `nix`, `deploy`. */
  readonly binDir: string;
  /** A git repository with runbook.yaml and simulated.json. */
  readonly repoDir: string;
  /** For small changes of the state: `update((state) => { state.machines['nuc-1'].clockOffsetMs = 60_000; })`. */
  readonly store: Store;
  readState(): State;
  journal(): JournalEntry[];
  /** What was asked of the simulation that it does not know. */
  unknown(): string[];
  /** Commits another specification of a node; resolves with the revision. Absent fields stay as they are. */
  setSpec(node: string, change: Partial<NodeSpec>): string;
  /** Commits another runbook.yaml; resolves with the revision. */
  setFleetFile(text: string): string;
  /** Commits another file of the repository; resolves with the revision. */
  setFile(path: string, text: string): string;
  revision(): string;
  /** Publishes another image under the reference; answers with its digest. */
  publishImage(reference: string, image: { healthy: boolean }): Promise<string>;
  /** Answers with its id. */
  addFault(fault: NewFault): Promise<string>;
  clearFaults(): Promise<void>;
  /** Resolves with what reached the pause; rejects after the time. */
  releasePause(id: string): void;
  isPaused(id: string): boolean;
  power(machine: string, state: 'on' | 'off' | 'cut off'): Promise<void>;
  /** Boots a member from an installer's image. `hostKey`: whose key that has; without it, the member's. */
  bootInstaller(machine: string, options?: { hostKey?: string }): Promise<void>;
  /** A member without its disks, installed anew over empty pools. */
  loseDisks(machine: string): Promise<void>;
  /** Ends every process that runs for the simulation. The folder is the caller's to remove. */
  dispose(): void;
}

/** Pinned, so that the same simulation has the same revisions. */
const GIT_ENV = {
  GIT_AUTHOR_NAME: 'Operator',
  GIT_AUTHOR_EMAIL: 'operator@homelab.example',
  GIT_AUTHOR_DATE: '2026-01-01T00:00:00Z',
  GIT_COMMITTER_NAME: 'Operator',
  GIT_COMMITTER_EMAIL: 'operator@homelab.example',
  GIT_COMMITTER_DATE: '2026-01-01T00:00:00Z',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_CONFIG_SYSTEM: '/dev/null',
};

/** Makes the reference fleet in an empty or new folder: three members with their guests, all healthy. */
export async function createSimulation(dir: string, options: SimulationOptions = {}): Promise<Simulation> {
  const program = options.program ?? builtProgram();
  const pace = options.pace ?? 1;
  initialiseStore(dir, options.bare === true ? bareState(pace, options.members) : referenceState(pace));
  const store = openStore(dir);
  await store.update((state) => {
    writeMachinePrograms(dir, store.root(WORKER), WORKER, program, Object.keys(TOOLS.worker));
    for (const name of Object.keys(state.machines))
      writeMachinePrograms(dir, store.root(name), name, program, Object.keys(TOOLS.machine));
    for (const { machine, closure } of initialClosures()) {
      if (!state.machines[machine]) continue;
      const root = store.root(machine);
      materialise(root, closure);
      setProfile(join(root, 'nix/var/nix/profiles/system'), join(root, closure.path));
      replaceLink(join(root, 'boot/default'), join(root, closure.path));
    }
    for (const machine of Object.values(state.machines)) {
      if (machine.kind === 'member') installFiles(store, machine.name);
      if (machine.kind === 'member' && machine.incus?.database === undefined)
        writeClusterCertificate(store, machine.name);
      bootSystem(store, machine);
    }
  });
  const repoDir = join(dir, 'repo');
  mkdirSync(repoDir);
  git(repoDir, 'init', '--quiet', '--initial-branch=main');
  writeFileSync(join(repoDir, 'runbook.yaml'), options.fleetFile ?? referenceFleetFile());
  commitFlake(repoDir, referenceFlake(), 'The homelab');
  if (options.server ?? true) await startServer(dir, program);
  return openSimulation(dir);
}

/** One that was created before, in this process or another. */
export function openSimulation(dir: string): Simulation {
  const store = openStore(dir);
  const repoDir = join(dir, 'repo');
  const update = async <T>(change: (state: State) => T): Promise<T> => (await store.update(change)).answer;
  return {
    dir,
    binDir: join(store.root(WORKER), 'bin'),
    repoDir,
    store,
    readState: () => store.read(),
    journal: () => readJournal(dir),
    unknown: () => readUnknown(dir),
    revision: () => git(repoDir, 'rev-parse', 'HEAD'),
    setFile: (path, text) => {
      mkdirSync(dirname(join(repoDir, path)), { recursive: true });
      writeFileSync(join(repoDir, path), text);
      return commitAll(repoDir, path);
    },
    setFleetFile: (text) => {
      writeFileSync(join(repoDir, 'runbook.yaml'), text);
      return commitAll(repoDir, 'runbook.yaml');
    },
    setSpec: (node, change) => {
      const flake = JSON.parse(readFileSync(join(repoDir, 'simulated.json'), 'utf8')) as SimulatedFlake;
      const before = flake.nodes[node];
      if (!before) throw new Error(`Expected one of ${Object.keys(flake.nodes).join(', ')}, got ${node}.`);
      flake.nodes[node] = { ...before, ...change };
      return commitFlake(repoDir, flake, `${node}: ${Object.keys(change).join(', ')}`);
    },
    publishImage: (reference, { healthy }) =>
      update((state) => {
        const digest = digestFor(reference, Object.keys(state.images).length + 1);
        state.images[digest] = { digest, healthy };
        state.registry[reference] = { digest, healthy };
        return digest;
      }),
    addFault: ({ when = 'before', skip = 0, ...fault }) =>
      update((state) => {
        const id = `fault-${state.faults.length + 1}`;
        state.faults.push({ ...fault, id, when, skip, struck: 0 });
        return id;
      }),
    clearFaults: () =>
      update((state) => {
        for (const fault of state.faults) fault.times = 0;
      }),
    releasePause: (id) => {
      releasePause(dir, id);
    },
    isPaused: (id) => existsSync(join(dir, 'pauses', `${id}.reached`)),
    power: (machine, to) =>
      update((state) => {
        setPower(store, state, machine, to);
      }),
    bootInstaller: (machine, options = {}) =>
      update((state) => {
        bootInstaller(store, state, machine, options);
      }),
    loseDisks: (machine) =>
      update((state) => {
        loseDisks(store, state, machine);
      }),
    dispose: () => {
      const names = [WORKER, ...Object.keys(store.read().machines)];
      const pids = names.flatMap((name) => [
        ...processesOf(store.root(name)),
        ...programsOf(dir, name).map(({ pid }) => pid),
      ]);
      for (const pid of new Set([...pids, ...serversOf(dir)])) kill(pid);
    },
  };
}

/** Resolves when it answers. */
async function startServer(dir: string, program: string): Promise<void> {
  const child = spawn(process.execPath, [program, 'serve', dir], {
    detached: true,
    stdio: ['ignore', 'ignore', openSync(join(dir, 'server.log'), 'a')],
    env: Object.fromEntries(Object.entries(process.env).filter(([name]) => name !== 'NODE_EXTRA_CA_CERTS')),
  });
  child.unref();
  await new Promise<void>((resolve, reject) => {
    const look = (): void => {
      if (!existsSync(join(dir, PORT))) return;
      watcher.close();
      child.removeAllListeners();
      resolve();
    };
    const watcher = watch(dir, look);
    child.once('exit', (code) => {
      watcher.close();
      reject(new Error(`The simulator's server ended with ${String(code)}.`));
    });
    // On a busy machine it may have been there before anybody watched.
    look();
  });
}

function setPower(store: Store, state: State, name: string, to: 'on' | 'off' | 'cut off'): void {
  const machine = state.machines[name];
  if (!machine) throw new Error(`Expected one of ${Object.keys(state.machines).join(', ')}, got ${name}.`);
  if (to === 'off') powerOff(store, state, name);
  else if (to === 'on' && machine.power === 'off') powerOn(store, state, name);
  else machine.power = to;
}

function commitFlake(repoDir: string, flake: SimulatedFlake, message: string): string {
  writeFileSync(join(repoDir, 'simulated.json'), `${JSON.stringify(flake, null, 2)}\n`);
  return commitAll(repoDir, message);
}

/** All in one shell: to start a process from a large one, as a test's is, takes longer than what git does. */
const COMMIT_ALL = `set -e
"$1" add .
"$1" commit --quiet --allow-empty --message="$2"
exec "$1" rev-parse HEAD`;

function commitAll(repoDir: string, message: string): string {
  return run(repoDir, '/bin/sh', ['-c', COMMIT_ALL, 'sh', realGit(repoDir), message]);
}

function git(repoDir: string, ...args: string[]): string {
  return run(repoDir, realGit(repoDir), args);
}

/** Also where the simulated one is first in PATH. */
function realGit(repoDir: string): string {
  return join(openStore(dirname(repoDir)).root(WORKER), REAL_GIT);
}

function run(cwd: string, program: string, args: readonly string[]): string {
  return execFileSync(program, args, { cwd, encoding: 'utf8', env: { ...process.env, ...GIT_ENV } }).trim();
}

/** Beside this file where it is built, in dist/ where it is run from source. */
function builtProgram(): string {
  const found = ['./main.js', '../dist/simulator/main.js', '../simulator/main.js']
    .map((path) => fileURLToPath(new URL(path, import.meta.url)))
    .find((path) => existsSync(path));
  if (found === undefined) throw new Error('The simulator is not built yet. Run "npm run setup" and try again.');
  return found;
}
