import { ApplicationFailure } from '@temporalio/workflow';
import type { RunResult, RunView } from '../../plan/run.ts';
import { FAILED_FAILURE, ROLLED_BACK_FAILURE } from '../messages.ts';
import { endingSentence } from '../../plan/details.ts';
import { describeFailure } from './failures.ts';
import type { Run } from './run.ts';

/**
 * Ends a run. `work` reports what it changed through its result; what it throws happened before any change.
 * `Done` and `AlreadySo` are the workflow's result; `RolledBack` and `Failed` fail it with the view as detail.
 */
export async function conclude(
  run: Run,
  work: () => Promise<RunResult>,
  options: { planOnly: boolean } = { planOnly: false },
): Promise<RunView> {
  const view = run.finish(await resultOf(options.planOnly ? () => foreseen(run, work) : work), options);
  const result = view.result as RunResult;
  switch (result.outcome) {
    case 'Done':
    case 'AlreadySo':
      return view;
    case 'RolledBack':
      throw ending(ROLLED_BACK_FAILURE, result, view);
    case 'Failed':
      throw ending(FAILED_FAILURE, result, view);
  }
}

/** A decision, not a fault: where in the code it was taken would only hide what it says. */
function ending(type: string, result: RunResult, view: RunView): ApplicationFailure {
  const failure = ApplicationFailure.nonRetryable(endingSentence(result), type, view);
  failure.stack = '';
  return failure;
}

async function resultOf(work: () => Promise<RunResult>): Promise<RunResult> {
  try {
    return await work();
  } catch (error) {
    return unchanged(error);
  }
}

/** A plan, with who would have to say yes. */
async function foreseen(run: Run, work: () => Promise<RunResult>): Promise<RunResult> {
  const result = await work();
  if (result.outcome === 'Done') await run.foresee();
  return result;
}

/** The end of a run that had not changed anything when this was thrown: a mistake, or a person's no. */
export function unchanged(error: unknown, left: string[] = []): RunResult {
  const failure = describeFailure(error);
  // A message of several lines, as the mistakes of a fleet file, stays what it is and is told once.
  const fact = failure.message.includes('\n') ? '' : `${failure.message} `;
  return { outcome: 'Failed', summary: `${fact}Nothing was changed.`, unchanged: true, failure, left, next: [] };
}
