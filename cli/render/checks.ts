import type { Check } from '../../plan/checks.ts';
import { painter, type Colour } from './paint.ts';
import type { RenderOptions } from './run.ts';
import { clean } from './clean.ts';
import { column, fit, wrap } from './text.ts';
import stringWidth from 'string-width';

const MARKS: Record<Check['verdict'], { symbol: string; colour: Colour }> = {
  passed: { symbol: '✔', colour: 'green' },
  warning: { symbol: '!', colour: 'yellow' },
  failed: { symbol: '✘', colour: 'red' },
};

/** Columns that a finding needs beside the name of its check; where there are fewer it goes below. */
const NARROWEST = 30;

/**
 * Checks with what was found, and below each that did not pass its remedy: these come last, where a terminal shows them.
 * The last line sums up. Pure.
 */
export function renderChecks(checks: readonly Check[], { width, colour }: RenderOptions): string[] {
  const paint = painter(colour);
  const names = checks.map(({ where, what }) => stringWidth(nameOf({ where, what })));
  const widest = Math.max(0, ...names);
  const beside = width - (6 + widest) >= NARROWEST;
  const indent = beside ? 6 + widest : 6;
  const ordered = ORDER.flatMap((wanted) => checks.filter(({ verdict }) => verdict === wanted));
  const lines = ordered.flatMap((check) => {
    const { symbol, colour: tone } = MARKS[check.verdict];
    const name = beside ? column(nameOf(check), widest) : fit(nameOf(check), width - 4);
    const [first = '', ...rest] = factsOf(check).flatMap((fact) => wrap(clean(fact), width - indent));
    const below = beside ? rest : [first, ...rest];
    return [
      `  ${paint(tone, symbol)} ${name}${beside ? `  ${first}` : ''}`.trimEnd(),
      ...below.map((line) => ' '.repeat(indent) + line),
    ];
  });
  return [...lines, '', ...wrap(summary(checks), width)];
}

const ORDER: readonly Check['verdict'][] = ['passed', 'warning', 'failed'];

const nameOf = ({ where, what }: Pick<Check, 'where' | 'what'>): string => `${clean(where)}: ${clean(what)}`;

const factsOf = ({ found, verdict, whatToDo }: Check): string[] => [
  found,
  ...(whatToDo === undefined || verdict === 'passed' ? [] : [`→ ${whatToDo}`]),
];

function summary(checks: readonly Check[]): string {
  const failed = checks.filter(({ verdict }) => verdict === 'failed').length;
  const warnings = checks.filter(({ verdict }) => verdict === 'warning').length;
  if (failed + warnings === 0) return `${checks.length} checks passed`;
  return [
    ...(failed === 0 ? [] : [failed === 1 ? '1 problem' : `${failed} problems`]),
    ...(warnings === 0 ? [] : [warnings === 1 ? '1 warning' : `${warnings} warnings`]),
  ].join(', ');
}
