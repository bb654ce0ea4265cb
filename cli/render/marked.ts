import { clean } from './clean.ts';
import type { Paint } from './paint.ts';
import type { RenderOptions } from './run.ts';
import { wrap } from './text.ts';

/** A line with a sign before it, indented where it is folded. */
export function marked(mark: string, text: string, { width }: RenderOptions, paint: Paint): string[] {
  return wrap(clean(text), Math.max(8, width - 4)).map(
    (line, index) => `  ${index === 0 ? paint(mark === '✘' ? 'red' : 'yellow', mark) : ' '} ${line}`,
  );
}
