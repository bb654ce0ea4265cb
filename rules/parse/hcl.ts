import type { Range } from '../place.ts';
import { ofType, type Tree } from './syntax.ts';

/** What an attribute is set to. */
export type HclValue = Range &
  /** `whole`: nothing of it is computed. What is computed is left out of `value`, and named by `references`. */
  (
    | { type: 'string'; value: string; whole: boolean; references: string[] }
    | { type: 'number'; value: string }
    | { type: 'bool'; value: boolean }
    | { type: 'object'; entries: HclEntry[] }
    | { type: 'tuple'; items: HclValue[] }
    | { type: 'call'; name: string; args: HclValue[] }
    /** `local.snapshots`, `var.member`. */
    | { type: 'reference'; path: string }
    | { type: 'other'; text: string }
  );

/** Undefined where the key is computed. */
export interface HclEntry extends Range {
  key: string | undefined;
  value: HclValue;
}

/** `resource "incus_instance" "home" { … }`. Its place is that of its header. */
export interface HclBlock extends Range {
  type: string;
  labels: string[];
  attributes: HclEntry[];
  blocks: HclBlock[];
}

/** The file as a block without a name. */
export function hclBlocks(tree: Tree): HclBlock {
  const body = ofType(tree, 'body') ?? tree;
  return { type: '', labels: [], ...insideOf(body), start: tree.start, end: tree.start };
}

function insideOf({ children }: Tree): Pick<HclBlock, 'attributes' | 'blocks'> {
  return {
    attributes: children.filter(({ type }) => type === 'attribute').flatMap(attribute),
    blocks: children.filter(({ type }) => type === 'block').map(block),
  };
}

function block(tree: Tree): HclBlock {
  const [name, ...rest] = tree.children.filter(({ type }) => type === 'identifier' || type === 'string_lit');
  const last = rest.at(-1) ?? name;
  const body = ofType(tree, 'body');
  return {
    type: name?.text ?? '',
    labels: rest.map((label) => (label.type === 'identifier' ? label.text : literalOf(label))),
    ...(body === undefined ? { attributes: [], blocks: [] } : insideOf(body)),
    start: tree.start,
    end: last?.end ?? tree.start + 1,
  };
}

function attribute(tree: Tree): HclEntry[] {
  const [name, expression] = [ofType(tree, 'identifier'), ofType(tree, 'expression')];
  if (name === undefined || expression === undefined) return [];
  return [{ key: name.text, value: hclValue(expression), start: name.start, end: name.end }];
}

/** What an expression is, as far as that can be said without evaluating it. */
export function hclValue(tree: Tree): HclValue {
  const { start, end, text, children } = tree;
  const place = { start, end };
  const [first, ...others] = children.filter(({ type }) => type !== 'comment');
  switch (tree.type) {
    case 'expression':
    case 'literal_value':
    case 'collection_value':
    case 'template_expr':
      if (first?.type === 'variable_expr')
        return others.every(({ type }) => type === 'get_attr')
          ? { type: 'reference', path: text, ...place }
          : { type: 'other', text, ...place };
      return first !== undefined && others.length === 0 ? hclValue(first) : { type: 'other', text, ...place };
    case 'string_lit':
      return { type: 'string', value: literalOf(tree), whole: true, references: [], ...place };
    case 'quoted_template':
    case 'heredoc_template':
      return { type: 'string', value: literalOf(tree), whole: isWhole(tree), references: referencesIn(tree), ...place };
    case 'numeric_lit':
      return { type: 'number', value: text, ...place };
    case 'bool_lit':
      return { type: 'bool', value: text === 'true', ...place };
    case 'object':
      return { type: 'object', entries: children.filter(({ type }) => type === 'object_elem').map(entry), ...place };
    case 'tuple':
      return { type: 'tuple', items: children.filter(({ type }) => type === 'expression').map(hclValue), ...place };
    case 'function_call': {
      const args = ofType(tree, 'function_arguments')?.children.filter(({ type }) => type === 'expression') ?? [];
      return { type: 'call', name: first?.text ?? '', args: args.map(hclValue), ...place };
    }
    default:
      return { type: 'other', text, ...place };
  }
}

/** A key is a name as it stands, or a text; names with dots are read as an attribute of something. */
function entry(tree: Tree): HclEntry {
  const key = tree.children.find(({ field }) => field === 'key') ?? tree;
  const value = tree.children.find(({ field }) => field === 'val') ?? tree;
  const named = hclValue(key);
  const isName = named.type === 'reference' && !key.text.startsWith('(');
  return {
    key: named.type === 'string' && named.whole ? named.value : isName ? named.path : undefined,
    value: hclValue(value),
    start: key.start,
    end: key.end,
  };
}

const isWhole = ({ children }: Tree): boolean => children.every(({ type }) => !type.startsWith('template_inter'));

/** Of what is computed in a text. */
function referencesIn(tree: Tree): string[] {
  const value = tree.type === 'expression' ? hclValue(tree) : undefined;
  return value?.type === 'reference' ? [value.path] : tree.children.flatMap(referencesIn);
}

const literalOf = ({ children }: Tree): string =>
  children
    .filter(({ type }) => type === 'template_literal')
    .map(({ text }) =>
      text.replace(/\\(["\\nrt])/g, (_whole, char: string) => ({ n: '\n', r: '\r', t: '\t' })[char] ?? char),
    )
    .join('');
