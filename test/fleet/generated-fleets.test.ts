import { describe, expect, it } from '@jest/globals';

import { parseFleet } from '../../fleet/load.ts';
import { randomFleet } from './generated/fleet.ts';
import type { Expected } from './generated/expected.ts';
import { MUTATIONS } from './generated/mutations.ts';
import { randomFrom } from './generated/random.ts';
import type { Span, Written } from './generated/write.ts';
import { write } from './generated/write.ts';

const FILES = 1000;
const KINDS = Object.keys(MUTATIONS);
const seeds = Array.from({ length: FILES }, (_, index) => index + 1);

/** Syntax that spoils the rest of the line is placed by line only, and may make later lines stumble. */
const BY_LINE_ONLY = new Set(['a second colon']);

const spanOf = ({ at, part }: Expected, written: Written): Span => {
  if (at === 'whole file') return { line: 1, column: 1, endColumn: 2 };
  const span = part === 'key' && 'key' in at ? written.keys.get(at) : written.values.get(at);
  if (!span) throw new Error(`The mistake was not written: ${part} of ${JSON.stringify(at)}`);
  return span;
};

type Words = Pick<Expected, 'message' | 'help'>;

const mutated = (seed: number): { kind: string; text: string; expected: Span; words: Words } => {
  const random = randomFrom(seed);
  const kind = KINDS[seed % KINDS.length] ?? '';
  const root = randomFleet(random);
  const expected = MUTATIONS[kind]?.(root, random);
  if (!expected) throw new Error(`No mutation ${kind}`);
  const written = write(root, random);
  return { kind, text: written.text, expected: spanOf(expected, written), words: expected };
};

/** What is wrong with the report about a file, or nothing. */
const complaint = (text: string, kind: string, expected: Span, { message, help }: Words): string | undefined => {
  const result = parseFleet(text, 'runbook.yaml');
  if (result.type === 'fleet') return 'it was accepted';
  const [first, ...more] = result.diagnostics;
  if (!first) return 'nothing was reported';
  const reported = `${first.line}:${first.column} ${first.message}`;
  if (first.line !== expected.line) return `expected line ${expected.line}, got ${reported}`;
  if (!message.test(first.message)) return `expected ${message}, got ${reported}`;
  if (help && !help.test(first.help ?? '')) return `expected the help ${help}, got ${first.help ?? 'none'}`;
  if (BY_LINE_ONLY.has(kind)) return undefined;
  if (first.column !== expected.column) return `expected column ${expected.column}, got ${reported}`;
  return more[0] && `one mistake, but also ${more[0].line}:${more[0].column} ${more[0].message}`;
};

describe('generated fleet files', () => {
  it('are valid without a warning before a mistake is made', () => {
    for (const seed of seeds) {
      const random = randomFrom(seed);
      const { text } = write(randomFleet(random), random);
      const result = parseFleet(text, 'runbook.yaml');
      if (result.type !== 'fleet' || result.warnings.length > 0) expect({ seed, text, result }).toBe('valid');
    }
  });

  it(`have one mistake each, of ${KINDS.length} kinds, which is reported at its line and column`, () => {
    expect(KINDS.length).toBeGreaterThanOrEqual(25);
    for (const seed of seeds) {
      const { kind, text, expected, words } = mutated(seed);
      const wrong = complaint(text, kind, expected, words);
      if (wrong !== undefined) expect(`seed ${seed}, ${kind}: ${wrong}\n${text}`).toBe('reported in place');
    }
  });

  it('would be found out by this test if the line or column were off by one', () => {
    for (const seed of seeds.slice(0, 2 * KINDS.length)) {
      const { kind, text, expected, words } = mutated(seed);
      for (const by of [-1, 1]) {
        expect(complaint(text, kind, { ...expected, line: expected.line + by }, words)).toMatch(/^expected line/);
        if (BY_LINE_ONLY.has(kind)) continue;
        expect(complaint(text, kind, { ...expected, column: expected.column + by }, words)).toMatch(/column/);
      }
    }
  });
});
