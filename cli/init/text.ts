import { stringify } from 'yaml';

/** Values as each language writes them, so that no answer becomes more than a value. */

/** A string of Nix in double quotes. */
export const nixString = (value: string): string =>
  `"${value
    .replace(/[\\"]|\$(?=\{)/g, '\\$&')
    .replaceAll('\n', '\\n')
    .replaceAll('\r', '\\r')
    .replaceAll('\t', '\\t')}"`;

/** A name that would be taken for a word of the language is quoted. */
const NIX_WORDS = ['assert', 'else', 'if', 'in', 'inherit', 'let', 'or', 'rec', 'then', 'with'];

/** The name of an attribute of Nix. */
export const nixName = (name: string): string =>
  /^[a-zA-Z_][a-zA-Z0-9_'-]*$/.test(name) && !NIX_WORDS.includes(name) ? name : nixString(name);

/** Columns up to which nixfmt leaves a list of one item on its line. */
const NIX_WIDTH = 100;

/** An attribute with a list of strings, as nixfmt writes it. `indent`: of the line that it begins on. */
export function nixListSetting(name: string, values: readonly string[], indent: string): string {
  const written = values.map(nixString);
  const line = `${indent}${name} = [ ${written.join(' ')}${written.length === 0 ? '' : ' '}]`;
  if (written.length === 0 || (written.length === 1 && line.length <= NIX_WIDTH)) return `${line};`;
  return [`${indent}${name} = [`, ...written.map((value) => `${indent}  ${value}`), `${indent}];`].join('\n');
}

/** A list of strings of HCL, as `terraform fmt` leaves it. Expects no quotes and no `${` in them. */
export const hclList = (values: readonly string[]): string =>
  `[${values.map((value) => JSON.stringify(value)).join(', ')}]`;

/** A scalar of YAML on one line, quoted where it would be taken for something else. */
export const yamlText = (value: string): string => stringify(value, { lineWidth: 0 }).trimEnd();
