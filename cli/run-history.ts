import type { Phase, StepState, StepView } from '../plan/run.ts';
import { belongsTo, type RunState } from './run-state.ts';

/** One activity of a history. */
export interface ActivityTrace {
  activityId: string;
  activityType: string;
  /** `deploy: host 26.05.1 → 26.05.3`, as the Web UI shows it. */
  summary?: string;
  scheduledAt: string;
  startedAt?: string;
  endedAt?: string;
  attempts: number;
  state: 'open' | 'done' | 'failed' | 'cancelled';
  lastError?: string;
}

/** What an execution's history tells without any worker. */
export interface RunHistory {
  startedBy: string;
  workflowType: string;
  taskQueue: string;
  input: unknown[];
  activities: ActivityTrace[];
  /** What was done to the run from outside. */
  interventions: { at: string; text: string }[];
}

/** A step with what its history adds. */
export interface StepRecord extends StepView {
  /** The most attempts that one of its activities took; 0 where none was begun. */
  attempts: number;
  /** Of the last attempt that failed, also where a later one succeeded. */
  lastError?: string;
}

/** A run as `show` and `report` tell it. Its JSON is documented in docs/cli.md. */
export interface RunRecord {
  run: RunState;
  startedBy: string;
  steps: StepRecord[];
  interventions: RunHistory['interventions'];
  /** The run itself could not be asked: the steps are those of its history. */
  reconstructed: boolean;
}

/** Joins what the run says with what its history says. Pure. */
export function recordOf(run: RunState, history: RunHistory): RunRecord {
  const steps = run.view?.steps.map((step) => cutShort(step, run)) ?? reconstructSteps(history, run);
  return {
    run,
    startedBy: starterOf(history),
    steps: steps.map((step) => withAttempts(step, run, history)),
    interventions: history.interventions,
    reconstructed: run.view === undefined,
  };
}

/** A run that another run started has no client behind it: who started that one is in its input. */
function starterOf({ startedBy, input: [first] }: RunHistory): string {
  if (startedBy !== '') return startedBy;
  const { actor } = (typeof first === 'object' && first !== null ? first : {}) as { actor?: unknown };
  return typeof actor === 'string' && actor !== '' ? actor : 'another run';
}

/** What was under way when a run was ended from outside will not end by itself. */
function cutShort(step: StepView, { closedAt }: RunState): StepView {
  if (closedAt === undefined || (step.state !== 'running' && step.state !== 'waiting')) return step;
  return { ...step, state: 'failed', detail: 'under way when the run was ended', endedAt: closedAt };
}

function withAttempts(step: StepView, run: RunState, history: RunHistory): StepRecord {
  const traces = history.activities.filter(({ activityId }) => belongsTo(step, activityId));
  const pending = run.pending.filter(({ activityId }) => belongsTo(step, activityId));
  const lastError = [...traces, ...pending].map((each) => each.lastError).findLast((error) => error !== undefined);
  return {
    ...step,
    attempts: Math.max(0, ...traces.map(({ attempts }) => attempts), ...pending.map(({ attempt }) => attempt)),
    ...(lastError === undefined ? {} : { lastError }),
  };
}

/** Steps from activities: those whose ids begin alike are one step; summaries are `<phase>: <title>`. */
function reconstructSteps(history: RunHistory, run: RunState): StepView[] {
  const ids = new Set(history.activities.map(({ activityId }) => activityId.split('/')[0] ?? activityId));
  return [...ids].map((id) =>
    reconstructStep(
      id,
      history.activities.filter(({ activityId }) => belongsTo({ id }, activityId)),
      run,
    ),
  );
}

function reconstructStep(id: string, activities: readonly ActivityTrace[], run: RunState): StepView {
  const last = activities.at(-1);
  const [, phase = '', title = id] = /^([a-z ]+): (.*)$/s.exec(activities[0]?.summary ?? '') ?? [];
  const endedAt = last?.endedAt ?? run.closedAt;
  return {
    id,
    // The phases of workflows that are older or newer than this program are shown as they are.
    phase: phase as Phase,
    title,
    state: reconstructState(last, run),
    ...(last?.lastError === undefined ? {} : { detail: last.lastError }),
    startedAt: activities[0]?.startedAt ?? activities[0]?.scheduledAt ?? run.startedAt,
    ...(endedAt === undefined ? {} : { endedAt }),
  };
}

function reconstructState(last: ActivityTrace | undefined, run: RunState): StepState {
  switch (last?.state) {
    case 'done':
      return 'done';
    case 'open':
      return run.closedAt === undefined ? 'running' : 'failed';
    case 'failed':
    case 'cancelled':
    case undefined:
      return 'failed';
  }
}
