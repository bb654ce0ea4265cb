import { resourcesOf, type HclFile, type Monorepo } from './monorepo.ts';
import type { HclBlock } from './parse/hcl.ts';
import { attributeOf, entriesOf, literal, resourceName, valueOf } from './terraform.ts';

/** Whether a resource sets a key of its configuration, or may, as some of it is computed. */
export function configHas(repo: Monorepo, file: HclFile, block: HclBlock, key: string): boolean {
  const config = entriesOf(repo, file, attributeOf(block, 'config')?.value);
  return config.open || valueOf(config, key) !== undefined;
}

/**
 * Whether one of an instance’s profiles sets the key, or may: those of Terraform, of runbook.yaml’s cluster, and of a
 * preseed. Without `profiles` it is the profile default.
 */
export function profilesHave(repo: Monorepo, file: HclFile, block: HclBlock, key: string): boolean {
  const profiles = attributeOf(block, 'profiles')?.value;
  if (profiles !== undefined && profiles.type !== 'tuple') return true;
  const items = profiles?.items ?? [];
  const names = profiles === undefined ? ['default'] : items.map((item) => literal(repo, file, item));
  const labels = items.map((item) => (item.type === 'reference' ? item.path.split('.')[1] : undefined));
  // What is neither a name nor a profile of this folder may be any.
  if (items.some((item, index) => names[index] === undefined && item.type !== 'reference')) return true;
  const declared = repo.fleet.cluster?.profiles ?? {};
  return (
    names.some(
      (name) => name !== undefined && Object.hasOwn(declared, name) && declared[name]?.config[key] !== undefined,
    ) ||
    resourcesOf(repo, 'incus_profile').some(
      (found) =>
        (names.includes(resourceName(repo, found.file, found.block)) || labels.includes(found.block.labels[1])) &&
        configHas(repo, found.file, found.block, key),
    ) ||
    isPreseeded(repo, key)
  );
}

/** By virtualisation.incus.preseed, which is of every instance for all that can be seen here. */
const isPreseeded = (repo: Monorepo, key: string): boolean =>
  repo.nix.some(({ settings }) =>
    settings.some(({ path }) => path.includes('preseed') && path.includes('profiles') && path.at(-1) === key),
  );
