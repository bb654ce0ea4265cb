/** Whether a whole name fits a pattern, in which `*` is any text and `?` any one character. In time of at most their product. */
export function matchesGlob(pattern: string, name: string): boolean {
  let at = 0;
  let position = 0;
  /** Where to go on when the latest `*` has to take one character more. */
  let retry: { at: number; position: number } | undefined;
  while (position < name.length) {
    if (pattern[at] === '*') {
      at += 1;
      retry = { at, position };
    } else if (pattern[at] === '?' || pattern[at] === name[position]) {
      at += 1;
      position += 1;
    } else if (retry === undefined) {
      return false;
    } else {
      retry = { at: retry.at, position: retry.position + 1 };
      ({ at, position } = retry);
    }
  }
  return /^\**$/.test(pattern.slice(at));
}

export const isPattern = (text: string): boolean => /[*?]/.test(text);
