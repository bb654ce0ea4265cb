import type { Rule } from '../rule.ts';

/** Whole keys, not their names: a key of age has 58 more letters, what PEM encloses begins on the next line. */
const KEYS: readonly [what: string, pattern: RegExp][] = [
  ['a private key of age', /AGE-SECRET-KEY-(?:PQ-)?1[02-9AC-HJ-NP-Z]{58,}/g],
  ['a private key', /-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----(?:\r?\n|\\n)[\sA-Za-z0-9+/=:,-]{32}/g],
  ['a private key of WireGuard', /(?<=PrivateKey\s{0,4}=\s{0,4}"?)[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=/g],
  ['a token of GitHub', /\bgh[pousr]_[A-Za-z0-9]{36}\b/g],
  ['a token of GitLab', /\bglpat-[\w-]{20}\b/g],
  ['an access key of AWS', /\bAKIA[A-Z2-7]{16}\b/g],
  ['a key of Tailscale', /\btskey-(?:auth|api|client)-[A-Za-z0-9]{6,}-[A-Za-z0-9]{16,}/g],
];

export const noPrivateKeys: Rule = {
  id: 'no-private-keys',
  title: 'No private key is in the repository',
  section: '§7',
  severity: 'error',
  why: 'A private key of age exists only inside its VM. What was committed once stays readable in git’s history, for everybody who has a clone.',
  whatToDo: 'Take it out of the history before it is pushed; once it was pushed, make another key and forget this one.',
  check: ({ files }) =>
    files.flatMap(({ path: file, text }) =>
      KEYS.flatMap(([what, pattern]) =>
        Array.from(text.matchAll(pattern), ({ index, 0: { length } }) => ({
          file,
          at: { start: index, end: index + length },
          message: `Here is ${what}.`,
        })),
      ),
    ),
};
