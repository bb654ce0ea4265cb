import * as z from 'zod';

import type { Mistake, Path } from './mistake.ts';
import { atKey, wrong } from './mistake.ts';
import { knownKeys, knownTypes, schemaAt, valueAt } from './schema-walk.ts';
import { suggest } from './suggest.ts';
import { isPrivateKey } from './mask.ts';
import { describeValue, quote } from './visible.ts';

const NOUNS: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  object: 'a mapping',
  record: 'a mapping from names',
  array: 'a list',
};

const oneOf = (names: readonly unknown[]): string =>
  names.length === 1 ? String(names[0]) : `one of ${names.map(String).join(', ')}`;

/** For zod: the words after "Expected" where the schema has none of its own. */
export const expectation: z.core.$ZodErrorMap = (issue) => {
  if (issue.code === 'invalid_type') return NOUNS[issue.expected] ?? issue.expected;
  if (issue.code === 'invalid_value') return oneOf(issue.values);
  return 'something else';
};

interface Explained {
  mistake: Mistake;
  /** Where the unknown key would be, spelled right. */
  meant?: string;
  /** Where the missing key would be. */
  missing?: string;
}

/**
 * One mistake for each that a person made: a mistyped key is unknown, and not missing as well.
 * Where the data are not whole, what is missing may stand in the part that could not be read.
 */
export const explainIssues = (
  issues: readonly z.core.$ZodIssue[],
  schema: z.ZodType,
  value: unknown,
  isWhole: boolean,
): Mistake[] => {
  const explained = issues.flatMap((issue) => explainIssue(issue, schema, value));
  const mistyped = new Set(explained.map(({ meant }) => meant));
  return explained
    .filter(({ missing }) => missing === undefined || (isWhole && !mistyped.has(missing)))
    .map(({ mistake }) => mistake);
};

const placeOf = (path: Path): string => JSON.stringify(path);

const explainIssue = (issue: z.core.$ZodIssue, schema: z.ZodType, value: unknown): Explained[] => {
  const path = issue.path.map((segment) => (typeof segment === 'symbol' ? String(segment) : segment));
  switch (issue.code) {
    case 'unrecognized_keys': {
      const known = knownKeys(schema, value, path);
      // That key is a mistake anywhere, and was reported as one.
      return issue.keys.filter((key) => key !== '__proto__').map((key) => unknownKey(path, key, known));
    }
    case 'invalid_key': {
      const mistake = atKey(wrong(path, issue.issues[0]?.message ?? 'a name', quote(String(path.at(-1)))));
      return [{ mistake }, ...below(path, schema, value)];
    }
    case 'invalid_union': {
      const types = knownTypes(schemaAt(schema, value, path.slice(0, -1)));
      return [unfit(path, types.length === 0 ? issue.message : oneOf(types), value, types)];
    }
    case 'invalid_value':
      return [unfit(path, issue.message, value, issue.values.map(String))];
    case 'invalid_type':
    case 'invalid_format':
    case 'invalid_element':
    case 'too_small':
    case 'too_big':
    case 'not_multiple_of':
    case 'custom':
      return [unfit(path, issue.message, value, [])];
  }
};

/** zod leaves what stands under a key that is no name unread. */
const below = (path: Path, schema: z.ZodType, value: unknown): Explained[] => {
  const at = schemaAt(schema, value, path);
  const issues = at && z.safeParse(at, valueAt(value, path), { error: expectation }).error?.issues;
  return (issues ?? []).flatMap((issue) => explainIssue({ ...issue, path: [...path, ...issue.path] }, schema, value));
};

const unknownKey = (path: Path, key: string, known: readonly string[]): Explained => {
  const suggestion = suggest(key, known);
  const help =
    key === '<<'
      ? 'Merge keys are no part of YAML 1.2. An alias takes the whole of what its anchor names.'
      : suggestion === undefined
        ? `Known here: ${known.join(', ')}.`
        : `Did you mean ${suggestion}?`;
  const mistake = atKey(wrong([...path, key], 'a known key', quote(key), help));
  return suggestion === undefined ? { mistake } : { mistake, meant: placeOf([...path, suggestion]) };
};

const unfit = (path: Path, expected: string, root: unknown, known: readonly string[]): Explained => {
  const value = valueAt(root, path);
  const key = path.at(-1);
  if (value === undefined && typeof key === 'string') {
    const parent = path.slice(0, -1);
    const owner = parent.findLast((segment) => typeof segment === 'string');
    const where = owner === undefined ? '' : ` in ${owner}`;
    return { mistake: atKey(wrong(parent, `${key} (${expected})${where}`, 'nothing')), missing: placeOf(path) };
  }
  return { mistake: wrong(path, expected, describeValue(value), helpForValue(value, expected, known)) };
};

const helpForValue = (value: unknown, expected: string, known: readonly string[]): string | undefined => {
  if (typeof value === 'string') {
    if (isPrivateKey(value))
      return 'That is a private key, and whoever reads this file has it: make a new pair with age-keygen.';
    const suggestion = suggest(value, known);
    return suggestion === undefined ? undefined : `Did you mean ${suggestion}?`;
  }
  const isPlainWord = typeof value === 'number' || typeof value === 'boolean';
  return expected === 'text' && isPlainWord ? `In quotes it is text: "${value}".` : undefined;
};
