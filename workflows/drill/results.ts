import { isCancellation } from '@temporalio/workflow';
import type { DrillPlan } from '../../plan/restore-drill.ts';
import type { CopyView, RunResult, RunView } from '../../plan/run.ts';
import { asSentence } from '../../plan/sentence.ts';
import type { RestoreDrillInput } from '../messages.ts';
import { describeFailure } from '../support/failures.ts';

const commandOf = ({ backup }: RestoreDrillInput): string =>
  `runbook start restore-drill${backup === undefined ? '' : ` --backup ${backup}`}`;

const copies = (number: number): string => (number === 1 ? '1 copy' : `${number} copies`);

const laterWords = (later: number): string =>
  later === 0 ? '' : ` ${copies(later)} ${later === 1 ? 'has its' : 'have their'} turn in the next.`;

export const planned = (input: RestoreDrillInput, { later }: DrillPlan): RunResult => ({
  ...{ outcome: 'Done', summary: `Nothing was changed.${laterWords(later)}`, left: [] },
  next: [{ command: commandOf(input), purpose: 'do it' }],
});

const lineOf = ({ volume, place, problem }: CopyView): string =>
  `${volume} at ${place} is not proven: ${asSentence(problem?.message ?? 'it did not come to its end')}`;

const of = ({ copies: all = [] }: RunView, outcome: CopyView['outcome']): CopyView[] =>
  all.filter((copy) => copy.outcome === outcome);

/** As bad as the worst of those that were restored. */
export function drilled(view: RunView, input: RestoreDrillInput, { later }: DrillPlan): RunResult {
  const [proven, failed] = [of(view, 'proven'), of(view, 'failed')];
  const [worst] = failed;
  if (worst === undefined)
    return {
      outcome: 'Done',
      summary: `${copies(proven.length)} proven: restored, compared, and removed again.${laterWords(later)}`,
      left: [],
      next: [{ command: 'runbook backups', purpose: 'how all copies are' }],
    };
  const { type = 'Unexpected', message = '', whatToDo = '' } = worst.problem ?? {};
  return {
    outcome: 'Failed',
    summary: `${proven.length} of ${copies(proven.length + failed.length)} proven. Not proven: ${failed.map(({ volume, place }) => `${volume} at ${place}`).join('; ')}.`,
    failure: { type, message, whatToDo },
    left: failed.map(lineOf),
    next: [{ command: commandOf(input), purpose: 'try again when it is mended' }],
  };
}

export function stopped(view: RunView, error: unknown): RunResult {
  if (!isCancellation(error)) throw error;
  return {
    ...{ outcome: 'Failed', failure: describeFailure(error), next: [] },
    summary: `It was cancelled with ${copies(of(view, 'proven').length)} proven. What was restored of another is removed again.`,
    left: of(view, 'failed').map(lineOf),
  };
}
