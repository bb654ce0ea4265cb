import type { Dataset } from '../tools/zfs-datasets.ts';

/** Properties of a dataset that was set aside and belongs to the operator: `runbook list-kept` shows it. */
export const KEPT = 'runbook:kept';
export const KEPT_FROM = 'runbook:kept-from';
export const KEPT_AT = 'runbook:kept-at';
export const KEPT_WHY = 'runbook:kept-why';
/** `open` until all that a member needs of it has been moved back. */
export const REJOIN = 'runbook:rejoin';

/** Where Incus keeps instances and volumes below a pool's dataset; beside them are images, and what is to be deleted. */
const KINDS = ['buckets', 'containers', 'custom', 'virtual-machines'];

/** Datasets of instances and volumes, by their names below `dataset`: `containers/web`. */
export function contentsOf(dataset: string, tree: readonly Dataset[]): string[] {
  const below = tree.map(({ name }) => name.slice(dataset.length + 1));
  return below.filter((name) => {
    const [kind = '', ...rest] = name.split('/');
    return KINDS.includes(kind) && rest.length === 1;
  });
}
