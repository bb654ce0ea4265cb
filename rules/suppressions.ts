import type { Monorepo } from './monorepo.ts';
import type { Comment } from './parse/syntax.ts';
import { positions, type Range } from './place.ts';
import type { Rule } from './rule.ts';

/** `# runbook-ignore RULE: reason`: what a person has decided to leave as it is. */
export interface Suppression {
  file: string;
  at: Range;
  rule: string;
  /** Empty: none was given, and so it counts for nothing. */
  reason: string;
  /** The lines, from 1, whose findings it takes away. */
  from: number;
  to: number;
}

const MARK = /^(?:#|\/\/|\/\*)\s*runbook-ignore\b(.*)/;

/** Of its first line, with single blanks: so that no two parts of the pattern can share a run of them. */
function ignored(comment: string): { rule: string; reason: string } | undefined {
  const [, behind] = MARK.exec(comment.trim()) ?? [];
  if (behind === undefined) return undefined;
  const line = behind
    .replace(/\*\/\s*$/, '')
    .split(/\s+/)
    .join(' ')
    .trim();
  const [, rule = '', reason = ''] = /^([\w-]*) ?:? ?(.*)$/.exec(line) ?? [];
  return { rule, reason };
}

/** Those of every file. A comment behind something is for its line; one on a line of its own is for the next line with anything on it. */
export const suppressionsOf = ({ files, comments }: Monorepo): Suppression[] =>
  files.flatMap(({ path, text }) => {
    const all = comments.get(path) ?? [];
    return all.some((comment) => comment.text.includes('runbook-ignore')) ? inFile(path, text, all) : [];
  });

function inFile(file: string, text: string, comments: readonly Comment[]): Suppression[] {
  const place = positions(text);
  const lines = text.split('\n');
  const isComment = (line: number): boolean => /^\s*(?:#|\/\/|\/\*)/.test(lines[line - 1] ?? '');
  return comments.flatMap(({ start, end, text: comment }) => {
    const found = ignored(comment);
    if (found === undefined) return [];
    const { line, column } = place(start);
    let to = line;
    if ((lines[line - 1] ?? '').slice(0, column - 1).trim() === '') {
      to = line + 1;
      while (isComment(to)) to += 1;
    }
    return [{ file, at: { start, end }, ...found, from: line, to }];
  });
}

const shared = { section: '§4', severity: 'error' } as const;

export const suppressionReason: Rule = {
  ...shared,
  id: 'suppression-reason',
  title: 'What is ignored has a rule and a reason',
  why: 'Whoever reads it later has to know whether it still holds.',
  whatToDo: 'Write # runbook-ignore RULE: why this is so here. Without a reason it counts for nothing.',
  check: () => [],
};

export const suppressionUsed: Rule = {
  ...shared,
  id: 'suppression-used',
  title: 'What is ignored is there',
  why: 'One that takes nothing away would hide what comes there one day.',
  whatToDo: 'Remove the comment.',
  check: () => [],
};

/** They are about comments and what all other rules found, so run.ts applies them. */
export const SUPPRESSION_RULES: readonly Rule[] = [suppressionReason, suppressionUsed];
