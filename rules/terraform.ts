import { posix } from 'node:path';
import type { HclFile, Monorepo } from './monorepo.ts';
import type { HclBlock, HclEntry, HclValue } from './parse/hcl.ts';

/** What a reference means: locals and variables of the same folder. Anything else stays as it is. */
export function resolved(repo: Monorepo, file: HclFile, value: HclValue, depth = 0): HclValue {
  if (value.type !== 'reference' || depth > 5) return value;
  const [kind, name = '', ...rest] = value.path.split('.');
  const folder = repo.hcl.filter(({ path }) => posix.dirname(path) === posix.dirname(file.path));
  const first = kind === 'local' ? localOf(folder, name) : kind === 'var' ? variableOf(folder, name) : undefined;
  if (first === undefined) return value;
  const whole = resolved(repo, file, first.value, depth + 1);
  if (rest.length === 0) return whole;
  const inner = whole.type === 'object' ? whole.entries.find(({ key }) => key === rest[0]) : undefined;
  return inner !== undefined && rest.length === 1 ? resolved(repo, file, inner.value, depth + 1) : value;
}

const blocksOf = (folder: readonly HclFile[], type: string): HclBlock[] =>
  folder.flatMap(({ root }) => root.blocks.filter((block) => block.type === type));

const localOf = (folder: readonly HclFile[], name: string): HclEntry | undefined =>
  blocksOf(folder, 'locals')
    .flatMap((block) => attributeOf(block, name) ?? [])
    .at(0);

/** What the files give that Terraform reads by itself, the later before the earlier, or else the default. */
function variableOf(folder: readonly HclFile[], name: string): HclEntry | undefined {
  const isDefaults = ({ path }: HclFile): boolean => posix.basename(path) === 'terraform.tfvars';
  const given = [
    ...folder.filter(isDefaults),
    ...folder.filter(({ path }) => path.endsWith('.auto.tfvars')).sort((a, b) => (a.path < b.path ? -1 : 1)),
  ].flatMap(({ root }) => attributeOf(root, name) ?? []);
  const declared = blocksOf(folder, 'variable').find(({ labels: [label] }) => label === name);
  return given.at(-1) ?? (declared === undefined ? undefined : attributeOf(declared, 'default'));
}

export const attributeOf = ({ attributes }: HclBlock, name: string): HclEntry | undefined =>
  attributes.find(({ key }) => key === name);

/** The keys of an object, `merge(…)` among them. `open`: some are computed, so others may be there. */
export interface Entries {
  entries: HclEntry[];
  open: boolean;
}

export function entriesOf(repo: Monorepo, file: HclFile, value: HclValue | undefined): Entries {
  if (value === undefined) return { entries: [], open: false };
  const whole = resolved(repo, file, value);
  if (whole.type === 'object') {
    const isOpen = whole.entries.some(({ key }) => key === undefined);
    return { entries: whole.entries, open: isOpen };
  }
  if (whole.type !== 'call' || whole.name !== 'merge') return { entries: [], open: true };
  const all = whole.args.map((arg) => entriesOf(repo, file, arg));
  return { entries: all.flatMap(({ entries }) => entries), open: all.some(({ open }) => open) };
}

/** The last of several counts, as `merge` has it. */
export const valueOf = ({ entries }: Entries, key: string): HclEntry | undefined =>
  entries.findLast((entry) => entry.key === key);

/** A text that is known, numbers and switches among them. */
export function literal(repo: Monorepo, file: HclFile, value: HclValue | undefined): string | undefined {
  if (value === undefined) return undefined;
  const whole = resolved(repo, file, value);
  if (whole.type === 'string') return whole.whole ? whole.value : undefined;
  return whole.type === 'number' || whole.type === 'bool' ? String(whole.value) : undefined;
}

/** What a person calls a resource: its name in Incus, or that in Terraform. */
export function resourceName(repo: Monorepo, file: HclFile, block: HclBlock): string {
  return literal(repo, file, attributeOf(block, 'name')?.value) ?? block.labels[1] ?? '';
}
