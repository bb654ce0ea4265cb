import { Context } from '@temporalio/activity';
import { asFailure } from './failure.ts';

/** Well under the heartbeat time-out of 10 s, and how fast a cancellation is noticed. */
const BEAT_MS = 2_000;

/** What an activity last told of its progress; beaten to Temporal, and shown by `watch`. */
export interface Progress {
  /** One line. */
  progress?: string;
  bytes?: number;
  totalBytes?: number;
}

/** Sets the progress that the next heartbeat carries. */
export type Report = (progress: Progress) => void;

export interface ActivityContext {
  /** Aborted on cancel and on the worker's shutdown; commands end with it. */
  signal: AbortSignal;
  report: Report;
  /** 1, or more where an earlier attempt may have acted already. */
  attempt: number;
}

/** Makes an activity of a function: it beats by itself, sees cancellation, and fails by the table. */
export function guarded<In, Out>(
  work: (input: In, context: ActivityContext) => Promise<Out>,
): (input: In) => Promise<Out> {
  return async (input) => {
    const context = Context.current();
    let progress: Progress = {};
    const beat = (): void => {
      context.heartbeat(progress);
    };
    const timer = setInterval(beat, BEAT_MS);
    try {
      return await work(input, {
        signal: context.cancellationSignal,
        attempt: context.info.attempt,
        report: (next) => {
          progress = next;
          beat();
        },
      });
    } catch (error) {
      throw asFailure(error);
    } finally {
      clearInterval(timer);
    }
  };
}
