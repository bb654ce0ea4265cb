import { isCancellation } from '@temporalio/workflow';
import { isResolvable, resolveCommand } from '../../plan/replica-resolve.ts';
import type { CopyView, RunResult, RunView } from '../../plan/run.ts';
import { asSentence } from '../../plan/sentence.ts';
import type { NightlyBackupInput } from '../messages.ts';
import { describeFailure } from '../support/failures.ts';

const commandOf = ({ backup }: NightlyBackupInput): string =>
  `runbook start nightly-backup${backup === undefined ? '' : ` --backup ${backup}`}`;

export const planned = (input: NightlyBackupInput): RunResult => ({
  ...{ outcome: 'Done', summary: 'Nothing was changed.', left: [] },
  next: [{ command: commandOf(input), purpose: 'do it' }],
});

const lineOf = ({ volume, place, problem }: CopyView): string =>
  `No copy of ${volume} at ${place}: ${asSentence(problem?.message ?? 'it did not come to its end')}`;

const copies = (number: number): string => (number === 1 ? '1 copy' : `${number} copies`);

/** As bad as its worst copy. */
export function backedUp({ copies: all = [] }: RunView, input: NightlyBackupInput): RunResult {
  const failed = all.filter(({ outcome }) => outcome === 'failed');
  const made = all.length - failed.length;
  const [worst] = failed;
  if (worst === undefined)
    return {
      outcome: 'Done',
      summary: `${copies(made)}, seen where they are.`,
      left: [],
      next: [],
    };
  const { type = 'Unexpected', message = '', whatToDo = '' } = worst.problem ?? {};
  return {
    outcome: 'Failed',
    summary: `${made} of ${copies(all.length)} made. Missing: ${failed.map(({ volume, place }) => `${volume} at ${place}`).join('; ')}.`,
    failure: { type, message, whatToDo },
    left: failed.map(lineOf),
    next: [...failed.flatMap(resolveIt), { command: commandOf(input), purpose: 'try again when it is mended' }],
  };
}

/** Where the replica is in the way, and a person has to say what becomes of it. */
function resolveIt({ volume, place, problem }: CopyView): RunResult['next'] {
  if (problem === undefined || !isResolvable(problem)) return [];
  return [{ command: resolveCommand({ volume, place }), purpose: 'say what becomes of that replica' }];
}

export function stopped({ copies: all = [] }: RunView, error: unknown): RunResult {
  if (!isCancellation(error)) throw error;
  const made = all.filter(({ outcome }) => outcome !== 'failed').length;
  return {
    ...{ outcome: 'Failed', failure: describeFailure(error), next: [] },
    summary: `It was cancelled with ${copies(made)} made. What arrived of others stays, and the next run goes on from there.`,
    left: all.filter(({ outcome }) => outcome === 'failed').map(lineOf),
  };
}
