import type { Node, Pair } from 'yaml';
import { isAlias, isMap, isScalar, isSeq } from 'yaml';

import type { Mistake, Path, TextMistake } from './mistake.ts';
import type { YamlText } from './yaml-document.ts';

/** Finds the mistake's key or value in the text. What is not there is shown at the nearest key above it. */
export const locate = ({ path, part, ...rest }: Mistake, yaml: YamlText): TextMistake => {
  const [start, end] = rangeAt(path, part, yaml);
  return { ...rest, start, end };
};

const rangeAt = (path: Path, part: Mistake['part'], { document }: YamlText): [number, number] => {
  let key: Node | undefined;
  let value: Node | null = document.contents;
  for (const segment of path) {
    if (isAlias(value) && part === 'use') break;
    const collection: unknown = isAlias(value) ? value.resolve(document) : value;
    if (isMap(collection)) {
      const pair = pairOf(collection.items, segment);
      if (!pair) break;
      key = pair.key as Node;
      value = pair.value as Node | null;
    } else if (isSeq(collection) && typeof segment === 'number' && segment in collection.items) {
      key = undefined;
      value = collection.items[segment] as Node;
    } else break;
  }
  const isEmpty = !value?.range || value.range[0] === value.range[1];
  const node = key && (part === 'key' || isEmpty) ? key : value;
  const isWholeFile = node === document.contents && part === 'key';
  return node?.range && !isWholeFile ? [node.range[0], node.range[1]] : [0, 1];
};

/** The last of duplicates, which is the one whose value counts. */
const pairOf = (pairs: readonly Pair[], segment: string | number): Pair | undefined =>
  pairs.findLast(({ key }) => isScalar(key) && String(key.value) === String(segment));
