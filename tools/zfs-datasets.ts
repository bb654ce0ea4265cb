import type { Host } from '../hosts/host.ts';
import { unexpected, type NotFound, type Ran, type Unexpected } from './result.ts';
import { readZfsError, zfsName } from './zfs.ts';
import { withSignal, type ToolOptions } from './tool-options.ts';

/** A rename unmounts what is below, and a busy pool takes its time for it. */
const TIMEOUT_MS = 2 * 60_000;

export interface Dataset {
  name: string;
  kind: 'filesystem' | 'volume';
  /** The snapshot that it is a clone of. */
  origin?: string;
  encrypted: boolean;
}

type Answer<T> = T | NotFound | Unexpected;

/** Datasets as a tree that is renamed and never destroyed. All throw a TypeError for a name that ZFS would take for an option. */
export interface ZfsDatasets {
  /** The dataset itself and all below it. */
  tree(dataset: string): Promise<Answer<{ type: 'datasets'; datasets: Dataset[] }>>;
  /** Properties that were set on the dataset itself, native ones and a user's, as `setProperties` takes them. */
  localProperties(dataset: string): Promise<Answer<{ type: 'properties'; properties: Record<string, string> }>>;
  setProperties(dataset: string, properties: Readonly<Record<string, string>>): Promise<Answer<{ type: 'set' }>>;
  /** Properties that were set on the dataset itself are not any more. Idempotent. */
  clearProperties(dataset: string, properties: readonly string[]): Promise<Answer<{ type: 'cleared' }>>;
  /** With everything below it. `exists`: the new name is taken, and nothing was changed. */
  rename(from: string, to: string): Promise<Answer<{ type: 'renamed' } | { type: 'exists' }>>;
  /** A filesystem. */
  create(
    dataset: string,
    properties: Readonly<Record<string, string>>,
  ): Promise<Answer<{ type: 'created' } | { type: 'exists' }>>;
}

/** `zfs get -p` tells a quota that is switched off as 0, which `zfs set` refuses (OpenZFS 2.3: "use 'none' to disable"). */
const settable = (name: string, value: string): string =>
  (name === 'quota' || name === 'refquota') && value === '0' ? 'none' : value;

export function createZfsDatasets(host: Host, options: ToolOptions = {}): ZfsDatasets {
  const run = async (argv: string[]): Promise<Ran> => ({
    argv,
    result: await host.run(argv, { timeoutMs: TIMEOUT_MS, ...withSignal(options) }),
  });

  return {
    tree: async (dataset) => {
      const columns = 'name,type,origin,encryption';
      const argv = ['zfs', 'list', '-Hp', '-t', 'filesystem,volume', '-r', '-o', columns, zfsName(dataset)];
      const ran = await run(argv);
      if (ran.result.exitCode !== 0) return readZfsError('zfs', ran);
      const datasets = linesOf(ran).map(readDataset);
      if (datasets.some((each) => each === undefined)) return unexpected('zfs', ran, `Expected ${columns}.`);
      return { type: 'datasets', datasets: datasets.flatMap((each) => each ?? []) };
    },
    localProperties: async (dataset) => {
      const ran = await run(['zfs', 'get', '-Hp', '-s', 'local', '-o', 'property,value', 'all', zfsName(dataset)]);
      if (ran.result.exitCode !== 0) return readZfsError('zfs', ran);
      const pairs = linesOf(ran).map((line): [string, string] => {
        const at = line.indexOf('\t');
        const name = line.slice(0, at);
        return [name, settable(name, line.slice(at + 1))];
      });
      return { type: 'properties', properties: Object.fromEntries(pairs) };
    },
    setProperties: async (dataset, properties) => {
      const ran = await run(['zfs', 'set', ...assignments(properties), zfsName(dataset)]);
      return ran.result.exitCode === 0 ? { type: 'set' } : readZfsError('zfs', ran);
    },
    clearProperties: async (dataset, properties) => {
      for (const property of properties) {
        const ran = await run(['zfs', 'inherit', propertyName(property), zfsName(dataset)]);
        if (ran.result.exitCode !== 0) return readZfsError('zfs', ran);
      }
      return { type: 'cleared' };
    },
    rename: async (from, to) => {
      const ran = await run(['zfs', 'rename', zfsName(from), zfsName(to)]);
      if (ran.result.exitCode === 0) return { type: 'renamed' };
      return /^cannot rename '[^']*': dataset already exists$/m.test(ran.result.stderr)
        ? { type: 'exists' }
        : readZfsError('zfs', ran);
    },
    create: async (dataset, properties) => {
      const set = assignments(properties).flatMap((assignment) => ['-o', assignment]);
      const ran = await run(['zfs', 'create', ...set, zfsName(dataset)]);
      if (ran.result.exitCode === 0) return { type: 'created' };
      return /^cannot create '[^']*': dataset already exists$/m.test(ran.result.stderr)
        ? { type: 'exists' }
        : readZfsError('zfs', ran);
    },
  };
}

const linesOf = ({ result }: Ran): string[] => result.stdout.split('\n').filter((line) => line !== '');

const assignments = (properties: Readonly<Record<string, string>>): string[] =>
  Object.entries(properties).map(([name, value]) => `${propertyName(name)}=${value}`);

function readDataset(line: string): Dataset | undefined {
  const [name, kind, origin, encryption] = line.split('\t');
  if (name === undefined || (kind !== 'filesystem' && kind !== 'volume')) return undefined;
  if (origin === undefined || encryption === undefined) return undefined;
  return { name, kind, ...(origin === '-' ? {} : { origin }), encrypted: encryption !== 'off' };
}

function propertyName(name: string): string {
  if (/^[a-z][a-z0-9:_.-]*$/.test(name)) return name;
  throw new TypeError(`Expected the name of a ZFS property, got ${JSON.stringify(name)}.`);
}
