import type { Host } from '../hosts/host.ts';
import { createZfsDatasets, type Dataset, type ZfsDatasets } from '../tools/zfs-datasets.ts';
import { createZfsKept, MARKS } from '../tools/zfs-kept.ts';
import { createZpoolImport } from '../tools/zpool-import.ts';
import { expecting } from './expecting.ts';
import { failure, toolFailure } from './failure.ts';
import { contentsOf } from './kept-dataset.ts';

type Reached = 'done' | 'already';

export async function importPool(host: Host, zpool: string, force: boolean, signal: AbortSignal): Promise<Reached> {
  const answer = await createZpoolImport(host, { signal }).importPool(zpool, { force });
  switch (answer.type) {
    case 'imported':
      return 'done';
    case 'already imported':
      return 'already';
    case 'foreign':
      throw failure(
        'Unexpected',
        `zpool ${zpool} on ${host.name} was last had by another system; nobody has approved that.`,
      );
    case 'none':
      throw failure('NotFound', `No disk of ${host.name} has a zpool ${zpool}.`);
    case 'unexpected':
      throw toolFailure(`Importing zpool ${zpool} on ${host.name}`, answer);
  }
}

/**
 * The dataset gets a name of the run, with all that is in it, and an empty one takes its place. Nothing is destroyed: what is
 * not moved back stays until the operator says so by name.
 */
export async function setAside(
  host: Host,
  { dataset, runName, at }: { dataset: string; runName: string; at: string },
  signal: AbortSignal,
): Promise<Reached> {
  const zfs = createZfsDatasets(host, { signal });
  const kept = `${dataset}-${runName}`;
  const wasAside = (await zfs.tree(kept)).type === 'datasets';
  if (!wasAside) expecting(await zfs.rename(dataset, kept), 'renamed', host.name);
  const marks = {
    [MARKS.run]: runName,
    [MARKS.from]: dataset,
    [MARKS.at]: at,
    [MARKS.why]: `what ${host.name} had before it joined anew`,
    [MARKS.rejoin]: 'open',
  };
  const { properties } = expecting(await zfs.localProperties(kept), 'properties', host.name);
  if (!Object.keys(marks).every((name) => name in properties))
    expecting(await zfs.setProperties(kept, marks), 'set', host.name);
  const own = Object.entries(properties).filter(([name]) => !name.startsWith('runbook:'));
  const created = await zfs.create(dataset, Object.fromEntries(own));
  if (created.type !== 'created' && created.type !== 'exists')
    throw toolFailure(`Creating ${dataset} on ${host.name}`, created);
  return created.type === 'exists' && wasAside ? 'already' : 'done';
}

/** Instances and volumes that were set aside, back to where Incus looks for them. Returns how many. */
export async function moveBack(
  host: Host,
  dataset: string,
  leave: readonly string[],
  signal: AbortSignal,
): Promise<number> {
  const zfs = createZfsDatasets(host, { signal });
  let moved = 0;
  for (const kept of await openOf(host, dataset, signal)) {
    const contents = contentsOf(kept, await treeOf(zfs, host, kept));
    for (const name of contents.filter((each) => !leave.includes(each))) {
      const answer = await zfs.rename(`${kept}/${name}`, `${dataset}/${name}`);
      if (answer.type === 'exists')
        throw failure('Unexpected', `${host.name} has both ${dataset}/${name} and ${kept}/${name}: which is right?`);
      expecting(answer, 'renamed', host.name);
      moved += 1;
    }
    await moveOrigins(zfs, host, dataset, kept);
  }
  return moved;
}

/**
 * Images that what was moved is a clone of. They go where Incus keeps images that are in use and no longer wanted: it removes
 * them with their last clone, and takes them back when it needs the image again.
 */
async function moveOrigins(zfs: ZfsDatasets, host: Host, dataset: string, kept: string): Promise<void> {
  const origins = (await treeOf(zfs, host, dataset)).flatMap(({ origin }) => origin?.split('@', 1)[0] ?? []);
  for (const image of new Set(origins.filter((name) => name.startsWith(`${kept}/`)))) {
    const name = image.slice(image.lastIndexOf('/') + 1);
    expecting(await zfs.rename(image, `${dataset}/deleted/images/${name}`), 'renamed', host.name);
  }
}

/** Of the runs before this one, too: what they have set aside and not brought to its end. Returns their names. */
export async function closeAside(
  host: Host,
  dataset: string,
  leave: readonly string[],
  signal: AbortSignal,
): Promise<string[]> {
  const zfs = createZfsDatasets(host, { signal });
  const closed: string[] = [];
  for (const kept of await openOf(host, dataset, signal)) {
    // A later run takes it back when there is what it needs.
    if (contentsOf(kept, await treeOf(zfs, host, kept)).some((name) => leave.includes(name))) continue;
    expecting(await zfs.setProperties(kept, { [MARKS.rejoin]: 'done' }), 'set', host.name);
    closed.push(kept);
  }
  return closed;
}

/** Datasets that were set aside of this one, and from which something may still have to be moved back. */
export async function openOf(host: Host, dataset: string, signal: AbortSignal): Promise<string[]> {
  const { datasets } = expecting(await createZfsKept(host, { signal }).kept(), 'kept', host.name);
  return datasets.filter(({ rejoin, from }) => rejoin === 'open' && from === dataset).map(({ name }) => name);
}

export async function treeOf(zfs: ZfsDatasets, host: Host, dataset: string): Promise<Dataset[]> {
  return expecting(await zfs.tree(dataset), 'datasets', host.name).datasets;
}
