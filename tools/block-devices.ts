import { z } from 'zod';
import { HostError, type Host } from '../hosts/host.ts';
import { readJson, tail, unexpected, type Ran, type Unexpected } from './result.ts';
import { withSignal, type ToolOptions } from './tool-options.ts';

/** A disk that sleeps takes some seconds to wake up. */
const TIMEOUT_MS = 60_000;
const COLUMNS = 'NAME,PATH,TYPE,FSTYPE,LABEL,PARTLABEL,MODEL,SERIAL,WWN,SIZE';

export interface BlockDevice {
  path: string;
  /** `disk`, `part`, `crypt`, `lvm`, `raid1`, `mpath`, `loop`, `rom` … */
  type: string;
  fstype?: string;
  /** Of a member of a zpool: the pool’s name. */
  label?: string;
  partlabel?: string;
  model?: string;
  serial?: string;
  wwn?: string;
  sizeBytes: number;
  /** What is on it. What lies on several, as a mirror does, is below each of them. */
  children: BlockDevice[];
}

/** What the labels of ZFS on a device say. `pools`: empty where they name none, as those of a spare or a cache. */
export type ZfsLabel = { type: 'label'; pools: string[] } | { type: 'none' } | { type: 'no zdb' } | Unexpected;

export interface Disks {
  /** All disks, with what is on them. */
  list(): Promise<{ type: 'devices'; devices: BlockDevice[] } | Unexpected>;
  /** The device that a path leads to, `/dev/sda`. */
  resolve(path: string): Promise<{ type: 'path'; path: string } | { type: 'missing' } | Unexpected>;
  /** Also where lsblk sees no file system: labels outlive a new partition table. */
  zfsLabel(path: string): Promise<ZfsLabel>;
}

const text = z.string().nullish();
interface Raw {
  path: string;
  type: string;
  size: number | string;
  [key: string]: unknown;
}
const rawSchema: z.ZodType<Raw> = z.looseObject({
  path: z.string().startsWith('/dev/'),
  type: z.string(),
  // A text in util-linux before 2.33.
  size: z.union([z.number(), z.string().regex(/^\d+$/)]),
  fstype: text,
  label: text,
  partlabel: text,
  model: text,
  serial: text,
  wwn: text,
  children: z.lazy(() => z.array(rawSchema)).optional(),
});
const listSchema = z.object({ blockdevices: z.array(rawSchema) });

/** The disks of a host. Changes nothing. */
export function createDisks(host: Host, options: ToolOptions = {}): Disks {
  const run = async (argv: string[]): Promise<Ran> => ({
    argv,
    result: await host.run(argv, { timeoutMs: TIMEOUT_MS, ...withSignal(options) }),
  });

  return {
    list: async () => {
      const ran = await run(['lsblk', '--json', '--tree', '--bytes', '--output', COLUMNS]);
      if (ran.result.exitCode !== 0) return unexpected('lsblk', ran);
      const read = readJson('lsblk', ran, listSchema);
      return read.type === 'json' ? { type: 'devices', devices: read.value.blockdevices.map(deviceOf) } : read;
    },
    resolve: async (path) => {
      const ran = await run(['readlink', '-e', '--', devicePath(path)]);
      const { exitCode, stdout, stderr } = ran.result;
      const resolved = stdout.replace(/\n$/, '');
      if (exitCode === 0 && /^\/\S+$/.test(resolved)) return { type: 'path', path: resolved };
      return exitCode === 1 && stdout === '' && stderr === '' ? { type: 'missing' } : unexpected('readlink', ran);
    },
    zfsLabel: async (path) => {
      const ran = await runIfThere(() => run(['zdb', '-l', devicePath(path)]));
      return ran === undefined || ran.result.exitCode === 127 ? { type: 'no zdb' } : readLabel(ran);
    },
  };
}

async function runIfThere(run: () => Promise<Ran>): Promise<Ran | undefined> {
  try {
    return await run();
  } catch (error) {
    if (error instanceof HostError && error.type === 'NotRun') return undefined;
    throw error;
  }
}

/** zdb ends with 2 where a label is missing, also when others are there. */
function readLabel(ran: Ran): ZfsLabel {
  const { exitCode, stdout, stderr } = ran.result;
  const pools = [...stdout.matchAll(/^ {4}name: '([^']*)'$/gm)].map(([, name]) => name ?? '');
  if (pools.length > 0) return { type: 'label', pools: [...new Set(pools)] };
  if (/^ {4}pool_guid: |^ {4}guid: /m.test(stdout)) return { type: 'label', pools: [] };
  const isNone = [0, 2].includes(exitCode) && /failed to unpack label/.test(`${stdout}\n${stderr}`);
  return isNone ? { type: 'none' } : unexpected('zdb', ran);
}

function deviceOf(raw: Raw): BlockDevice {
  const optional = ['fstype', 'label', 'partlabel', 'model', 'serial', 'wwn'] as const;
  const texts = optional.flatMap((key) => {
    const value = raw[key];
    // What a disk says of itself is shown to people: no more than a line of it.
    return typeof value === 'string' && value.trim() !== '' ? [[key, oneLine(value)] as const] : [];
  });
  return {
    path: raw.path,
    type: raw.type,
    sizeBytes: Number(raw.size),
    ...Object.fromEntries(texts),
    children: ((raw['children'] as Raw[] | undefined) ?? []).map(deviceOf),
  };
}

const oneLine = (value: string): string => tail(value.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '?'), 200);

function devicePath(path: string): string {
  if (path.startsWith('/') && !path.includes('\0')) return path;
  throw new TypeError(`Expected the absolute path of a device, got ${JSON.stringify(path)}.`);
}
