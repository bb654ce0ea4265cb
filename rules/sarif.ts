import { RULES } from './registry.ts';
import type { Finding } from './rule.ts';
import type { Outcome } from './run.ts';

/** What code hosts and editors take: SARIF 2.1.0. What a person left with a reason is in it as suppressed. */
export function sarifLog({ findings, suppressed }: Outcome, mistakes: readonly Mistake[], version: string): object {
  return {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: { driver: { name: 'runbook', version, rules: [FLEET_FILE, ...RULES].map(ruleOf) } },
        columnKind: 'utf16CodeUnits',
        originalUriBaseIds: { MONOREPO: { description: { text: 'The folder that has runbook.yaml.' } } },
        results: [
          ...mistakes.map(({ help = '', ...mistake }) => resultOf({ ...mistake, rule: FLEET_FILE.id, whatToDo: help })),
          ...findings.map((finding) => resultOf(finding)),
          ...suppressed.map(({ reason, ...finding }) => ({
            ...resultOf(finding),
            suppressions: [{ kind: 'inSource', status: 'accepted', justification: reason }],
          })),
        ],
      },
    ],
  };
}

/** A mistake in runbook.yaml. */
type Mistake = Pick<Finding, 'file' | 'line' | 'column' | 'endColumn' | 'severity' | 'message'> & { help?: string };

/** The fleet file has its own diagnostics; a log wants a rule that they are of. */
const FLEET_FILE = {
  id: 'fleet-file',
  title: 'runbook.yaml is right',
  section: '§1',
  severity: 'error' as const,
  why: 'Runbooks do what it says.',
  whatToDo: 'Correct it; docs/configuration.md has every field.',
};

const ruleOf = ({
  id,
  title,
  section,
  severity,
  why,
  whatToDo,
}: typeof FLEET_FILE | (typeof RULES)[number]): object => ({
  id,
  shortDescription: { text: `${title}.` },
  fullDescription: { text: why },
  help: { text: whatToDo },
  defaultConfiguration: { level: severity },
  properties: { section },
});

const indexOf = (rule: string): number => [FLEET_FILE, ...RULES].findIndex(({ id }) => id === rule);

const resultOf = (finding: Omit<Finding, 'why' | 'section'>): object => {
  const { rule, severity, file, line, column, endColumn, message, whatToDo } = finding;
  return {
    ruleId: rule,
    ruleIndex: indexOf(rule),
    level: severity,
    message: { text: `${message} ${whatToDo}`.trim() },
    locations: [
      {
        physicalLocation: {
          artifactLocation: { uri: file.split('/').map(encodeURIComponent).join('/'), uriBaseId: 'MONOREPO' },
          region: { startLine: line, startColumn: column, endColumn },
        },
      },
    ],
  };
};
