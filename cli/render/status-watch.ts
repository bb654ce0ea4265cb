import type { FleetStatus } from '../fleet-status.ts';
import { clean } from './clean.ts';
import { marked } from './marked.ts';
import { painter } from './paint.ts';
import type { RenderOptions } from './run.ts';
import { renderStatus } from './status.ts';
import { fit } from './text.ts';
import { age, count } from './units.ts';

/** What redrawing knows at an instant. */
export interface StatusWatch {
  /** Between two looks. */
  seconds: number;
  status?: FleetStatus;
  /** When that was, in milliseconds since 1970. */
  at?: number;
  /** Why the latest look came to nothing. */
  lost?: string;
}

/** No more lines than the terminal has: the rest is counted. Pure. */
export function renderStatusWatch({ status, at, lost, seconds }: StatusWatch, options: RenderOptions): string[] {
  const paint = painter(options.colour);
  if (status === undefined) return [];
  const old = at === undefined ? '' : `${age(options.now - at)} ago`;
  const foot =
    lost === undefined
      ? [paint('dim', fit(clean(`looked ${old}, each ${seconds} s · Ctrl-C leaves`), options.width))]
      : marked('!', `Temporal does not answer: ${lost}. This is from ${old}; still trying.`, options, paint);
  const lines = renderStatus(status, options);
  const room = (options.height ?? Number.POSITIVE_INFINITY) - foot.length - 2;
  const kept = lines.length > room ? Math.max(1, room - 1) : lines.length;
  const rest = lines.length - kept;
  const more = rest === 0 ? [] : [paint('dim', fit(`… ${count(rest, 'line')} more: runbook status`, options.width))];
  return [...lines.slice(0, kept), ...more, '', ...foot];
}
