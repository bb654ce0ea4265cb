import type { Host } from '../hosts/host.ts';
import { atOnce } from './at-once.ts';
import { BOOT_PARTS, bootParts, changedBootParts, type BootPart, type BootParts } from './boot-parts.ts';
import { unexpected, type NotFound, type Ran, type Unexpected } from './result.ts';
import { withSignal, type ToolOptions } from './tool-options.ts';

/** Its link is what the next boot takes. */
export const SYSTEM_PROFILE = '/nix/var/nix/profiles/system';

/** Both only read or turn a link; a host with a busy disk takes seconds. */
const TIMEOUT_MS = 30_000;

/** The three answers of a NixOS host to "which system is this": they differ after a failed or half-done deploy. */
interface SystemState {
  type: 'system';
  /** What the next boot takes. */
  profilePath: string;
  /** What was activated last; absent on a host that has never activated one. */
  runningPath?: string;
  /** What it booted from; absent in a container. */
  bootedPath?: string;
  /** Number of the generation that the profile points to. */
  generation: number;
  profileParts: BootParts;
  bootedParts: BootParts;
  /** The parts that only a reboot would bring into use. */
  rebootNeeded: BootPart[];
}

/** A command to be run as a long job, in a folder that no switch takes away. */
export interface Activation {
  argv: string[];
  cwd: string;
}

export type ActivationAction = 'switch' | 'boot' | 'test' | 'dry-activate';

export interface SystemProfile {
  current(): Promise<SystemState | Unexpected>;
  /** Turns the profile back or forth; activating is a job of its own. Verified. Idempotent. */
  switchGeneration(generation: number): Promise<{ type: 'switched' } | { type: 'already' } | NotFound | Unexpected>;
  /**
   * Lets the profile lead to this store path: as a new generation, unless the newest is that already (nix-env's rule).
   * Idempotent.
   */
  setSystem(path: string): Promise<{ type: 'set' } | Unexpected>;
}

/** Activates what the profile points to. Exit codes: 2 activation script, 4 units failed, 100 reboot needed. */
export function activationArgv(action: ActivationAction): Activation {
  return { argv: [`${SYSTEM_PROFILE}/bin/switch-to-configuration`, action], cwd: '/tmp' };
}

/** Activates a system while the profile points to another one, which stays what boots next. */
export function activationBesideArgv(runningPath: string): Activation {
  const programs = [SYSTEM_PROFILE, runningPath].map((system) => `${system}/bin/switch-to-configuration`);
  return { argv: ['sh', '-c', '"$1" boot && exec "$2" test', 'sh', ...programs], cwd: '/tmp' };
}

export function createSystemProfile(host: Host, options: ToolOptions = {}): SystemProfile {
  const run = async (argv: string[]): Promise<Ran> => ({
    argv,
    result: await host.run(argv, { timeoutMs: TIMEOUT_MS, ...withSignal(options) }),
  });

  const listGenerations = async () => {
    const ran = await run(['nix-env', '-p', SYSTEM_PROFILE, '--list-generations']);
    return ran.result.exitCode === 0 ? readGenerations(ran) : unexpected('nix-env', ran);
  };

  return {
    current: async () => {
      // -m prints a line for each path, also for one that is not there.
      const [listed, ran] = await atOnce(listGenerations(), run(['readlink', '-m', '--', ...SYSTEMS, ...PARTS]));
      if (listed.type !== 'generations') return listed;
      if (ran.result.exitCode !== 0) return unexpected('readlink', ran);
      return readState(ran, listed.current);
    },
    switchGeneration: async (generation) => {
      const before = await listGenerations();
      if (before.type !== 'generations') return before;
      if (before.current === generation) return { type: 'already' };
      if (!before.numbers.includes(generation))
        return { type: 'not found', what: `Generation ${generation} of ${SYSTEM_PROFILE} on ${host.name}` };
      const ran = await run(['nix-env', '-p', SYSTEM_PROFILE, '--switch-generation', String(generation)]);
      if (ran.result.exitCode !== 0) return unexpected('nix-env', ran);
      const after = await listGenerations();
      if (after.type !== 'generations') return after;
      if (after.current === generation) return { type: 'switched' };
      return unexpected('nix-env', ran, `Expected generation ${generation} afterwards, it is ${after.current}.`);
    },
    setSystem: async (path) => {
      const ran = await run(['nix-env', '-p', SYSTEM_PROFILE, '--set', path]);
      return ran.result.exitCode === 0 ? { type: 'set' } : unexpected('nix-env', ran);
    },
  };
}

export const RUNNING_SYSTEM = '/run/current-system';
const BOOTED_SYSTEM = '/run/booted-system';
const SYSTEMS = [SYSTEM_PROFILE, RUNNING_SYSTEM, BOOTED_SYSTEM];
const PARTS = [SYSTEM_PROFILE, BOOTED_SYSTEM].flatMap((system) => BOOT_PARTS.map((part) => `${system}/${part}`));

interface Generations {
  type: 'generations';
  numbers: number[];
  current: number;
}

/** Lines like `  42   2026-11-23 02:14:00   (current)`. */
function readGenerations(ran: Ran): Generations | Unexpected {
  const numbers: number[] = [];
  let current: number | undefined;
  for (const line of ran.result.stdout.split('\n').filter((text) => text.trim() !== '')) {
    const found = /^\s*(\d+)\s+\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\s*(\(current\))?\s*$/.exec(line);
    if (found === null) return unexpected('nix-env', ran, `Expected a generation, got ${JSON.stringify(line)}.`);
    const number = Number(found[1]);
    numbers.push(number);
    if (found[2] !== undefined) current = number;
  }
  if (current === undefined) return unexpected('nix-env', ran, 'Expected one generation to be the current one.');
  return { type: 'generations', numbers, current };
}

function readState(ran: Ran, generation: number): SystemState | Unexpected {
  const asked = ran.argv.slice(3);
  const lines = ran.result.stdout.split('\n').slice(0, asked.length);
  const target = new Map(asked.map((path, index) => [path, lines[index]]));
  /** A path that leads nowhere is printed as it is. */
  const inStore = (path: string) =>
    target.get(path)?.startsWith('/nix/store/') === true ? target.get(path) : undefined;
  const partsOf = (system: string) => bootParts((part) => inStore(`${system}/${part}`));

  const profilePath = inStore(SYSTEM_PROFILE);
  if (profilePath === undefined) return unexpected('readlink', ran, `Expected ${SYSTEM_PROFILE} to lead to the store.`);
  const runningPath = inStore(RUNNING_SYSTEM);
  const bootedPath = inStore(BOOTED_SYSTEM);
  const profileParts = partsOf(SYSTEM_PROFILE);
  const bootedParts = partsOf(BOOTED_SYSTEM);
  return {
    type: 'system',
    profilePath,
    ...(runningPath === undefined ? {} : { runningPath }),
    ...(bootedPath === undefined ? {} : { bootedPath }),
    generation,
    profileParts,
    bootedParts,
    rebootNeeded: changedBootParts(profileParts, bootedParts),
  };
}
