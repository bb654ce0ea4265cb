import type { Tone } from '../fleet-copies.ts';
import type { Paint } from './paint.ts';

const COLOURS = { good: 'green', warn: 'yellow', bad: 'red' } as const;

/** What nobody judged has no colour. */
export const inTone = (tone: Tone, text: string, paint: Paint): string =>
  tone === 'unknown' ? text : paint(COLOURS[tone], text);
