import stringWidth from 'string-width';
import type { Paint } from './paint.ts';
import { clean } from './clean.ts';
import { column, fit } from './text.ts';

export interface Column<Row> {
  title: string;
  value: (row: Row) => string;
  /** Gets narrower, down to this many columns, when the table does not fit. The rest keep their width. */
  shrinksTo?: number;
  /** The last columns may be: left out before any other gets narrower. */
  dispensable?: true;
  align?: 'right';
  paint?: (row: Row, text: string, paint: Paint) => string;
}

const GAP = 2;

/**
 * Rows under their titles, no wider than `width`. Dispensable columns go first, then columns that may shrink give up what
 * is missing, the widest first; where even that is not enough the last columns are left out. Pure.
 */
export function renderTable<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  { width, paint }: { width: number; paint: Paint },
): string[] {
  const cells = rows.map((row) => columns.map(({ value }) => clean(value(row))));
  const widths = fitWidths(
    columns.map(({ title }, at) => Math.max(stringWidth(title), ...cells.map((row) => stringWidth(row[at] ?? '')))),
    columns,
    width,
  );
  const line = (texts: readonly string[], painted: (at: number, text: string) => string): string =>
    widths
      .map((each, at) => painted(at, aligned(texts[at] ?? '', each, columns[at]?.align)))
      .join(' '.repeat(GAP))
      .trimEnd();
  return [
    line(
      columns.map(({ title }) => title),
      (_at, text) => paint('dim', text),
    ),
    ...rows.map((row, index) => line(cells[index] ?? [], (at, text) => columns[at]?.paint?.(row, text, paint) ?? text)),
  ];
}

const aligned = (text: string, width: number, align: 'right' | undefined): string =>
  align === 'right' ? fit(text, width).padStart(width) : column(text, width);

function fitWidths<Row>(natural: readonly number[], columns: readonly Column<Row>[], width: number): number[] {
  const widths = [...natural];
  const total = (): number => widths.reduce((sum, each) => sum + each + GAP, -GAP);
  while (total() > width && columns[widths.length - 1]?.dispensable === true) widths.pop();
  while (total() > width) {
    const roomy = widths
      .map((each, at) => ({ at, spare: each - (columns[at]?.shrinksTo ?? each) }))
      .sort((a, b) => b.spare - a.spare)[0];
    const widest = roomy === undefined ? undefined : widths[roomy.at];
    if (roomy === undefined || widest === undefined || roomy.spare <= 0) break;
    widths[roomy.at] = widest - Math.min(roomy.spare, total() - width);
  }
  while (total() > width && widths.length > 1) widths.pop();
  if (total() > width) widths[0] = width;
  return widths;
}
