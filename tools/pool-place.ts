import type { Host } from '../hosts/host.ts';
import { listFolder } from './folder.ts';
import { DATASETS, FOLDERS } from './incus-state.ts';
import { unexpected, type Unexpected } from './result.ts';
import { withSignal, type ToolOptions } from './tool-options.ts';

/** A pool whose disks are waking up takes tens of seconds. */
const TIMEOUT_MS = 60_000;

type Found = { type: 'place'; foreign: string[] } | { type: 'none' } | Unexpected;

/** What is at the place of a pool besides the folders that Incus makes for one that is empty. Changes nothing. */
export async function foreignInFolder(host: Host, path: string, options: ToolOptions = {}): Promise<Found> {
  const listed = await listFolder(host, path, options);
  if (listed.type !== 'entries') return listed;
  const own = listed.names.filter((name) => FOLDERS.includes(name));
  const foreign = listed.names.filter((name) => !FOLDERS.includes(name));
  for (const name of own) {
    const inside = await listFolder(host, `${path}/${name}`, options);
    if (inside.type === 'unexpected') return inside;
    if (inside.type === 'entries') foreign.push(...inside.names.map((each) => `${name}/${each}`));
  }
  return { type: 'place', foreign };
}

/** The same of a dataset. Images are Incus's: it fetches them anew. */
export async function foreignInDataset(host: Host, dataset: string, options: ToolOptions = {}): Promise<Found> {
  const argv = ['zfs', 'list', '-Hp', '-t', 'all', '-r', '-o', 'name', dataset];
  const result = await host.run(argv, { timeoutMs: TIMEOUT_MS, ...withSignal(options) });
  if (/: dataset does not exist$/m.test(result.stderr)) return { type: 'none' };
  if (result.exitCode !== 0) return unexpected('zfs', { argv, result });
  const own = new Set([dataset, ...DATASETS.map((name) => `${dataset}/${name}`)]);
  const isImage = (name: string): boolean =>
    name.startsWith(`${dataset}/images/`) || name.startsWith(`${dataset}/deleted/images/`);
  const names = result.stdout.split('\n').filter((name) => name !== '');
  return { type: 'place', foreign: names.filter((name) => !own.has(name) && !isImage(name)) };
}
