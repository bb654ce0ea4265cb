import stringWidth from 'string-width';

import { visible } from './visible.ts';

const TAB = '    ';
const ELLIPSIS = '…';

interface Cell {
  text: string;
  width: number;
  /** Offset in the line, in UTF-16 units. */
  at: number;
}

const segmenter = new Intl.Segmenter(undefined, { granularity: 'grapheme' });

/**
 * A line as a terminal of `width` columns can show it, with tabs spread out and nothing that drives the terminal.
 * `from` and `to` are the offsets to underline: what is too long is cut so that the underlined part begins in view.
 */
export const excerpt = (
  line: string,
  from: number,
  to: number,
  width: number,
): { text: string; indent: number; length: number } => {
  // Nothing farther away than this can be seen: a line may have a quarter of a million characters.
  const firstSeen = Math.max(0, from - 2 * width);
  const cells = cellsOf(line.slice(firstSeen, from + 2 * width), firstSeen);
  const start = cells.findIndex(({ at, text }) => at + text.length > from || at === from);
  const first = firstInView(cells, start === -1 ? cells.length : start, width, firstSeen > 0);

  const isCutLeft = first > 0 || firstSeen > 0;
  const head = isCutLeft ? ELLIPSIS : '';
  const rest = cells.slice(first);
  const room = width - head.length;
  const isCutRight = widthOf(rest) > room || from + 2 * width < line.length;
  const shown = isCutRight ? fitting(rest, room - 1) : rest;

  const before = shown.filter(({ at }) => at < from);
  const marked = shown.filter(({ at }) => at >= from && at < to);
  // What is missing at the end of a full line is marked at its last column.
  const indent = Math.min(head.length + widthOf(before), width - 1);
  return {
    text: (head + shown.map(({ text }) => text).join('') + (isCutRight ? ELLIPSIS : '')).trimEnd(),
    indent,
    length: Math.max(1, widthOf(marked)),
  };
};

const cellsOf = (text: string, offset: number): Cell[] =>
  Array.from(segmenter.segment(text), ({ segment, index }) => {
    const shown = segment === '\t' ? TAB : visible(segment);
    return { text: shown, width: stringWidth(shown), at: offset + index };
  });

const widthOf = (cells: readonly Cell[]): number => cells.reduce((sum, { width }) => sum + width, 0);

/** As many cells from the left as there is room for. */
const fitting = (cells: readonly Cell[], room: number): Cell[] => {
  let used = 0;
  const end = cells.findIndex(({ width }) => (used += width) > room);
  return end === -1 ? [...cells] : cells.slice(0, end);
};

/** Everything, if it fits; otherwise a third of the width stays before the underlined part. */
const firstInView = (cells: readonly Cell[], start: number, width: number, isCut: boolean): number => {
  if (!isCut && widthOf(cells.slice(0, start)) < (width * 2) / 3) return 0;
  let used = 0;
  let first = start;
  for (const { width: next } of cells.slice(0, start).reverse()) {
    used += next;
    if (used > width / 3) break;
    first -= 1;
  }
  return first;
};
