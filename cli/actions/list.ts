import type { CommandContext } from '../context.ts';
import type { Ending } from '../exit-codes.ts';
import { colourOf, print, printJson, widthOf } from '../io.ts';
import { renderList } from '../render/list.ts';
import { suggest } from '../../fleet/suggest.ts';
import type { Connected } from '../temporal/connect.ts';
import { listRuns, type RunFilter } from '../temporal/list-runs.ts';
import { withTemporal } from '../temporal/session.ts';

export function list(context: CommandContext, options: RunFilter & { json?: true }): Promise<Ending> {
  const { io } = context;
  return withTemporal(context, async (connected) => {
    const runs = await listRuns(connected, options);
    if (options.json === true) for (const run of runs) printJson(io, run);
    else if (runs.length === 0) print(io, [`No runs.${await meant(connected, options)}`]);
    else print(io, renderList(runs, { width: widthOf(io), colour: colourOf(io), now: io.now() }));
    return 'done';
  });
}

/** A filter that nothing passes may be mistyped. */
async function meant(connected: Connected, { runbook, subject }: RunFilter): Promise<string> {
  if (runbook === undefined && subject === undefined) return '';
  const runs = await listRuns(connected, { limit: 100 });
  const names = [
    runbook === undefined ? undefined : suggest(runbook, [...new Set(runs.map((run) => run.runbook))]),
    subject === undefined ? undefined : suggest(subject, [...new Set(runs.map((run) => run.subject))]),
  ].filter((name) => name !== undefined && name !== runbook && name !== subject);
  return names.length === 0 ? '' : ` Did you mean ${names.join(' and ')}?`;
}
