import type { Host } from '../hosts/host.ts';
import { unexpected, type Ran, type Unexpected } from './result.ts';
import { withSignal, type ToolOptions } from './tool-options.ts';

/** Every disk is read; those that wake up take tens of seconds. */
const LOOK_TIMEOUT_MS = 2 * 60_000;
/** Replays what was under way when the host went down, and mounts. */
const IMPORT_TIMEOUT_MS = 10 * 60_000;

/** A pool on disks that are there, which no system has imported here. */
export interface ImportablePool {
  name: string;
  /** `ONLINE`, `DEGRADED`, `FAULTED`, `UNAVAIL` */
  state: string;
  /** The last system that had it was another one, by its hostid: a reinstalled host without `networking.hostId` is one too. */
  foreign: boolean;
}

export interface ZpoolImport {
  /** What could be imported. Changes nothing. */
  importable(): Promise<{ type: 'importable'; pools: ImportablePool[] } | Unexpected>;
  /** `force`: also one that another system had. Never `-F`, which takes back what was written last. Idempotent. */
  importPool(
    name: string,
    options: { force: boolean },
  ): Promise<{ type: 'imported' } | { type: 'already imported' } | { type: 'foreign' } | { type: 'none' } | Unexpected>;
}

export function createZpoolImport(host: Host, options: ToolOptions = {}): ZpoolImport {
  const run = async (argv: string[], timeoutMs: number): Promise<Ran> => ({
    argv,
    result: await host.run(argv, { timeoutMs, ...withSignal(options) }),
  });

  return {
    importable: async () => {
      const ran = await run(['zpool', 'import'], LOOK_TIMEOUT_MS);
      const { exitCode, stdout, stderr } = ran.result;
      if (/^no pools available to import$/m.test(stderr)) return { type: 'importable', pools: [] };
      if (exitCode !== 0) return unexpected('zpool', ran);
      const pools = stdout
        .split(/^ {2,3}pool: /m)
        .slice(1)
        .map(readPool);
      return pools.some((pool) => pool === undefined)
        ? unexpected('zpool', ran, 'Expected pool and state of each pool.')
        : { type: 'importable', pools: pools.flatMap((pool) => pool ?? []) };
    },
    importPool: async (name, { force }) => {
      const ran = await run(['zpool', 'import', ...(force ? ['-f'] : []), poolName(name)], IMPORT_TIMEOUT_MS);
      const { exitCode, stderr } = ran.result;
      if (exitCode === 0) return { type: 'imported' };
      if (/^cannot import '[^']*': a pool with that name already exists$/m.test(stderr))
        return { type: 'already imported' };
      if (/^cannot import '[^']*': no such pool(?: available)?$/m.test(stderr)) return { type: 'none' };
      if (/^cannot import '[^']*': pool was previously in use from another system/m.test(stderr))
        return { type: 'foreign' };
      return unexpected('zpool', ran);
    },
  };
}

/** One block of what `zpool import` lists, from the name on. */
function readPool(block: string): ImportablePool | undefined {
  const name = block.split('\n', 1)[0]?.trim();
  const state = /^ *state: ([A-Z]+)$/m.exec(block)?.[1];
  if (name === undefined || name === '' || state === undefined) return undefined;
  return { name, state, foreign: /^ *status: The pool was last accessed by another system/m.test(block) };
}

function poolName(name: string): string {
  if (/^[A-Za-z][A-Za-z0-9_.:-]*$/.test(name)) return name;
  throw new TypeError(`Expected the name of a ZFS pool, got ${JSON.stringify(name)}.`);
}
