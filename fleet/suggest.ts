import { distance } from 'fastest-levenshtein';

/** Comparing takes the product of their sizes; a file with thousands of names must not stop us. */
const LONGEST_NAME = 80;
const MOST_COMPARED = 500;

/** The known name that was probably meant: at most a third of it mistyped. */
export const suggest = (name: string, known: readonly string[]): string | undefined => {
  if (name.length > LONGEST_NAME || known.length > MOST_COMPARED) return undefined;
  const wanted = name.toLowerCase();
  const closest = known
    .map((candidate) => ({ candidate, typos: typosBetween(wanted, candidate.toLowerCase()) }))
    .filter(({ candidate, typos }) => typos <= Math.max(1, Math.floor(candidate.length / 3)))
    .sort((a, b) => a.typos - b.typos)[0];
  return closest?.candidate;
};

/** The edits from one to the other; two letters that changed places are one slip of the fingers. */
const typosBetween = (a: string, b: string): number => {
  const edits = distance(a, b);
  const sorted = (word: string): string => Array.from(word).sort().join('');
  return edits === 2 && sorted(a) === sorted(b) ? 1 : edits;
};

const MOST_NAMES = 12;

/** The help for a name that is not among the known ones. `what` is their plural: `members`. */
export const helpForName = (name: string, known: readonly string[], what: string): string => {
  const suggestion = suggest(name, known);
  if (suggestion !== undefined) return `Did you mean ${suggestion}?`;
  if (known.length === 0) return `There are no ${what}.`;
  const shown = known.slice(0, MOST_NAMES).join(', ');
  return `The ${what} are ${shown}${known.length > MOST_NAMES ? ', …' : ''}.`;
};
