import type { CST, Document, Node, Pair } from 'yaml';
import { Composer, isAlias, isMap, isScalar, isSeq, LineCounter, YAMLParseError } from 'yaml';

import type { TextMistake } from './mistake.ts';
import { quote } from './visible.ts';
import { error, firstOfEachLine, readTokens, syntaxMistakes, withoutControls } from './yaml-syntax.ts';

const MOST_ALIASES = 100;

export interface YamlText {
  document: Document.Parsed;
  lines: LineCounter;
}

export type YamlResult = { mistakes: TextMistake[] } & (
  | {
      type: 'document';
      yaml: YamlText;
      value: unknown;
      /** From this offset on, the data may be other than what was meant. */
      brokenFrom?: number;
    }
  /** Too broken to say what the data would be. */
  | { type: 'broken'; lines: LineCounter }
);

/**
 * Reads the text as one YAML 1.2 document. Never throws, and its time is bounded for any input.
 * Duplicate keys are found here, since the library compares each key with each other one.
 */
export const readYaml = (text: string): YamlResult => {
  const lines = new LineCounter();
  const { readable, mistakes: controls } = withoutControls(text);
  const tokens = readTokens(readable, lines);
  if (!Array.isArray(tokens)) return { type: 'broken', lines: countLines(text), mistakes: [tokens] };

  const document = composeOne(tokens, readable);
  const syntax = firstOfEachLine([...controls, ...syntaxMistakes(document, readable)], lines);
  const inspection = inspect(document);
  const brokenFrom = Math.min(...syntax.map(({ start }) => start));
  const mistakes = [...syntax, ...inspection.mistakes.filter(({ end }) => end <= brokenFrom)];
  if (inspection.hasBadAlias) return { type: 'broken', lines, mistakes };
  try {
    return {
      type: 'document',
      yaml: { document, lines },
      value: document.toJS({ maxAliasCount: MOST_ALIASES }),
      mistakes,
      ...(syntax.length === 0 ? {} : { brokenFrom }),
    };
  } catch {
    // Aliases of aliases: the library stops before they are multiplied.
    return { type: 'broken', lines, mistakes: [...syntax, tooManyAliases(0, 1)] };
  }
};

/** The library's parseDocument() would read the tokens anew. */
const composeOne = (tokens: CST.Token[], text: string): Document.Parsed => {
  const options = { prettyErrors: false, uniqueKeys: false, logLevel: 'error' } as const;
  const [document, second] = new Composer(options).compose(tokens, true, text.length);
  if (document === undefined) throw new Error('Expected the library to make a document of any text, got none.');
  const [start, end] = second?.range ?? [];
  if (start !== undefined && end !== undefined)
    document.errors.push(new YAMLParseError([start, end], 'MULTIPLE_DOCS', 'a second document'));
  return document;
};

const countLines = (text: string): LineCounter => {
  const lines = new LineCounter();
  lines.addNewLine(0);
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) lines.addNewLine(at + 1);
  return lines;
};

const tooManyAliases = (start: number, end: number): TextMistake =>
  error(start, end, `Expected at most ${MOST_ALIASES} uses of aliases, got more`);

/** Looks at each key and alias once, and takes out what no key names. Recursion is safe: the depth was checked. */
const inspect = (document: Document.Parsed): { mistakes: TextMistake[]; hasBadAlias: boolean } => {
  const mistakes: TextMistake[] = [];
  const anchors = { complete: new Set<string>(), aliases: 0, hasBadAlias: false };

  const inspectNode = (node: unknown): void => {
    if (isAlias(node)) {
      anchors.aliases += 1;
      const [start, end] = rangeOf(node);
      if (anchors.complete.has(node.source) && anchors.aliases <= MOST_ALIASES) return;
      anchors.hasBadAlias = true;
      const isUnknown = !anchors.complete.has(node.source);
      mistakes.push(
        isUnknown
          ? error(start, end, `Expected an anchor that ends before its alias, got ${quote(`*${node.source}`)}`)
          : tooManyAliases(start, end),
      );
      return;
    }
    if (isSeq(node)) node.items.forEach(inspectNode);
    if (isMap(node)) inspectPairs(node.items);
    if ((isScalar(node) || isSeq(node) || isMap(node)) && node.anchor !== undefined) anchors.complete.add(node.anchor);
  };
  const inspectPairs = (pairs: Pair[]): void => {
    const seen = new Set<string>();
    const unnamed: Pair[] = [];
    for (const pair of pairs) {
      const { key, value } = pair;
      const mistake = mistakeInKey(key, seen);
      if (mistake) mistakes.push(mistake);
      if (nameOf(key) === undefined) unnamed.push(pair);
      else inspectNode(value);
    }
    // Under whatever name the library would give it, it would be taken for an entry.
    for (const pair of unnamed) pairs.splice(pairs.indexOf(pair), 1);
  };
  inspectNode(document.contents);
  return { mistakes, hasBadAlias: anchors.hasBadAlias };
};

/** What data have as the key; undefined for what can be none. */
const nameOf = (key: unknown): string | undefined =>
  isScalar(key) && !isNull(key.value) ? String(key.value) : undefined;
const isNull = (value: unknown): boolean => value === null;

const mistakeInKey = (key: unknown, seen: Set<string>): TextMistake | undefined => {
  const [start, end] = rangeOf(key as Node);
  const name = nameOf(key);
  if (name === undefined) {
    const got = isScalar(key) ? 'nothing' : 'a list, a mapping or an alias';
    const help = isScalar(key) && end > start ? 'In quotes it is a name.' : undefined;
    return error(start, Math.max(end, start + 1), `Expected a name as key, got ${got}`, help);
  }
  if (name === '__proto__') return error(start, end, 'Expected a name as key, got "__proto__"');
  if (seen.has(name)) {
    return error(
      start,
      end,
      `Expected each key once, got ${quote(name)} again`,
      'Only one of them can hold. Remove the other.',
    );
  }
  seen.add(name);
  return undefined;
};

const rangeOf = (node: Node | null | undefined): [number, number] => {
  const [start, end] = node?.range ?? [0, 1];
  return [start, end];
};
