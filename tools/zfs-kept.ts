import type { Host } from '../hosts/host.ts';
import { HostError } from '../hosts/host.ts';
import { unexpected, type Busy, type Ran, type Unexpected } from './result.ts';
import { withSignal, type ToolOptions } from './tool-options.ts';

/** A pool whose disks are waking up or retrying takes tens of seconds. */
const TIMEOUT_MS = 60_000;
/** Freeing goes on in the background, but a dataset with many snapshots takes its time. */
const DESTROY_TIMEOUT_MS = 15 * 60_000;

/** What a dataset bears of its own that was set aside. `rejoin` is `open` until all that a member needs of it is back. */
export const MARKS = {
  run: 'runbook:kept',
  from: 'runbook:kept-from',
  at: 'runbook:kept-at',
  why: 'runbook:kept-why',
  rejoin: 'runbook:rejoin',
} as const;

/** A dataset that a run has set aside, by the properties that it has of its own: what is below it only inherits them. */
export interface KeptDataset {
  name: string;
  /** The run. */
  run: string;
  from?: string;
  /** ISO 8601. */
  at?: string;
  why?: string;
  /** `open`: a member that is on its way back needs what is in it; `done` afterwards. */
  rejoin?: string;
}

/** A dataset, or a snapshot of one. */
export interface DatasetPart {
  name: string;
  type: 'filesystem' | 'volume' | 'snapshot';
  usedBytes: number;
  isMounted: boolean;
  /** Of a snapshot: what was made of it. */
  clones: string[];
  holds: number;
}

type Destroyed = { type: 'destroyed' } | { type: 'none' } | Busy | Unexpected;

export interface ZfsKept {
  /** All of them on this host; none where it has no ZFS. */
  kept(): Promise<{ type: 'kept'; datasets: KeptDataset[] } | Unexpected>;
  /** A dataset with everything below it, snapshots too. */
  parts(dataset: string): Promise<{ type: 'parts'; parts: DatasetPart[] } | { type: 'none' } | Unexpected>;
  /** With everything below it, snapshots too, and nothing else: a clone of it elsewhere keeps it. */
  destroy(dataset: string): Promise<Destroyed>;
}

/** All throw a TypeError for a name that ZFS would take for something else. */
export function createZfsKept(host: Host, options: ToolOptions = {}): ZfsKept {
  const run = async (argv: readonly string[], timeoutMs = TIMEOUT_MS): Promise<Ran> => ({
    argv,
    result: await host.run(argv, { timeoutMs, ...withSignal(options) }),
  });

  return {
    kept: async () => {
      const columns = ['-o', 'name,property,value', '-t', 'filesystem,volume'];
      const ran = await unlessMissing(() =>
        run(['zfs', 'get', '-Hp', '-s', 'local', ...columns, Object.values(MARKS).join(',')]),
      );
      if (ran === undefined || ran.result.exitCode === 127) return { type: 'kept', datasets: [] };
      if (ran.result.exitCode !== 0) return unexpected('zfs', ran);
      return { type: 'kept', datasets: keptIn(ran.result.stdout) };
    },
    parts: async (dataset) => {
      const columns = ['-o', 'name,type,used,mounted,clones,userrefs'];
      const what = ['-t', 'filesystem,volume,snapshot', '-r'];
      const ran = await run(['zfs', 'list', '-Hp', ...what, ...columns, datasetName(dataset)]);
      if (isGone(ran)) return { type: 'none' };
      if (ran.result.exitCode !== 0) return unexpected('zfs', ran);
      const lines = ran.result.stdout.split('\n').filter((line) => line !== '');
      const parts = lines.flatMap((line) => readPart(line) ?? []);
      return parts.length === lines.length
        ? { type: 'parts', parts }
        : unexpected('zfs', ran, 'Expected name, type, used, mounted, clones and userrefs, apart by tabs.');
    },
    destroy: async (dataset) => {
      const ran = await run(['zfs', 'destroy', '-r', datasetName(dataset)], DESTROY_TIMEOUT_MS);
      if (ran.result.exitCode === 0) return { type: 'destroyed' };
      if (isGone(ran)) return { type: 'none' };
      if (/: pool or dataset is busy$/m.test(ran.result.stderr))
        return { type: 'busy', message: ran.result.stderr.trim() };
      return unexpected('zfs', ran);
    },
  };
}

const isGone = ({ result }: Ran): boolean => /: dataset does not exist$/m.test(result.stderr);

/** A host without ZFS has no such program. */
async function unlessMissing(look: () => Promise<Ran>): Promise<Ran | undefined> {
  try {
    return await look();
  } catch (error) {
    if (error instanceof HostError && error.type === 'NotRun') return undefined;
    throw error;
  }
}

function keptIn(printed: string): KeptDataset[] {
  const found = new Map<string, Record<string, string>>();
  for (const line of printed.split('\n')) {
    // A value may hold tabs itself.
    const [, name, property, value] = /^([^\t]+)\t([^\t]+)\t(.*)$/.exec(line) ?? [];
    if (name === undefined || property === undefined || value === undefined) continue;
    found.set(name, { ...found.get(name), [property]: value });
  }
  return [...found].flatMap(([name, properties]) => {
    const {
      [MARKS.run]: run,
      [MARKS.from]: from,
      [MARKS.at]: at,
      [MARKS.why]: why,
      [MARKS.rejoin]: rejoin,
    } = properties;
    if (run === undefined) return [];
    return [
      {
        name,
        run,
        ...(from === undefined ? {} : { from }),
        ...(at === undefined ? {} : { at }),
        ...(why === undefined ? {} : { why }),
        ...(rejoin === undefined ? {} : { rejoin }),
      },
    ];
  });
}

function readPart(line: string): DatasetPart | undefined {
  const [name, word, used, mounted, clones = '', userrefs = ''] = line.split('\t');
  const type = (['filesystem', 'volume', 'snapshot'] as const).find((known) => known === word);
  if (name === undefined || type === undefined || !/^\d+$/.test(used ?? '')) return undefined;
  return {
    name,
    type,
    usedBytes: Number(used),
    isMounted: mounted === 'yes',
    clones: clones.split(',').filter((clone) => clone !== '' && clone !== '-'),
    holds: /^\d+$/.test(userrefs) ? Number(userrefs) : 0,
  };
}

/** Below a pool: a pool itself is never one that was set aside. */
function datasetName(name: string): string {
  if (/^[A-Za-z0-9][A-Za-z0-9._:-]*(?:\/[A-Za-z0-9._:%-]+)+$/.test(name)) return name;
  throw new TypeError(`Expected the name of a ZFS dataset below a pool, got ${JSON.stringify(name)}.`);
}
