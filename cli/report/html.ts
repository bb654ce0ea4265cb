import { dateTime } from '../render/units.ts';
import type { RunRecord } from '../run-history.ts';
import { escapeHtml as e } from './escape-html.ts';
import { factsOf, type ReportFacts } from './facts.ts';
import { pageFrame } from './page-frame.ts';
import { STYLE } from './style.ts';
import { renderTimeline } from './timeline.ts';

/**
 * A run as one HTML page that needs nothing else: no scripts, no fonts, no network. What came from outside is escaped;
 * the page's own policy forbids scripts and loading besides. Pure.
 */
export function renderHtml(record: RunRecord, now: string): string {
  const report = factsOf(record, now);
  const end = record.run.closedAt ?? now;
  return pageFrame({
    title: e(`${report.title}: ${report.outcome}`),
    style: STYLE,
    main: `<h1>${e(report.title)} <span class="outcome ${report.outcome.replace(/[^a-z]+/g, '-')}">${e(report.outcome)}</span></h1>
<p class="summary">${e(report.summary)}</p>
${report.failure === undefined ? '' : failure(report.failure)}
<dl>${report.facts.map(({ name, value }) => `<dt>${e(name)}</dt><dd>${e(value)}</dd>`).join('')}</dl>
${driftTable(report)}
${section('Minute by minute', `<div class="wide">${renderTimeline(record, report.happenings, end)}</div>`)}
${section('Steps', stepTable(report))}
${list(
  'What people did',
  report.happenings.map(({ at, text }) => `<time>${e(dateTime(at))}</time> ${e(text)}`),
)}
${list('Warnings', report.warnings.map(e))}
${list('Left behind', report.left.map(e))}
${list(
  'Next',
  report.next.map(({ command, purpose }) => `<code>${e(command)}</code> ${e(purpose)}`),
)}
${list(
  'Gates',
  report.gates.map(
    ({ name, verdict, message, whatToDo }) =>
      `<b class="${e(verdict)}">${e(verdict)}</b> ${e(name)}: ${e(message)}${whatToDo === undefined || verdict === 'passed' ? '' : `<br><small>${e(whatToDo)}</small>`}`,
  ),
)}
${report.handOver.map(({ path, text }) => section(`For ${path}`, `<pre>${e(text)}</pre>`)).join('\n')}
<footer>${e(report.footer)}</footer>`,
  });
}

/** An excerpt of a file keeps its lines. */
const failure = ({ message, whatToDo }: NonNullable<ReportFacts['failure']>): string =>
  message.includes('\n')
    ? `<p><strong>Why:</strong></p><pre>${e(message)}</pre><p><strong>What to do:</strong> ${e(whatToDo)}</p>`
    : `<p><strong>Why:</strong> ${e(message)}<br><strong>What to do:</strong> ${e(whatToDo)}</p>`;

const section = (title: string, content: string): string => `<section><h2>${e(title)}</h2>${content}</section>`;

/** `items` are HTML already. */
const list = (title: string, items: readonly string[]): string =>
  items.length === 0 ? '' : section(title, `<ul>${items.map((item) => `<li>${item}</li>`).join('')}</ul>`);

function driftTable({ drift }: ReportFacts): string {
  if (drift.length === 0) return '';
  const rows = drift.map(
    ({ subject, where, kind, declared, found, whatToDo }) =>
      `<tr>${[subject, where, kind, declared, found, whatToDo].map((cell) => `<td>${e(cell)}</td>`).join('')}</tr>`,
  );
  const head = '<tr><th>what</th><th>where</th><th>kind</th><th>declared</th><th>found</th><th>what to do</th></tr>';
  return section(
    'Not as declared',
    `<div class="wide"><table><thead>${head}</thead><tbody>${rows.join('\n')}</tbody></table></div>`,
  );
}

function stepTable({ steps, note }: ReportFacts): string {
  const rows = steps.map(
    ({ symbol, word, look, phase, title, started, took, attempts, detail }) =>
      `<tr class="${look}"><td><b>${e(symbol)}</b> ${e(word)}</td><td>${e(phase)}</td><td>${e(title)}${detail === '' ? '' : `<br><small>${e(detail)}</small>`}</td><td>${e(started)}</td><td class="number">${e(took)}</td><td class="number">${e(attempts)}</td></tr>`,
  );
  const head = '<tr><th>state</th><th>phase</th><th>step</th><th>started</th><th>took</th><th>attempts</th></tr>';
  return `<div class="wide"><table><thead>${head}</thead><tbody>${rows.join('\n')}</tbody></table></div>${note === undefined ? '' : `<p>${e(note)}</p>`}`;
}
