import { stripVTControlCharacters } from 'node:util';

import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import stringWidth from 'string-width';

import type { Diagnostic } from '../../fleet/diagnostic.ts';
import { renderDiagnostics } from '../../fleet/diagnostic.ts';

const diagnostic = (place: Partial<Diagnostic>): Diagnostic => ({
  file: 'runbook.yaml',
  line: 1,
  column: 1,
  endColumn: 2,
  severity: 'error',
  message: 'Expected a, got b',
  ...place,
});
const plain = { color: false, width: 80 };

describe('renderDiagnostics', () => {
  it('shows place, message, the line before, the line and a squiggle', () => {
    const text = `${'\n'.repeat(12)}  elitedesk-2:\n    address: 10.0.0.256\n`;
    const message = 'Expected an address like 10.0.0.11, got "10.0.0.256"';
    const rendered = renderDiagnostics([diagnostic({ line: 14, column: 14, endColumn: 24, message })], text, plain);
    expect(rendered.split('\n')).toEqual([
      'runbook.yaml:14:14  error  Expected an address like 10.0.0.11, got "10.0.0.256"',
      '   13 |   elitedesk-2:',
      '   14 |     address: 10.0.0.256',
      '      |              ^^^^^^^^^^',
    ]);
  });

  it('puts the squiggle under what is meant behind tabs and wide characters', () => {
    const line = '\ta: 日本 🙂 wrong';
    const column = line.indexOf('wrong') + 1;
    const rendered = renderDiagnostics([diagnostic({ column, endColumn: column + 5 })], line, plain).split('\n');
    const [shown = '', squiggle = ''] = rendered.slice(1);
    expect(stringWidth(shown.slice(0, shown.indexOf('wrong')))).toBe(squiggle.indexOf('^'));
    expect(squiggle.trimEnd().endsWith('| ' + ' '.repeat(15) + '^^^^^')).toBe(true);
  });

  it('cuts a long line so that the mistake is in view', () => {
    const text = `a: ${'x'.repeat(100_000)} wrong ${'y'.repeat(100_000)}`;
    const column = text.indexOf('wrong') + 1;
    const rendered = renderDiagnostics([diagnostic({ column, endColumn: column + 5 })], text, plain).split('\n');
    const [shown = '', squiggle = ''] = rendered.slice(1);
    expect(shown.slice(squiggle.indexOf('^'), squiggle.lastIndexOf('^') + 1)).toBe('wrong');
  });

  it('adds colour only, and only when asked', () => {
    const some = [diagnostic({ help: 'Do that.' }), diagnostic({ severity: 'warning' })];
    const coloured = renderDiagnostics(some, 'abc', { color: true, width: 80 });
    expect(coloured).toContain('\u001b[31merror');
    expect(coloured).toContain('\u001b[33mwarning');
    expect(stripVTControlCharacters(coloured)).toBe(renderDiagnostics(some, 'abc', plain));
  });

  it('is never wider than the terminal and never drives it, whatever file and message contain', () => {
    const nasty = fc.string({
      unit: fc.oneof(
        fc.string({ unit: 'binary', maxLength: 1 }),
        fc.constantFrom('\u001b[2J', '\u202e', '日', '\t', 'abc '),
      ),
      maxLength: 200,
    });
    fc.assert(
      fc.property(
        nasty,
        nasty,
        nasty,
        fc.nat(300),
        fc.nat(50),
        fc.integer({ min: 1, max: 120 }),
        (text, message, file, from, length, width) => {
          const line = text.split('\n')[0] ?? '';
          const column = Math.min(from, line.length) + 1;
          const one = diagnostic({ file, message, help: message, column, endColumn: column + 1 + length });
          for (const shown of renderDiagnostics([one], text, { color: false, width }).split('\n')) {
            expect(shown).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
            if (width > 1) expect(stringWidth(shown)).toBeLessThanOrEqual(width);
          }
        },
      ),
      { numRuns: 1000, seed: 7 },
    );
  });
});
