import type { HclFile, Monorepo } from './monorepo.ts';
import type { HclBlock, HclEntry } from './parse/hcl.ts';
import type { Range } from './place.ts';
import { literal } from './terraform.ts';

/** A key of Incus’s configuration, wherever it is set: Terraform, a preseed in Nix or YAML, runbook.yaml. */
export interface ConfigKey {
  file: string;
  key: string;
  /** Undefined: computed. */
  value: string | undefined;
  at: Range;
}

export function configKeys(repo: Monorepo): ConfigKey[] {
  return [
    ...repo.hcl.flatMap((file) =>
      entriesIn(file.root).flatMap(({ key, value, start, end }) =>
        key === undefined ? [] : [{ file: file.path, key, value: literal(repo, file, value), at: { start, end } }],
      ),
    ),
    ...repo.nix.flatMap(({ path: file, settings }) =>
      settings.flatMap(({ path, value, start, end }) => {
        const known = value.type === 'string' && value.whole ? value.value : undefined;
        const text =
          value.type === 'bool' ? String(value.value) : value.type === 'other' ? numberIn(value.text) : known;
        // Written without quotes it is a path of Nix; the last two words are the key then.
        const keys = [path.at(-1) ?? '', path.slice(-2).join('.')];
        return keys.map((key) => ({ file, key, value: text, at: { start, end } }));
      }),
    ),
    ...repo.yaml.flatMap(({ path: file, settings }) =>
      settings.map(({ path, value, start, end }) => ({ file, key: path.at(-1) ?? '', value, at: { start, end } })),
    ),
  ];
}

const numberIn = (text: string): string | undefined => (/^\d+$/.test(text) ? text : undefined);

/** Every attribute of every block, and what its objects have. */
export function entriesIn(block: HclBlock): HclEntry[] {
  return [...block.attributes.flatMap(within), ...block.blocks.flatMap(entriesIn)];
}

function within(entry: HclEntry): HclEntry[] {
  const { value } = entry;
  const inner = [value, ...(value.type === 'call' ? value.args : []), ...(value.type === 'tuple' ? value.items : [])];
  return [entry, ...inner.flatMap((each) => (each.type === 'object' ? each.entries.flatMap(within) : []))];
}

/** Of that file alone. */
export const entriesOfFile = ({ root }: HclFile): HclEntry[] => entriesIn(root);
