import { copyTone, proofTone, type CopiesSeen, type Tone } from '../fleet-copies.ts';
import type { FleetStatus, NextTime } from '../fleet-status.ts';
import { inZone } from '../../fleet/calendar.ts';
import { clean } from '../render/clean.ts';
import { copiesWords, driftWords, newestWords, proofWords, whenWords } from '../render/overview.ts';
import { statusItems, type StatusItem } from '../render/status-items.ts';
import { statusFacts } from '../render/status.ts';
import { dateTime } from '../render/units.ts';
import { escapeHtml } from '../report/escape-html.ts';
import { pageFrame } from '../report/page-frame.ts';
import type { FleetHistory } from './history.ts';
import { historySections } from './history-sections.ts';
import { cell, list, section, table } from './html.ts';
import { PAGE_STYLE } from './style.ts';

/** Text from outside, as it may stand on the page. Where the terminal leaves a gap, a page would not. */
const e = (text: string): string => escapeHtml(clean(text).replaceAll(/ {3,}/g, ' · '));

/**
 * The fleet as one page that needs nothing else: no scripts, no fonts, no network. What came from outside is escaped; the
 * page's own policy forbids scripts and loading besides. Pure.
 */
export function renderPage(status: FleetStatus, history: FleetHistory): string {
  const { now } = history;
  const facts = statusFacts(status);
  const answer = facts.at(-1) ?? '';
  const name = status.fleet?.name ?? 'runbook';
  const items = [...workerItems(status), ...statusItems(status, now)];
  return pageFrame({
    title: e(`${name}: ${answer}`),
    style: PAGE_STYLE,
    main: `<h1>${e(name)}</h1>
<p class="state ${answer === 'nothing needs you' ? 'good' : 'warn'}">${e(answer.slice(0, 1).toUpperCase() + answer.slice(1))}</p>
<p class="summary">${e(facts.slice(status.fleet === undefined ? 0 : 1, -1).join(' · '))}</p>
<p>As it was at <time>${e(dateTime(new Date(now).toISOString()))}</time> UTC.</p>
${items.length === 0 ? '' : list('todo', items.map(itemOf))}
${machines(status)}
${status.copies === undefined ? '' : copySection(status.copies, now)}
${status.drift === undefined ? '' : section('Drift', `<p class="${status.drift.rows === 0 ? 'good' : 'warn'}">${e(driftWords(status.drift, now))}</p>`)}
${nextSection(status.next ?? [], now)}
${historySections(status, history)}
<footer>Written by <code>runbook status --html</code>. Days and times are in UTC where nothing else is said.</footer>`,
  });
}

const workerItems = ({ noWorker }: FleetStatus): StatusItem[] =>
  noWorker === true ? [{ head: 'no worker polls', more: ['runbook worker'], tone: 'red' }] : [];

const itemOf = ({ head, more, tone }: StatusItem): { look: string; html: string } => ({
  look: tone,
  html: [`<strong>${e(head)}</strong>`, ...more.map(lineOf)].join('<br>'),
});

/** A line of commands, or words. */
const lineOf = (line: string): string =>
  line.startsWith('runbook ')
    ? line
        .split('   or   ')
        .map((command) => `<code>${e(command)}</code>`)
        .join(' or ')
    : e(line);

/** Members and guests, where a worker has looked at them. */
function machines({ live }: FleetStatus): string {
  if (live === undefined || live.problem !== undefined) return '';
  const rows = [
    ...live.members.map(({ name, status = 'not in the cluster', incusVersion = '', problem }) =>
      row(
        'member',
        name,
        [status, ...(problem === undefined ? [] : [problem])].join(', '),
        incusVersion === '' ? '' : `Incus ${incusVersion}`,
        problem === undefined && status === 'Online',
      ),
    ),
    ...live.guests.map(({ name, status = 'no such instance' }) => row('guest', name, status, '', status === 'Running')),
  ];
  return section('Machines', table('Members and guests', ['what', 'name', 'state', 'version'], rows));
}

const row = (kind: string, name: string, state: string, version: string, isWell: boolean): string[] => [
  cell(e(kind)),
  cell(e(name)),
  cell(e(state), isWell ? 'good' : 'bad'),
  cell(e(version)),
];

const classOf = (tone: Tone): Exclude<Tone, 'unknown'> | '' => (tone === 'unknown' ? '' : tone);

function copySection(seen: CopiesSeen, now: number): string {
  const rows = seen.copies.map((copy) => [
    cell(e(copy.of)),
    cell(e(copy.place)),
    cell(
      e(newestWords(copy, now)) + (copy.problem === undefined ? '' : `<br><small>${e(copy.problem)}</small>`),
      classOf(copyTone(copy)),
    ),
    cell(e(proofWords(copy.proof, now)), classOf(proofTone(copy.proof))),
  ]);
  return section(
    'Copies of data',
    `<p>${e(copiesWords(seen))}</p>${table('How old the copies are', ['what', 'place', 'newest copy', 'last proven restore'], rows)}`,
  );
}

function nextSection(next: readonly NextTime[], now: number): string {
  if (next.length === 0) return '';
  const rows = next.map((each) => [
    cell(e(each.name)),
    cell(e(each.runs)),
    cell(e(whenWords(each, now)), each.paused ? 'warn' : ''),
    cell(each.at === undefined ? '' : e(inZone(Date.parse(each.at), each.timeZone))),
  ]);
  return section('Next', table('When schedules are due', ['schedule', 'what', 'when', 'at'], rows));
}
