import { resourcesOf, type HclFile, type Monorepo } from '../monorepo.ts';
import type { HclBlock } from '../parse/hcl.ts';
import { configHas, profilesHave } from '../profiles.ts';
import type { Rule, Violation } from '../rule.ts';
import { attributeOf, entriesOf, literal, resourceName, valueOf } from '../terraform.ts';

const KEYS = ['snapshots.schedule', 'snapshots.expiry'] as const;

export const snapshotPolicy: Rule = {
  id: 'snapshot-policy',
  title: 'Instances and volumes say when snapshots are made and how long they stay',
  section: '§6',
  severity: 'error',
  why: 'Without a schedule there is nothing to go back to; without an expiry snapshots pile up until the pool is full.',
  whatToDo: 'Add "snapshots.schedule" and "snapshots.expiry" to its config.',
  check: (repo) =>
    resourcesOf(repo, 'incus_instance', 'incus_storage_volume').flatMap(({ file, block }) =>
      ofResource(repo, file, block),
    ),
};

function ofResource(repo: Monorepo, file: HclFile, block: HclBlock): Violation[] {
  // An image of a disc never changes.
  if (literal(repo, file, attributeOf(block, 'content_type')?.value) === 'iso') return [];
  const config = entriesOf(repo, file, attributeOf(block, 'config')?.value);
  const missing = KEYS.filter((key) => {
    const entry = valueOf(config, key);
    if (entry !== undefined) return literal(repo, file, entry.value) === '';
    return !config.open && !isInherited(repo, file, block, key);
  });
  if (missing.length === 0) return [];
  const name = `${block.labels[0] ?? ''} "${resourceName(repo, file, block)}"`;
  return [
    {
      file: file.path,
      at: block,
      message: `${name} has no ${missing.join(' and no ')}.`,
      whatToDo: `Add ${missing.map((key) => `"${key}"`).join(' and ')} to its config, as "30 3 * * *" and "14d".`,
    },
  ];
}

/** From a profile, for an instance; from the pool, for a volume. What nobody here defines may have it. */
function isInherited(repo: Monorepo, file: HclFile, block: HclBlock, key: string): boolean {
  if (block.labels[0] === 'incus_storage_volume') {
    const pool = literal(repo, file, attributeOf(block, 'pool')?.value);
    return resourcesOf(repo, 'incus_storage_pool').some(
      ({ file: at, block: found }) =>
        resourceName(repo, at, found) === pool && configHas(repo, at, found, `volume.${key}`),
    );
  }
  return profilesHave(repo, file, block, key);
}
