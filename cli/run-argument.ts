import { CliError } from './errors.ts';
import { clean } from './render/clean.ts';

/** What commands take to name a run. */
export interface RunOptions {
  runId?: string;
  json?: true;
}

/** Temporal's own limit for ids. */
const MAX_BYTES = 1000;

/** The run that was typed. Throws CliError `wrong usage` where it cannot be one. */
export function parseRun(typed: string, { runId }: RunOptions): { workflowId: string; runId?: string } {
  if (typed === '' || clean(typed) !== typed || Buffer.byteLength(typed) > MAX_BYTES)
    throw new CliError(
      'wrong usage',
      `Expected a run like safe-upgrade/elitedesk-1, got "${clean(typed).slice(0, 80)}".`,
      {
        description: ['A run is named <runbook>/<node>: one line of printable characters, at most 1000 bytes.'],
        suggestions: [{ command: 'runbook list', purpose: 'see the runs' }],
      },
    );
  return { workflowId: typed, ...(runId === undefined ? {} : { runId }) };
}
