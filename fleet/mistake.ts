/** Where in the data of a fleet file: keys of mappings and indices of lists. */
export type Path = readonly (string | number)[];

/** Something wrong with the data, not yet placed in the text. */
export interface Mistake {
  path: Path;
  /**
   * What to point at: the value, or the key that it has, or the alias that brought the value here.
   * A missing field is shown at the key of what lacks it.
   */
  part: 'key' | 'value' | 'use';
  severity: 'error' | 'warning';
  message: string;
  help?: string;
}

/** Something wrong with the text itself, at these offsets. */
export interface TextMistake extends Omit<Mistake, 'path' | 'part'> {
  start: number;
  end: number;
}

/** The mistake that a value is wrong. `expected` completes "Expected …". */
export const wrong = (path: Path, expected: string, got: string, help?: string): Mistake => ({
  path,
  part: 'value',
  severity: 'error',
  message: `Expected ${expected}, got ${got}`,
  ...(help === undefined ? {} : { help }),
});

/** The same mistake, shown at the key. */
export const atKey = (mistake: Mistake): Mistake => ({ ...mistake, part: 'key' });
