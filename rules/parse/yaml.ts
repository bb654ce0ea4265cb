import { Composer, isAlias, isMap, isScalar, isSeq, Lexer, Parser, type CST, type Node } from 'yaml';
import { tooDeep, wrongSyntax, type Range, type Unreadable } from '../place.ts';
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
  errors: Unreadable[];
}

/** Larger or deeper ones are data, not configuration. */
const DEEPEST = 50;

/** So deep that the library, which goes down by calling itself, is not let in. */
const TOO_DEEP = 500;

/** Every key and every item of a file's documents, flat. */
export function readYaml(text: string): YamlFile {
  const tokens = tokensOf(text);
  if (!Array.isArray(tokens)) return { settings: [], comments: [], errors: [tokens] };
  const comments = tokens.flatMap(commentsIn);
  // The library compares each key with each other one.
  const composer = new Composer({ logLevel: 'silent', prettyErrors: false, uniqueKeys: false });
  const documents = [...composer.compose(tokens, false, text.length)];
  const found: Found = { settings: [], errors: [] };
  for (const { contents, errors } of documents) {
    found.errors.push(...errors.map(({ pos: [start, end] }) => wrongSyntax(start, end)));
    collect(contents, [], found);
  }
  return { ...found, comments };
}

function tokensOf(text: string): CST.Token[] | Unreadable {
  const parser = new Parser();
  const tokens: CST.Token[] = [];
  for (const lexeme of new Lexer().lex(text)) {
    for (const token of parser.next(lexeme)) tokens.push(token);
    if (parser.stack.length > TOO_DEEP) return tooDeep(parser.offset - 1, parser.offset);
  }
  return [...tokens, ...parser.end()];
}

type Found = Pick<YamlFile, 'settings' | 'errors'>;

function collect(node: Node | null, path: string[], into: Found): void {
  if (path.length > DEEPEST) return;
  if (isMap(node)) {
    const seen = new Set<unknown>();
    for (const { key, value } of node.items) {
      if (!isScalar(key) || !key.range) continue;
      const [start, end] = key.range;
      if (seen.has(key.value) && key.value !== '<<') into.errors.push(wrongSyntax(start, end));
      seen.add(key.value);
      add(value as Node | null, [...path, String(key.value)], { start, end }, into);
    }
  } else if (isSeq(node)) {
    node.items.forEach((item, index) => {
      const [start, end] = (item as Node | null)?.range ?? node.range ?? [0, 1];
      add(item as Node | null, [...path, String(index)], { start, end }, into);
    });
  }
}

function add(node: Node | null, path: string[], key: Range, into: Found): void {
  const [start, end] = node?.range ?? [key.start, key.end];
  const value = isScalar(node) ? tagOf(node) + scalarText(node.value) : isAlias(node) ? `*${node.source}` : undefined;
  into.settings.push({ path, ...key, value, valueAt: { start, end } });
  collect(node, path, into);
}

/** A tag of a program’s own says what the text means: `!secret wifi` of Home Assistant names a secret and is none. */
const tagOf = ({ tag = '' }: Node): string => (/^![^!]/.test(tag) ? `${tag} ` : '');

/** As it was written, nearly: nothing here counts or computes with it. */
const scalarText = (value: unknown): string =>
  typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? String(value) : '';

/** The documents give each comment to one of the nodes beside it; the tokens say where it is. */
function commentsIn(token: unknown): Comment[] {
  if (typeof token !== 'object' || token === null) return [];
  const { type, offset, source } = token as Partial<Record<'type' | 'offset' | 'source', unknown>>;
  if (type === 'comment' && typeof offset === 'number' && typeof source === 'string')
    return [{ start: offset, end: offset + source.length, text: source }];
  return Object.values(token).flatMap(commentsIn);
}
