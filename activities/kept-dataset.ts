import type { Dataset } from '../tools/zfs-datasets.ts';

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
