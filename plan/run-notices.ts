import { approveCommand } from './approval.ts';
import { durationMs } from './duration.ts';
import type { DueNotice, Notice, NoticeEvent } from './notice.ts';
import { outcomeOf } from './run-metrics.ts';
import type { Approval, RunResult, RunView } from './run.ts';
import { asSentence } from './sentence.ts';
import { neededLine } from './who-approves.ts';

/** A run that is over. */
export interface EndedRun extends SomeRun {
  closedAt: string;
  /** Of the run, or how Temporal says that it ended: `Terminated`. */
  outcome: string;
  /** What it left could not be read, if it left anything. */
  isUnread?: true;
}

export interface SomeRun {
  workflowId: string;
  runId: string;
  runbook: string;
  subject: string;
  startedAt: string;
  view?: RunView;
  /** Its page in the Web UI. */
  link?: string;
}

export interface Telling {
  /** The fleet's name. */
  fleet: string;
  /** What Temporal keeps is encrypted: what a message says is no more than `runbook status` does. */
  discreet: boolean;
}

/** A question is told when it is asked, and once more for each of these that it waits. */
const AGAIN_MS = durationMs('24h');

const BAD: Readonly<Record<string, { event: NoticeEvent; words: string }>> = {
  RolledBack: { event: 'rollback', words: 'was rolled back' },
  Failed: { event: 'failure', words: 'failed' },
  Terminated: { event: 'failure', words: 'was terminated' },
  TimedOut: { event: 'failure', words: 'timed out' },
};
const GOOD = ['Done', 'AlreadySo'];

/** Whether the view of a run that ended so is worth reading. */
export const isBad = (outcome: string): boolean => outcome in BAD;
export const isGood = (outcome: string): boolean => GOOD.includes(outcome);

/** What is told of a run that ended. `before`: the run of the same id before it. A person's wish is no news. Pure. */
export function noticeOfEnd(run: EndedRun, before: EndedRun | undefined, telling: Telling): DueNotice | undefined {
  const bad = BAD[outcomeOf(run)];
  if (bad !== undefined) return due(bad.event, run, telling, { ...endText(run, telling), words: bad.words });
  if (!isGood(run.outcome) || before === undefined || !isBad(outcomeOf(before))) return undefined;
  const what = telling.discreet ? '' : (run.view?.result?.summary ?? '');
  return due('recovered', run, telling, { words: 'went well again', what, command: show(run), at: run.closedAt });
}

/** What is told of a question that waits. Pure. */
export function noticeOfQuestion(run: SomeRun, approval: Approval, now: number, telling: Telling): DueNotice {
  const waited = Math.max(0, Math.floor((now - Date.parse(approval.askedAt)) / AGAIN_MS));
  const lines = [approval.question, ...(telling.discreet ? [] : [...approval.consequences, ...neededLine(approval)])];
  const notice = due('approval', run, telling, {
    words: 'waits for you',
    what: `${lines.map(asSentence).join(' ')} Until ${minute(approval.deadline)}.`,
    command: `${approveCommand(run.workflowId, approval)} --approval ${approval.id} --reason …`,
    at: approval.askedAt,
  });
  return { ...notice, key: `${notice.key}/${approval.id}/${Date.parse(approval.askedAt)}/${waited}` };
}

function due(
  event: NoticeEvent,
  { workflowId, runId, runbook, subject, link }: SomeRun,
  { fleet }: Telling,
  { words, ...text }: { words: string } & Pick<Notice, 'what' | 'at'> & Partial<Pick<Notice, 'command'>>,
): DueNotice {
  const notice: Notice = {
    ...{ event, fleet, runbook, node: subject, run: workflowId, headline: `${workflowId} ${words}`, ...text },
    ...(link === undefined ? {} : { link }),
  };
  return { key: `${event}/${workflowId}/${runId}`, event, notice };
}

function endText(run: EndedRun, { discreet }: Telling): Pick<Notice, 'what' | 'command' | 'at'> {
  const result = run.view?.result;
  const command = result?.next[0]?.command ?? show(run);
  const nothing = run.isUnread ? UNREAD : LEFT_NOTHING;
  const text = result === undefined ? nothing : resultText(result);
  return { what: discreet ? '' : text, command, at: run.closedAt };
}

const LEFT_NOTHING = 'It left no result: what it had begun may be half-way.';
const UNREAD = 'What it left cannot be read here.';

/** The fact, why, and what remains half-way. */
function resultText({ outcome, summary, failure, left }: RunResult): string {
  const [why = ''] = failure?.message.split('\n') ?? [];
  return [
    summary,
    ...(why === '' || summary.includes(why) ? [] : [why]),
    ...(outcome === 'Failed' && left.length > 0 ? [`Left behind: ${left.join('; ')}`] : []),
  ]
    .map(asSentence)
    .join(' ');
}

const show = ({ workflowId }: SomeRun): string => `runbook show ${workflowId}`;
/** `2026-11-23 02:14 UTC` */
const minute = (iso: string): string => `${new Date(iso).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
