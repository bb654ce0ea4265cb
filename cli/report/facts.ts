import type { DriftRow } from '../../plan/drift-seen.ts';
import type { HandOver } from '../../plan/hand-over.ts';
import type { RunRecord, StepRecord } from '../run-history.ts';
import { besideEnding } from '../render/ending.ts';
import { reconstructedNote } from '../render/record.ts';
import { outcomeWord } from '../render/run.ts';
import { stateWord, symbolOf, undoes } from '../render/steps.ts';
import { clean } from '../render/clean.ts';
import { decisionText } from '../render/decision.ts';
import { between, dateTime, took } from '../render/units.ts';
import { VERSION } from '../version.ts';

/** What both kinds of report tell, as plain text: each kind escapes it in its own way. */
export interface ReportFacts {
  title: string;
  outcome: string;
  summary: string;
  facts: { name: string; value: string }[];
  steps: StepFacts[];
  /** Those that refused first. */
  gates: { name: string; verdict: string; message: string; whatToDo?: string }[];
  warnings: string[];
  /** Decisions and interventions in their order. */
  happenings: { at: string; text: string }[];
  /** Absent where gates refused: they say why. The message may have several lines. */
  failure?: { message: string; whatToDo: string };
  /** What is not as declared. */
  drift: DriftRow[];
  left: string[];
  next: { command: string; purpose: string }[];
  /** Texts of several lines for the monorepo. */
  handOver: HandOver[];
  /** Where the steps come from, if not from the run itself. */
  note?: string;
  footer: string;
}

export interface StepFacts {
  /** `✔` and `done`. */
  symbol: string;
  word: string;
  /** The name of its looks on a page. */
  look: string;
  phase: string;
  title: string;
  started: string;
  took: string;
  attempts: string;
  detail: string;
}

/** `now` is when the report is written; open steps and runs last until then. ISO 8601. Pure. */
export function factsOf(record: RunRecord, now: string): ReportFacts {
  const { run, steps, startedBy, interventions, reconstructed } = record;
  const { view } = run;
  const end = run.closedAt ?? now;
  const result = view?.result;
  const refused = (view?.gates ?? []).filter(({ verdict }) => verdict === 'refused');
  const gates = [...refused, ...(view?.gates ?? []).filter(({ verdict }) => verdict !== 'refused')];
  return {
    title: clean(run.workflowId),
    outcome: clean(outcomeWord(run)),
    summary: clean(result?.summary ?? run.closeReason ?? 'It is not over yet.'),
    facts: [
      { name: 'Started', value: `${dateTime(run.startedAt)} UTC by ${startedBy}` },
      { name: run.closedAt === undefined ? 'Open for' : 'Took', value: took(between(run.startedAt, end)) },
      ...(view === undefined
        ? []
        : [
            { name: 'Revision', value: view.revision },
            { name: 'Name', value: view.name },
          ]),
      { name: 'Run id', value: run.runId },
    ].map(({ name, value }) => ({ name, value: clean(value) })),
    steps: steps.map((step) => stepFacts({ ...step, ...besideEnding(step, result) }, end)),
    gates: gates.map(({ name, verdict, message, whatToDo }) => ({
      name: clean(name),
      verdict: clean(verdict),
      message: clean(message),
      ...(whatToDo === undefined ? {} : { whatToDo: clean(whatToDo) }),
    })),
    warnings: (view?.warnings ?? []).map(clean),
    happenings: [
      ...(view?.decisions ?? []).map((decision) => ({
        at: decision.at,
        text: clean(decisionText(decision)),
      })),
      ...interventions.map(({ at, text }) => ({ at, text: clean(text) })),
    ].sort((a, b) => a.at.localeCompare(b.at)),
    ...(result?.failure === undefined || refused.length > 0 ? {} : { failure: failureFacts(result.failure) }),
    drift: (view?.drift ?? []).map(cleanRow),
    left: (result?.left ?? []).map(clean),
    next: (result?.next ?? []).map(({ command, purpose }) => ({ command: clean(command), purpose: clean(purpose) })),
    handOver: (result?.handOver ?? []).map(({ path, text }) => ({
      path: clean(path),
      text: text.split('\n').map(clean).join('\n'),
    })),
    ...(reconstructed ? { note: clean(reconstructedNote(run.workflowId)) } : {}),
    footer: `Written ${dateTime(now)} UTC by runbook ${VERSION}. Times are UTC.`,
  };
}

const cleanRow = ({ kind, subject, where, declared, found, whatToDo }: DriftRow): DriftRow => ({
  kind,
  ...{ subject: clean(subject), where: clean(where), declared: clean(declared) },
  ...{ found: clean(found), whatToDo: clean(whatToDo) },
});

const failureFacts = ({
  message,
  whatToDo,
}: {
  message: string;
  whatToDo: string;
}): ReportFacts['failure'] & object => ({
  message: message.split('\n').map(clean).join('\n'),
  whatToDo: clean(whatToDo),
});

/** One word, for a style sheet. */
export const lookOf = (step: Pick<StepRecord, 'phase' | 'state'>): string =>
  undoes(step) ? 'rolled-back' : step.state.replace(' ', '-');

function stepFacts(step: StepRecord, end: string): StepFacts {
  const { startedAt, endedAt, attempts, detail, lastError } = step;
  const retried = attempts > 1 && lastError !== undefined && lastError !== detail ? `after: ${lastError}` : undefined;
  return {
    symbol: symbolOf(step).symbol,
    word: stateWord(step),
    look: lookOf(step),
    phase: clean(step.phase),
    title: clean(step.title),
    started: startedAt === undefined ? '' : dateTime(startedAt),
    took: startedAt === undefined ? '' : took(between(startedAt, endedAt ?? end)),
    attempts: attempts === 0 ? '' : String(attempts),
    detail: clean([detail, retried].filter((part) => part !== undefined).join(' — ')),
  };
}
