import stringWidth from 'string-width';

let segmenter: Intl.Segmenter | undefined;
/** What a person takes for one character each. The first call takes time that help should not. */
const graphemesOf = (text: string): Intl.Segments =>
  (segmenter ??= new Intl.Segmenter('en', { granularity: 'grapheme' })).segment(text);

/** At most `width` columns; what is cut off is shown by `…`. Expects clean text. */
export function fit(text: string, width: number): string {
  if (width <= 0) return '';
  if (stringWidth(text) <= width) return text;
  let kept = '';
  let used = 0;
  for (const { segment } of graphemesOf(text)) {
    const columns = stringWidth(segment);
    if (used + columns > width - 1) break;
    kept += segment;
    used += columns;
  }
  return `${kept.trimEnd()}…`;
}

/** `text` fitted and filled up with spaces to exactly `width` columns. */
export function column(text: string, width: number): string {
  const fitted = fit(text, width);
  return fitted + ' '.repeat(Math.max(0, width - stringWidth(fitted)));
}

/**
 * Lines of at most `width` columns, broken between words; a word that is longer is broken itself, and a single
 * character that is wider (a musical symbol takes three columns) is shown by `…`. Never empty.
 */
export function wrap(text: string, width: number): string[] {
  const limit = Math.max(1, width);
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ').flatMap((each) => chop(each, limit))) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (stringWidth(longer) <= limit) line = longer;
    else {
      if (line !== '') lines.push(line.trimEnd());
      line = word;
    }
  }
  return [...lines, line.trimEnd()];
}

/** A line that is too wide goes on below, indented as it began; one that fits is left as it is. */
export function foldLine(line: string, width: number): string[] {
  const indent = /^ */.exec(line)?.[0] ?? '';
  return width === Number.POSITIVE_INFINITY || stringWidth(line) <= width
    ? [line]
    : wrap(line.trimStart(), width - indent.length).map((each) => indent + each);
}

function chop(word: string, width: number): string[] {
  if (stringWidth(word) <= width) return [word];
  const pieces: string[] = [];
  let piece = '';
  for (const { segment: whole } of graphemesOf(word)) {
    const segment = fit(whole, width);
    if (piece !== '' && stringWidth(piece + segment) > width) {
      pieces.push(piece);
      piece = '';
    }
    piece += segment;
  }
  return [...pieces, piece];
}
