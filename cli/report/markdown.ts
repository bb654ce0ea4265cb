import type { RunRecord } from '../run-history.ts';
import { dateTime } from '../render/units.ts';
import { factsOf } from './facts.ts';

/** A run as Markdown (GitHub's), for a ticket or a wiki. What came from outside is text, never markup. Pure. */
export function renderMarkdown(record: RunRecord, now: string): string {
  const report = factsOf(record, now);
  const section = (title: string, lines: readonly string[]): string[] =>
    lines.length === 0 ? [] : ['', `## ${title}`, '', ...lines];
  return [
    `# ${escape(report.title)}: ${escape(report.outcome)}`,
    '',
    escape(report.summary),
    ...(report.failure === undefined
      ? []
      : ['', ...why(report.failure.message), '', `**What to do:** ${escape(report.failure.whatToDo)}`]),
    '',
    ...report.facts.map(({ name, value }) => `- ${name}: ${escape(value)}`),
    ...section(
      'Not as declared',
      report.drift.length === 0
        ? []
        : [
            '| what | where | kind | declared | found | what to do |',
            '| --- | --- | --- | --- | --- | --- |',
            ...report.drift.map(
              ({ subject, where, kind, declared, found, whatToDo }) =>
                `| ${[subject, where, kind, declared, found, whatToDo].map(escape).join(' | ')} |`,
            ),
          ],
    ),
    ...section('Steps', [
      '| | phase | step | started | took | attempts | detail |',
      '| --- | --- | --- | --- | --- | --- | --- |',
      ...report.steps.map(
        ({ symbol, word, ...step }) =>
          `| ${symbol} ${word} | ${[step.phase, step.title, step.started, step.took, step.attempts, step.detail].map(escape).join(' | ')} |`,
      ),
    ]),
    ...(report.note === undefined ? [] : ['', report.note]),
    ...section(
      'Gates',
      report.gates.map(
        ({ name, verdict, message, whatToDo }) =>
          `- ${escape(verdict)}: ${escape(name)} — ${escape(message)}${whatToDo === undefined || verdict === 'passed' ? '' : ` ${escape(whatToDo)}`}`,
      ),
    ),
    ...section(
      'Warnings',
      report.warnings.map((text) => `- ${escape(text)}`),
    ),
    ...section(
      'What people did',
      report.happenings.map(({ at, text }) => `- ${dateTime(at)} ${escape(text)}`),
    ),
    ...section(
      'Left behind',
      report.left.map((text) => `- ${escape(text)}`),
    ),
    ...section(
      'Next',
      report.next.map(({ command, purpose }) => `- ${code(command)} — ${escape(purpose)}`),
    ),
    ...report.handOver.flatMap(({ path, text }) =>
      section(
        `For ${escape(path)}`,
        text
          .trimEnd()
          .split('\n')
          .map((line) => `    ${line}`),
      ),
    ),
    '',
    report.footer,
    '',
  ].join('\n');
}

/** Several lines become an indented block (CommonMark 4.4), in which nothing is markup. */
const why = (message: string): string[] =>
  message.includes('\n')
    ? ['**Why:**', '', ...message.split('\n').map((line) => `    ${line}`)]
    : [`**Why:** ${escape(message)}`];

/** Every character that CommonMark or GitHub's tables could read as markup; a hyphen within a name is none. */
const escape = (text: string): string =>
  text
    .replace(/[\\`*_{}[\]()<>#+|~&@]/g, (char) => (char === '<' ? '&lt;' : char === '&' ? '&amp;' : `\\${char}`))
    .replace(/(?<![A-Za-z0-9])-|-(?![A-Za-z0-9])/g, '\\-');

/** A code span whose fence is longer than any run of back-ticks in it (CommonMark 6.1). */
function code(text: string): string {
  const longest = Math.max(0, ...(text.match(/`+/g) ?? []).map((run) => run.length));
  const fence = '`'.repeat(longest + 1);
  return `${fence}${longest > 0 ? ' ' : ''}${text}${longest > 0 ? ' ' : ''}${fence}`;
}
