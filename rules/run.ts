import { suggest } from '../fleet/suggest.ts';
import type { Monorepo } from './monorepo.ts';
import { positions } from './place.ts';
import { RULES } from './registry.ts';
import type { Finding, Rule, Violation } from './rule.ts';
import {
  SUPPRESSION_RULES,
  suppressionReason,
  suppressionsOf,
  suppressionUsed,
  type Suppression,
} from './suppressions.ts';

/** A finding that somebody has decided to leave, and why. */
export interface Suppressed extends Finding {
  reason: string;
}

export interface Outcome {
  findings: Finding[];
  suppressed: Suppressed[];
}

/** Holds a monorepo to every rule. Pure. Findings are in the order of files and lines. */
export function applyRules(repo: Monorepo, rules: readonly Rule[] = RULES): Outcome {
  const placeOf = placer(repo);
  const all = rules.flatMap((rule) => rule.check(repo).map((violation) => placeOf(rule, violation)));
  const suppressions = suppressionsOf(repo);
  const used = new Set<Suppression>();
  const outcome: Outcome = { findings: [], suppressed: [] };
  for (const finding of unique(all)) {
    const by = suppressions.find((each) => isFor(each, finding));
    if (by === undefined) outcome.findings.push(finding);
    else {
      used.add(by);
      outcome.suppressed.push({ ...finding, reason: by.reason });
    }
  }
  const known = rules.map(({ id }) => id);
  for (const each of suppressions) {
    const found = ofSuppression(each, used.has(each), known);
    if (found !== undefined) outcome.findings.push(placeOf(...found));
  }
  return { findings: outcome.findings.sort(inOrder), suppressed: outcome.suppressed.sort(inOrder) };
}

const isFor = ({ file, rule, reason, from, to }: Suppression, finding: Finding): boolean =>
  reason !== '' && file === finding.file && rule === finding.rule && finding.line >= from && finding.line <= to;

/** What is wrong with a suppression itself. */
function ofSuppression(
  { file, at, rule, reason }: Suppression,
  isUsed: boolean,
  known: readonly string[],
): [Rule, Violation] | undefined {
  const may = known.filter((id) => SUPPRESSION_RULES.every((each) => each.id !== id));
  if (!may.includes(rule)) {
    const meant = suggest(rule, may);
    const message = rule === '' ? 'No rule is named to ignore.' : `There is no rule ${rule} to ignore.`;
    return [
      suppressionReason,
      { file, at, message, whatToDo: meant === undefined ? 'docs/check.md has the rules.' : `Did you mean ${meant}?` },
    ];
  }
  if (reason === '') return [suppressionReason, { file, at, message: `${rule} is ignored without a reason.` }];
  return isUsed ? undefined : [suppressionUsed, { file, at, message: `${rule} finds nothing here to ignore.` }];
}

/** From offsets to lines; a finding ends with its line. */
function placer({ files }: Monorepo): (rule: Rule, violation: Violation) => Finding {
  const texts = new Map(files.map(({ path, text }) => [path, text]));
  const known = new Map<string, ReturnType<typeof positions>>();
  return (rule, { file, at, message, whatToDo = rule.whatToDo, severity = rule.severity }) => {
    const text = texts.get(file) ?? '';
    const place = known.get(file) ?? positions(text);
    known.set(file, place);
    const { line, column } = place(at.start);
    const lineEnd = text.indexOf('\n', at.start);
    const length = Math.max(1, Math.min(at.end, lineEnd === -1 ? text.length : lineEnd) - at.start);
    const { id, why, section } = rule;
    return { rule: id, severity, file, line, column, endColumn: column + length, message, why, whatToDo, section };
  };
}

const unique = (findings: readonly Finding[]): Finding[] => [
  ...new Map(
    findings.map((each) => [`${each.rule} ${each.file} ${each.line} ${each.column} ${each.message}`, each]),
  ).values(),
];

const inOrder = (a: Finding, b: Finding): number =>
  (a.file < b.file ? -1 : a.file > b.file ? 1 : 0) ||
  a.line - b.line ||
  a.column - b.column ||
  (a.rule < b.rule ? -1 : 1);
