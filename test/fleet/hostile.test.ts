import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';

import { renderDiagnostics } from '../../fleet/diagnostic.ts';
import { parseFleet } from '../../fleet/load.ts';

/** Of the processor: the machine may be busy. Without the bounds these files take minutes, or end the process. */
const LONGEST_MS = 10_000;

const parseInTime = (text: string): ReturnType<typeof parseFleet> => {
  const start = process.cpuUsage();
  const result = parseFleet(text, 'runbook.yaml');
  if (result.type === 'invalid') renderDiagnostics(result.diagnostics, text, { color: false, width: 80 });
  const { user, system } = process.cpuUsage(start);
  expect((user + system) / 1000).toBeLessThan(LONGEST_MS);
  return result;
};

const aliasesOfAliases = ['a: &a [1,1,1,1,1,1,1,1,1]']
  .concat(
    Array.from(
      'bcdefghij',
      (name, i) =>
        `${name}: &${name} [${Array(9)
          .fill(`*${'abcdefghi'[i] ?? 'a'}`)
          .join()}]`,
    ),
  )
  .join('\n');

const HOSTILE: readonly (readonly [name: string, text: string, message: RegExp])[] = [
  ['a huge file', 'a'.repeat(5_000_000), /at most 128 KB, got 4883 KB/],
  ['deep flow lists', '['.repeat(125_000), /nested far deeper/],
  ['deep closed flow lists', '['.repeat(5000) + ']'.repeat(5000), /nested far deeper/],
  ['deep block lists', '- '.repeat(60_000), /nested far deeper/],
  ['deep mappings', Array.from({ length: 480 }, (_, i) => `${' '.repeat(i)}a:`).join('\n'), /nested far deeper/],
  ['aliases of aliases', aliasesOfAliases, /at most 100 uses of aliases/],
  ['an alias inside its own anchor', 'members: &a [*a]', /an anchor that ends before its alias/],
  ['many aliases', `a: &a 1\nb: [${'*a,'.repeat(40_000)}]`, /Expected/],
  ['many keys', Array.from({ length: 14_000 }, (_, i) => `k${i}: 1`).join('\n'), /Expected/],
  ['many equal keys', 'a: 1\n'.repeat(25_000), /Expected/],
  [
    'many guests on unknown members',
    `guests:\n${Array.from({ length: 4500 }, (_, i) => ` g${i}: {member: m${i}}`).join('\n')}`,
    /Expected/,
  ],
  ['quotes', '"'.repeat(125_000), /valid YAML/],
  ['commas', `[${','.repeat(125_000)}`, /valid YAML/],
  ['many documents', 'a\n---\n'.repeat(20_000), /one document/],
  ['nothing', '', /nothing/],
  ['NUL', '\0', /control character U\+0000/],
  ['bytes of another encoding', 'name: h\uFFFDme', /Expected UTF-8/],
  ['a lone surrogate', 'name: "\ud800"', /Expected/],
];

describe('a hostile fleet file', () => {
  it.each(HOSTILE)(
    '%s: is refused in bounded time',
    (_name, text, message) => {
      const result = parseInTime(text);
      expect(result.type).toBe('invalid');
      if (result.type === 'invalid') {
        expect(result.diagnostics.map((diagnostic) => diagnostic.message).join('\n')).toMatch(message);
        expect(result.diagnostics.length).toBeLessThanOrEqual(200);
      }
    },
    60_000,
  );

  const pieces = fc.constantFrom(
    ...[
      'members:',
      'guests:',
      'a',
      ': ',
      '- ',
      '\n',
      '\n  ',
      '\t',
      '{',
      '}',
      '[',
      ']',
      ',',
      '&a ',
      '*a',
      '|\n',
      '>',
      '? ',
    ],
    ...[
      '"',
      "'",
      '#',
      '!!map ',
      '!x ',
      '---\n',
      '...\n',
      '%YAML 1.1\n',
      '<<: ',
      '__proto__: ',
      'toString: ',
      '\r',
      '\u001b',
      '1e999',
    ],
  );
  const text = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 200 }),
    fc.array(pieces, { maxLength: 60 }).map((parts) => parts.join('')),
    fc.json({ maxDepth: 5 }),
  );

  it('never throws, and places each diagnostic inside the file', () => {
    fc.assert(
      fc.property(text, (hostile) => {
        const result = parseInTime(hostile);
        if (result.type === 'fleet') return;
        expect(result.diagnostics.length).toBeGreaterThan(0);
        const lines = hostile.split('\n');
        for (const { line, column, endColumn } of result.diagnostics) {
          expect(line).toBeGreaterThanOrEqual(1);
          expect(line).toBeLessThanOrEqual(lines.length);
          expect(column).toBeGreaterThanOrEqual(1);
          expect(column).toBeLessThanOrEqual((lines[line - 1]?.length ?? 0) + 1);
          expect(endColumn).toBeGreaterThan(column);
        }
      }),
      { numRuns: 500, seed: 20261123 },
    );
  }, 120_000);
});
