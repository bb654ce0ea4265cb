import { isAlias, isMap, isScalar, isSeq, parseAllDocuments, Parser, type Node } from 'yaml';
import type { Range } from '../place.ts';
import type { Comment } from './syntax.ts';

/** One key of a mapping with its whole path. */
export interface YamlSetting extends Range {
  path: string[];
  /** Undefined: a mapping or a list. */
  value: string | undefined;
  valueAt: Range;
}

export interface YamlFile {
  settings: YamlSetting[];
  comments: Comment[];
  errors: Range[];
}

/** Larger or deeper ones are data, not configuration. */
const DEEPEST = 50;

/** Every key and every item of a file's documents, flat. */
export function readYaml(text: string): YamlFile {
  const documents = parseAllDocuments(text, { logLevel: 'silent', prettyErrors: false });
  const settings: YamlSetting[] = [];
  // Without a document there is a list of none, which has no errors either.
  const all = Array.isArray(documents) ? documents : [];
  for (const { contents } of all) collect(contents, [], settings);
  return {
    settings,
    comments: commentsOf(text),
    errors: all.flatMap(({ errors }) =>
      errors.map(({ pos: [start, end] }) => ({ start, end: Math.max(end, start + 1) })),
    ),
  };
}

function collect(node: Node | null, path: string[], into: YamlSetting[]): void {
  if (path.length > DEEPEST) return;
  if (isMap(node)) {
    for (const { key, value } of node.items) {
      if (!isScalar(key) || !key.range) continue;
      const [start, end] = key.range;
      add(value as Node | null, [...path, String(key.value)], { start, end }, into);
    }
  } else if (isSeq(node)) {
    node.items.forEach((item, index) => {
      const [start, end] = (item as Node | null)?.range ?? node.range ?? [0, 1];
      add(item as Node | null, [...path, String(index)], { start, end }, into);
    });
  }
}

function add(node: Node | null, path: string[], key: Range, into: YamlSetting[]): void {
  const [start, end] = node?.range ?? [key.start, key.end];
  const value = isScalar(node) ? tagOf(node) + scalarText(node.value) : isAlias(node) ? `*${node.source}` : undefined;
  into.push({ path, ...key, value, valueAt: { start, end } });
  collect(node, path, into);
}

/** A tag of a program’s own says what the text means: `!secret wifi` of Home Assistant names a secret and is none. */
const tagOf = ({ tag = '' }: Node): string => (/^![^!]/.test(tag) ? `${tag} ` : '');

/** As it was written, nearly: nothing here counts or computes with it. */
const scalarText = (value: unknown): string =>
  typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? String(value) : '';

/** The documents give each comment to one of the nodes beside it; the tokens say where it is. */
const commentsOf = (text: string): Comment[] => [...new Parser().parse(text)].flatMap(commentsIn);

function commentsIn(token: unknown): Comment[] {
  if (typeof token !== 'object' || token === null) return [];
  const { type, offset, source } = token as Partial<Record<'type' | 'offset' | 'source', unknown>>;
  if (type === 'comment' && typeof offset === 'number' && typeof source === 'string')
    return [{ start: offset, end: offset + source.length, text: source }];
  return Object.values(token).flatMap(commentsIn);
}
