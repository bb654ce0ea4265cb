import { approveCommand } from './approval.ts';
import { foreseenNeeds, neededLine } from './who-approves.ts';
import type { Outcome, RunResult, RunView, StepState, StepView } from './run.ts';
import { asSentence } from './sentence.ts';

const SYMBOLS: Record<StepState, string> = {
  pending: '·',
  running: '●',
  done: '✔',
  already: '=',
  failed: '✘',
  'not needed': '–',
  waiting: '?',
};

/** What a symbol might not tell: shown where the step says nothing else of itself. */
const WORDS: Partial<Record<StepState, string>> = {
  running: 'under way',
  already: 'already so',
  'not needed': 'not needed',
  waiting: 'waits',
};

const OUTCOMES: Record<Outcome, string> = {
  Done: 'Done',
  AlreadySo: 'Already so, nothing was done',
  RolledBack: 'Rolled back',
  Failed: 'Failed',
};

/** The page about a run for someone who only has the Web UI: where it is, what is next, what it waits for. Markdown. */
export function renderDetails(view: RunView): string {
  return [
    heading(view),
    ...waits(view),
    ...(view.needs === undefined ? [] : [foreseenNeeds(view.needs)]),
    ...ending(view),
    ...drift(view),
    ...view.warnings.map((text) => `> ⚠ ${text}`),
    ...steps(view),
  ].join('\n\n');
}

/** `Rolled back: why. What holds now.`: all that a list of failed runs shows of one. */
export function endingSentence({ outcome, summary, failure }: RunResult): string {
  // Where nothing was begun the summary says why by itself.
  const why = failure === undefined || summary.includes(failure.message) ? '' : `${asSentence(failure.message)} `;
  return `${OUTCOMES[outcome]}: ${why}${summary}`;
}

function heading({ runbook, subject, phase, result, name, revision }: RunView): string {
  const state = result ? `**${OUTCOMES[result.outcome]}** — ${result.summary}` : `now: **${phase}**`;
  return `### ${runbook} of ${subject}\n\n${state}\n\nrun \`${name}\` · revision \`${revision.slice(0, 7)}\``;
}

function waits({ approval, paused, waitingFor, runbook, subject }: RunView): string[] {
  const lines: string[] = [];
  if (approval)
    lines.push(
      `**Waits for a person until ${approval.deadline}:** ${approval.question}`,
      [...approval.consequences, ...neededLine(approval)].map((line) => `- ${line}`).join('\n'),
      `\`${approveCommand(`${runbook}/${subject}`, approval)} --reason …\` or \`runbook reject ${runbook}/${subject} --reason …\``,
    );
  if (paused) lines.push(`**Paused.** \`runbook resume ${runbook}/${subject}\``);
  for (const { resource, holder } of waitingFor) lines.push(`Waits for \`${resource}\`, which \`${holder}\` holds.`);
  return lines;
}

const gateLine = ({ message, whatToDo = '' }: RunView['gates'][number]): string => `- ✘ ${message} ${whatToDo}`.trim();

/** Several lines, as the mistakes of a fleet file, are an indented block of their own. */
function reason({ message, whatToDo }: NonNullable<RunResult['failure']>): string {
  if (!message.includes('\n')) return `**Why:** ${asSentence(message)} **What to do:** ${whatToDo}`;
  const block = message.split('\n').map((line) => `    ${line}`);
  return `**Why:**\n\n${block.join('\n')}\n\n**What to do:** ${whatToDo}`;
}

function ending({ gates, result }: RunView): string[] {
  if (!result) return [];
  const { failure, left, next } = result;
  const refused = gates.filter(({ verdict }) => verdict === 'refused');
  return [
    ...(refused.length > 0 ? [refused.map(gateLine).join('\n')] : failure ? [reason(failure)] : []),
    ...(left.length > 0 ? [`**Left behind:**\n\n${left.map((text) => `- ${text}`).join('\n')}`] : []),
    ...(next.length > 0
      ? [`**Next:**\n\n${next.map(({ command, purpose }) => `- \`${command}\` — ${purpose}`).join('\n')}`]
      : []),
  ];
}

/** A list and no table: the Web UI shows a bar of what somebody has set as a bar. */
function drift({ drift: rows = [] }: RunView): string[] {
  if (rows.length === 0) return [];
  const lines = rows.map(
    ({ subject, where, kind, declared, found, whatToDo }) =>
      `- ${kind}: ${subject} (${where}): declared ${declared}, found ${found}. ${whatToDo}`,
  );
  return [`**Not as declared:**\n\n${lines.join('\n')}`];
}

function steps({ steps }: RunView): string[] {
  return steps.length === 0 ? [] : [`**Steps:**\n\n${steps.map((step) => `- ${line(step)}`).join('\n')}`];
}

function line({ state, phase, title, detail = WORDS[state] }: StepView): string {
  return `${SYMBOLS[state]} ${phase}: ${title}${detail === undefined ? '' : ` — ${detail}`}`;
}
