import { aboutRun } from '../../plan/about-run.ts';
import type { UpgradeResume } from '../../plan/run.ts';
import type { CommandContext } from '../context.ts';
import { CliError } from '../errors.ts';
import type { Ending } from '../exit-codes.ts';
import { clean } from '../render/clean.ts';
import { age } from '../render/units.ts';
import { parseRun, type RunOptions } from '../run-argument.ts';
import { endingOf, type PendingActivity, type RunState } from '../run-state.ts';
import { readHistory } from '../temporal/history.ts';
import { actorOf } from '../temporal/identity.ts';
import { runReader } from '../temporal/read-run.ts';
import { withTemporal } from '../temporal/session.ts';
import { startAndWatch, type StartOptions } from './start.ts';

/**
 * Starts a run that did not get there again: the same workflow with the same input under the same id. What was done
 * already is found done and left so. Throws CliError `already running` where the run is open, saying what it waits for.
 */
export function retry(context: CommandContext, typed: string, options: RunOptions & StartOptions): Promise<Ending> {
  const ref = parseRun(typed, options);
  return withTemporal(context, async (connected) => {
    const run = await runReader(connected, ref)();
    if (run.closedAt === undefined) throw stillOpen(run, context.io.now());
    const ending = endingOf(run);
    if (ending === 'done' || ending === 'already so')
      throw new CliError('already so', `${run.workflowId} is done: there is nothing to try again.`, {
        suggestions: [{ command: `runbook show ${run.workflowId}`, purpose: 'see what it did' }],
      });
    const actor = actorOf(context.io.env);
    const { input, workflowType } = await readHistory(connected, {
      workflowId: run.workflowId,
      runId: run.runId,
    });
    const start = {
      workflowType,
      workflowId: run.workflowId,
      args: input.map((each) => goOn(each, actor, run.view?.resume)),
      summary: `${run.workflowId.replace('/', ' of ')}, again`,
      details: aboutRun(run.workflowId, `Started again by ${actor} with the input of run \`${run.runId}\`.`),
    };
    return startAndWatch(context, connected, start, options);
  });
}

/** The same input, from whoever tries again, and with what the run before had begun and not ended. */
function goOn(input: unknown, actor: string, resume: UpgradeResume | undefined): unknown {
  if (typeof input !== 'object' || input === null) return input;
  // What an earlier attempt went on from is over: undefined is left out of the payload.
  return { ...input, actor, resume };
}

function stillOpen(run: RunState, now: number): CliError {
  const waiting = run.pending.filter(({ state }) => state === 'backing off');
  return new CliError('already running', `${run.workflowId} is still running.`, {
    description: waiting.map((activity) => waitsFor(activity, now)),
    suggestions: [
      { command: `runbook watch ${run.workflowId}`, purpose: 'follow it' },
      { command: `runbook cancel ${run.workflowId}`, purpose: 'end it, with its rollback' },
    ],
  });
}

function waitsFor({ activityId, attempt, lastError, nextAttemptAt }: PendingActivity, now: number): string {
  const wait = nextAttemptAt === undefined ? 0 : Math.max(0, Date.parse(nextAttemptAt) - now);
  return `It tries again by itself: attempt ${attempt} of ${clean(activityId)} in ${age(wait + 999)}, after: ${clean(lastError ?? 'unknown')}`;
}
