import type { RunView } from './run.ts';

/** Enough of a check to render it: a workflow of another version must not crash who reads it. */
export function isRunView(value: unknown): value is RunView {
  if (typeof value !== 'object' || value === null) return false;
  const view = value as Partial<Record<keyof RunView, unknown>>;
  return (
    typeof view.runbook === 'string' &&
    typeof view.phase === 'string' &&
    typeof view.revision === 'string' &&
    [view.steps, view.decisions, view.waitingFor, view.warnings].every(Array.isArray)
  );
}
