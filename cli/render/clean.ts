import { stripVTControlCharacters } from 'node:util';

/** C0, DEL, C1, and the marks that reorder or hide text: a title must not be able to repaint a terminal. */
// eslint-disable-next-line no-control-regex -- control characters are what this removes
const UNPRINTABLE = /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g;

/** Text from outside as one printable line: no escape sequences, no control or bidirectional marks. */
export function clean(text: string): string {
  return stripVTControlCharacters(text)
    .replace(/[\r\n\t\u0085\u2028\u2029]+/g, ' ')
    .replace(UNPRINTABLE, '');
}
