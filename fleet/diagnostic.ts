import { styleText } from 'node:util';

import stringWidth from 'string-width';
import wrapAnsi from 'wrap-ansi';

import { excerpt } from './excerpt.ts';
import { maskSecrets } from './mask.ts';
import { visible } from './visible.ts';

/** One mistake in a fleet file, placed. Lines and columns count from 1, columns in UTF-16 units as editors do. */
export interface Diagnostic {
  file: string;
  line: number;
  column: number;
  /** Behind the last character, on the same line; greater than `column`. */
  endColumn: number;
  severity: 'error' | 'warning';
  /** "Expected …, got …". */
  message: string;
  /** What to do about it. */
  help?: string;
}

const INDENT = '   ';
/** In a narrower window an excerpt shows nothing. */
const NARROWEST_EXCERPT = 30;

type Paint = (style: 'red' | 'yellow' | 'bold' | 'dim', text: string) => string;

/**
 * The diagnostics as a person reads them: place and message, the line before, the line, a squiggle, the help.
 * No line is wider than `width` columns, nothing in file or messages can drive the terminal, and secrets in the file are
 * masked. No newline at the end.
 */
export const renderDiagnostics = (
  diagnostics: readonly Diagnostic[],
  text: string,
  { color, width }: { color: boolean; width: number },
): string => {
  const lines = maskSecrets(text).split(/\r?\n/);
  const paint: Paint = (style, part) => (color ? styleText(style, part, { validateStream: false }) : part);
  return diagnostics
    .flatMap((diagnostic) => [
      ...wrap(header(diagnostic, paint), '', width),
      ...(width < NARROWEST_EXCERPT ? [] : renderExcerpt(diagnostic, lines, width, paint)),
      ...(diagnostic.help === undefined ? [] : wrap(visible(diagnostic.help), INDENT, width)),
    ])
    .join('\n');
};

const colorOf = ({ severity }: Diagnostic): 'red' | 'yellow' => (severity === 'error' ? 'red' : 'yellow');

const header = (diagnostic: Diagnostic, paint: Paint): string => {
  const { file, line, column, severity, message } = diagnostic;
  const place = paint('bold', `${visible(file)}:${line}:${column}`);
  return `${place}  ${paint(colorOf(diagnostic), severity)}  ${visible(message)}`;
};

/** Later lines are indented, so that the eye finds where the next diagnostic begins. */
const wrap = (text: string, indent: string, width: number): string[] => {
  if (indent === '' && stringWidth(text) <= width) return [text];
  const hanging = width > 2 * INDENT.length ? INDENT : '';
  const wrapped = wrapAnsi(text, Math.max(1, width - hanging.length), { hard: true }).split('\n');
  return wrapped.map((line, index) => (index === 0 && indent === '' ? line : hanging + line));
};

const renderExcerpt = (diagnostic: Diagnostic, lines: readonly string[], width: number, paint: Paint): string[] => {
  const { line, column, endColumn } = diagnostic;
  const digits = String(line).length;
  const gutter = (number: string): string => paint('dim', `${INDENT}${number.padStart(digits)} |`);
  const room = width - INDENT.length - digits - ' | '.length;

  const before = lines[line - 2]?.trimEnd() ?? '';
  const shown = excerpt(lines[line - 1] ?? '', column - 1, endColumn - 1, room);
  const squiggle = ' '.repeat(shown.indent) + paint(colorOf(diagnostic), '^'.repeat(shown.length));
  return [
    ...(before === '' ? [] : [`${gutter(String(line - 1))} ${excerpt(before, 0, 0, room).text}`]),
    `${gutter(String(line))} ${shown.text}`.trimEnd(),
    `${gutter('')} ${squiggle}`,
  ];
};
