import type { CommandContext } from '../context.ts';
import { outlineOf } from '../../fleet/outline.ts';
import { readFleetText } from '../../fleet/read-text.ts';
import { CliError } from '../errors.ts';
import type { Ending } from '../exit-codes.ts';
import { findFleetFile } from '../fleet-file.ts';
import { wasWished } from '../../plan/run-metrics.ts';
import type { FleetStatus, OpenRun } from '../fleet-status.ts';
import { colourOf, print, printJson, widthOf } from '../io.ts';
import { renderStatus } from '../render/status.ts';
import { troubledSchedules } from '../fleet-schedules.ts';
import { isOpen } from '../run-state.ts';
import type { Connected } from '../temporal/connect.ts';
import { listRuns, type RunSummary } from '../temporal/list-runs.ts';
import { listPollers, present } from '../temporal/pollers.ts';
import { queryView } from '../temporal/query-view.ts';
import { withTemporal } from '../temporal/session.ts';

/** Recent runs that are looked at for failures nobody has mended. */
const RECENT = 100;
const UNWANTED = ['Failed', 'RolledBack'];

/** What the fleet file declares, what runs, and what waits for a person. */
export function status(context: CommandContext, options: { json?: true; live?: true }): Promise<Ending> {
  const { io } = context;
  return withTemporal(context, async (connected) => {
    const [fleet, schedules, runs, pollers] = await Promise.all([
      outlineFleet(context),
      troubledSchedules(connected, io.now()),
      listRuns(connected, { limit: RECENT }),
      listPollers(connected),
    ]);
    const noWorker = present(pollers, io.now()).length === 0 ? { noWorker: true as const } : {};
    const live = options.live === true && noWorker.noWorker !== true ? await seen(context, connected) : {};
    const open = await Promise.all(runs.filter((run) => isOpen(run.status)).map((run) => ask(connected, run)));
    const failed = await unwished(connected, unmended(runs));
    const state: FleetStatus = { ...fleet, ...noWorker, ...live, open, schedules, failed };
    if (options.json === true) printJson(io, state);
    else print(io, renderStatus(state, { width: widthOf(io), colour: colourOf(io), now: io.now() }));
    return options.live === true ? endingOf(state) : 'done';
  });
}

async function seen(context: CommandContext, connected: Connected): Promise<Pick<FleetStatus, 'live'>> {
  const { lookNow } = await import('./live.ts');
  return { live: await lookNow(context, connected) };
}

/** Whether members and guests were seen; how they are is for the text. */
function endingOf({ live }: FleetStatus): Ending {
  if (live === undefined) return 'no worker';
  return live.problem === undefined ? 'done' : 'failed';
}

/** Runs are also worth seeing from outside a monorepo, and beside a fleet file that has mistakes. */
async function outlineFleet(context: CommandContext): Promise<Pick<FleetStatus, 'fleet' | 'brokenFleetFile'>> {
  try {
    const file = await readFleetText(await findFleetFile(context));
    const fleet = file.type === 'text' ? outlineOf(file.text) : undefined;
    return fleet === undefined ? { brokenFleetFile: true } : { fleet };
  } catch (error) {
    if (error instanceof CliError && context.repo === undefined) return {};
    throw error;
  }
}

async function ask(connected: Connected, run: RunSummary): Promise<OpenRun> {
  const view = await queryView(connected, run);
  return {
    ...run,
    paused: view?.paused === true,
    ...(view?.approval === undefined ? {} : { approval: view.approval }),
    waitingFor: view?.waitingFor ?? [],
    silent: view === undefined,
  };
}

/** The latest run of each id, where what was asked for could not be had: later ones have made up for it. */
function unmended(runs: readonly RunSummary[]): RunSummary[] {
  const latest = new Map<string, RunSummary>();
  for (const run of runs) {
    const known = latest.get(run.workflowId);
    if (known === undefined || known.startedAt < run.startedAt) latest.set(run.workflowId, run);
  }
  return [...latest.values()].filter(
    ({ status, outcome = '' }) => UNWANTED.includes(outcome) || status === 'Terminated' || status === 'TimedOut',
  );
}

/** Those that no person wanted to end so. Only for these is the SDK's client loaded, which takes its time. */
async function unwished(connected: Connected, runs: readonly RunSummary[]): Promise<RunSummary[]> {
  if (runs.length === 0) return [];
  const { readEnd } = await import('../temporal/read-run.ts');
  const views = await Promise.all(runs.map(async (run) => (await readEnd(connected, run)).view));
  return runs.filter((_run, at) => {
    const view = views[at];
    return view === undefined || !wasWished(view);
  });
}
