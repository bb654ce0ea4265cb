import { isPrivateKey, maskSecrets } from './mask.ts';

/** Characters that move a cursor, switch a colour, or turn text around: a file must not be able to do that. */
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/** The text with every such character written out as `\u{1b}`. Doing it twice changes nothing more. */
export const visible = (text: string): string =>
  text.replace(INVISIBLE, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`);

const LONGEST_QUOTE = 60;

/** A value of a fleet file as a message names it: short, on one line, harmless to print. */
export const describeValue = (value: unknown): string => {
  if (value === undefined || value === null) return 'nothing';
  if (typeof value === 'string') return isPrivateKey(value) ? 'a private key' : quote(value);
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
  if (typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint') return String(value);
  return Object.keys(value).length === 0 ? 'an empty mapping' : 'a mapping';
};

/** The same for text; secrets are masked before it is cut, as half of one would not be recognized. */
export const quote = (value: string): string => {
  const text = maskSecrets(value);
  const characters = Array.from(text.slice(0, 4 * LONGEST_QUOTE));
  const isLong = characters.length > LONGEST_QUOTE;
  return `"${visible(isLong ? characters.slice(0, LONGEST_QUOTE).join('') : text)}${isLong ? '…' : ''}"`;
};
