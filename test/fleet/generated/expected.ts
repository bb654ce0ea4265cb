import type { Entry, Item, YamlMap } from './model.ts';
import type { Random } from './random.ts';

/** What has to be reported, and where; `whole file` is its first character. */
export interface Expected {
  at: Entry | Item | 'whole file';
  part: 'key' | 'value';
  message: RegExp;
  help?: RegExp;
}

/** Makes one mistake in a valid file. */
export type Mutation = (root: YamlMap, random: Random) => Expected;

export const value = (at: Expected['at'], message: RegExp): Expected => ({ at, part: 'value', message });
export const key = (at: Entry, message: RegExp): Expected => ({ at, part: 'key', message });
