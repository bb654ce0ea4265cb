import type { CommandContext } from '../context.ts';
import { CliError } from '../errors.ts';
import type { Ending } from '../exit-codes.ts';
import { colourOf, print, printJson, widthOf } from '../io.ts';
import { renderDrift, type DriftView } from '../render/drift.ts';
import { endingOf, isOpen } from '../run-state.ts';
import type { Connected } from '../temporal/connect.ts';
import { listRuns } from '../temporal/list-runs.ts';
import { runReader } from '../temporal/read-run.ts';
import { withTemporal } from '../temporal/session.ts';

/** So far back a look is searched for that came to its end. */
const RECENT = 20;

/** What the newest look has found. Asks no host: looking takes minutes, and a schedule does it. */
export function showDrift(context: CommandContext, { node, json }: { node?: string; json?: true }): Promise<Ending> {
  const { io } = context;
  return withTemporal(context, async (connected) => {
    const { view, ending } = await newest(connected, node);
    if (json === true) printJson(io, view);
    else print(io, renderDrift(view, { width: widthOf(io), colour: colourOf(io), now: io.now() }));
    return ending;
  });
}

async function newest(connected: Connected, node = 'all'): Promise<{ view: DriftView; ending: Ending }> {
  const runs = await listRuns(connected, { runbook: 'drift', subject: node, limit: RECENT });
  const underWay = runs.some(({ status }) => isOpen(status));
  for (const { workflowId, runId } of runs.filter(({ status }) => !isOpen(status))) {
    const run = await runReader(connected, { workflowId, runId })();
    const { result, drift, revision } = run.view ?? {};
    // One that was cancelled, or ended otherwise before it had looked, tells nothing.
    if (result === undefined || drift === undefined || revision === undefined) continue;
    const { outcome, summary } = result;
    const at = run.closedAt ?? run.startedAt;
    return {
      view: { workflowId, runId, at, revision, result: { outcome, summary }, rows: drift, underWay },
      ending: endingOf(run),
    };
  }
  throw notYet(node, underWay);
}

const notYet = (node: string, underWay: boolean): CliError =>
  new CliError('failed', `Nobody has looked yet${node === 'all' ? '' : ` at ${node} alone`}.`, {
    suggestions: [
      underWay
        ? { command: `runbook watch drift/${node}`, purpose: 'it is being looked at now' }
        : {
            command: `runbook start drift${node === 'all' ? '' : ` --node ${node}`}`,
            purpose: 'look now; a schedule with runbook: drift does it by itself',
          },
    ],
  });
