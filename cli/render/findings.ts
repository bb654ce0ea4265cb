import { renderDiagnostics, type Diagnostic } from '../../fleet/diagnostic.ts';
import { count } from '../../plan/count.ts';
import type { Finding } from '../../rules/rule.ts';

/** Rules whose findings are secrets themselves: the place is shown, and nothing of the text. */
const SECRETS: readonly string[] = ['no-private-keys', 'no-plaintext-secrets'];

export interface FindingsOptions {
  color: boolean;
  width: number;
  /** A file as a person would type it from here. */
  shownAs: (file: string) => string;
  textOf: (file: string) => string;
}

/** Each finding with its line and what to do, and at the first of each rule why it is one. Secrets are masked. Pure. */
export function renderFindings(findings: readonly Finding[], options: FindingsOptions): string[] {
  const explained = new Set<string>();
  const texts = new Map<string, string>();
  return findings.map((finding) => {
    const { file, rule, section, why, whatToDo } = finding;
    const text = texts.get(file) ?? withoutSecrets(options.textOf(file), findings, file);
    texts.set(file, text);
    const reason = explained.has(rule) ? '' : `${why} (reference ${section}) `;
    explained.add(rule);
    const diagnostic: Diagnostic = {
      ...placeOf(finding),
      file: options.shownAs(file),
      message: `${rule}: ${finding.message}`,
      help: `${reason}${whatToDo}`,
    };
    return renderDiagnostics([diagnostic], text, options);
  });
}

const placeOf = ({ line, column, endColumn, severity }: Finding): Omit<Diagnostic, 'file' | 'message' | 'help'> => ({
  line,
  column,
  endColumn,
  severity,
});

/** As long as it was, so that places in it stay right. */
function withoutSecrets(text: string, findings: readonly Finding[], file: string): string {
  const lines = text.split('\n');
  for (const { line, column, endColumn, ...each } of findings) {
    if (each.file !== file || !SECRETS.includes(each.rule)) continue;
    const whole = lines[line - 1] ?? '';
    lines[line - 1] = whole.slice(0, column - 1) + '*'.repeat(endColumn - column) + whole.slice(endColumn - 1);
  }
  return lines.join('\n');
}

/** `2 problems, 1 warning in 41 files · 3 ignored with a reason`. */
export function findingsSummary(findings: readonly Finding[], suppressed: number, files: number): string {
  const errors = findings.filter(({ severity }) => severity === 'error').length;
  const warnings = findings.length - errors;
  const parts = [
    ...(errors > 0 ? [count(errors, 'problem')] : []),
    ...(warnings > 0 ? [count(warnings, 'warning')] : []),
  ];
  const found = parts.length === 0 ? 'no problems' : parts.join(', ');
  return `${found} in ${count(files, 'file')}${suppressed === 0 ? '' : ` · ${suppressed} ignored with a reason`}`;
}
