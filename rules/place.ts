/** A part of a text, by its offsets. */
export interface Range {
  start: number;
  /** Behind the last character. */
  end: number;
}

/** Where a file cannot be read, and why. */
export interface Unreadable extends Range {
  message: string;
}

export const wrongSyntax = (start: number, end: number): Unreadable => ({
  start,
  end: Math.max(end, start + 1),
  message: 'The syntax is wrong here.',
});

/** Nobody writes that by hand, and reading it would take all of the stack. */
export const tooDeep = (start: number, end: number): Unreadable => ({
  start,
  end: Math.max(end, start + 1),
  message: 'It is nested too deep here to be looked into.',
});

/** Lines and columns count from 1, columns in UTF-16 units as editors do. */
export interface Position {
  line: number;
  column: number;
}

/** Finds lines in a text; the text is gone through once. */
export function positions(text: string): (offset: number) => Position {
  const starts = [0, ...Array.from(text.matchAll(/\n/g), ({ index }) => index + 1)];
  return (offset) => {
    let low = 0;
    let high = starts.length;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if ((starts[middle] ?? 0) <= offset) low = middle;
      else high = middle;
    }
    return { line: low + 1, column: offset - (starts[low] ?? 0) + 1 };
  };
}
