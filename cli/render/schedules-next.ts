import { inZone } from '../../fleet/calendar.ts';
import { clean } from './clean.ts';
import { marked } from './marked.ts';
import { painter } from './paint.ts';
import type { RenderOptions } from './run.ts';
import { foldLine, wrap } from './text.ts';
import { dateTime } from './units.ts';

/** One of `schedules next`. Its JSON is documented in docs/cli.md. */
export interface NextTimes {
  name: string;
  timeZone: string;
  /** It would be due at these times if it were not paused. */
  paused: boolean;
  /** ISO 8601. */
  at: string[];
  /** What changes of the clocks do until the last of them. */
  warnings: string[];
}

/** The next times of schedules, by the clock of each and in UTC. Pure. */
export function renderNext(found: readonly NextTimes[], options: RenderOptions): string[] {
  const paint = painter(options.colour);
  if (found.length === 0) return ['No schedules.'];
  return found.flatMap(({ name, timeZone, paused, at, warnings }) => [
    ...wrap(clean(`${name}${paused ? '   paused: at these times nothing runs' : ''}`), options.width).map((line) =>
      paint('bold', line),
    ),
    ...at.flatMap((time) =>
      foldLine(`    ${inZone(Date.parse(time), timeZone)}   ${dateTime(time)} UTC`, options.width),
    ),
    ...warnings.flatMap((text) => marked('!', text, options, paint)),
  ]);
}
