import type { CommandContext } from '../context.ts';
import { latestOfEach } from '../../plan/latest-runs.ts';
import { notMadeUpFor, wasWished } from '../../plan/run-metrics.ts';
import type { AppliedSchedule } from '../../plan/schedules.ts';
import { outlineOf } from '../../fleet/outline.ts';
import { readFleetText } from '../../fleet/read-text.ts';
import { CliError } from '../errors.ts';
import { findFleetFile } from '../fleet-file.ts';
import { COPY_RUNBOOKS, copiesOfRuns, type CopiesSeen, type CopiesTold } from '../fleet-copies.ts';
import { allSchedules } from '../fleet-schedules.ts';
import type { DriftSeen, FleetStatus, NextTime, OpenRun } from '../fleet-status.ts';
import { isOpen } from '../run-state.ts';
import { allOf } from '../temporal/all-of.ts';
import type { Connected } from '../temporal/connect.ts';
import { listRuns, type RunSummary } from '../temporal/list-runs.ts';
import { listPollers, present } from '../temporal/pollers.ts';
import { queryView } from '../temporal/query-view.ts';
import { readViews } from '../temporal/read-view.ts';

/** Recent runs that are looked at for failures nobody has mended. */
const RECENT = 100;
/** Of each kind of run, the newest that are read: a drill proves some copies at a time. */
const MOST_READ = 10;
const UNWANTED = ['Failed', 'RolledBack'];

/** What the fleet file declares, what runs, what waits for a person; and of copies and drift what the newest runs told. */
export async function fleetNow(
  context: CommandContext,
  connected: Connected,
  { live = false }: { live?: boolean },
): Promise<FleetStatus> {
  const { io } = context;
  const [fleet, schedules, runs, pollers] = await allOf([
    outlineFleet(context),
    allSchedules(connected, io.now()),
    listRuns(connected, { limit: RECENT }),
    listPollers(connected),
  ]);
  const noWorker = present(pollers, io.now()).length === 0;
  const [open, failed, told, seen] = await allOf([
    allOf(runs.filter((run) => isOpen(run.status)).map((run) => ask(connected, run))),
    unwished(connected, unmended(runs)),
    toldBy(connected, runs),
    live && !noWorker ? look(context, connected) : NOT_LOOKED,
  ]);
  return {
    ...fleet,
    ...(noWorker ? { noWorker } : {}),
    ...{ open, failed, schedules: schedules.flatMap(({ trouble }) => trouble ?? []) },
    ...(seen.live === undefined ? {} : { live: seen.live }),
    ...(told.drift === undefined ? {} : { drift: told.drift }),
    ...copiesOf(told.copies, seen.copies),
    next: nextTimes(schedules),
  };
}

type Told = Pick<FleetStatus, 'copies' | 'drift'>;
type Seen = Pick<FleetStatus, 'live' | 'copies'>;
const NOT_LOOKED: Seen = {};

async function look(context: CommandContext, connected: Connected): Promise<Seen> {
  const { lookAtCopies, lookNow } = await import('./live.ts');
  const [live, copies] = await allOf([lookNow(context, connected), lookAtCopies(context, connected)]);
  return { live, copies };
}

/** Where the look came to nothing, what runs told is better than nothing. */
function copiesOf(told: CopiesSeen | undefined, seen: CopiesSeen | undefined): Pick<FleetStatus, 'copies'> {
  // Of a fleet that declares none, there is nothing to say.
  if (seen === undefined || (seen.problem === undefined && seen.copies.length === 0))
    return told === undefined ? {} : { copies: told };
  return { copies: seen.problem === undefined || told === undefined ? seen : { ...told, problem: seen.problem } };
}

async function toldBy(connected: Connected, runs: readonly RunSummary[]): Promise<Told> {
  const closed = runs.filter(({ status }) => !isOpen(status));
  const newest = (runbook: string): RunSummary[] => closed.filter((run) => run.runbook === runbook).slice(0, MOST_READ);
  const [copies, drift] = await allOf([
    toldOf(connected, COPY_RUNBOOKS.flatMap(newest)),
    newestDrift(
      connected,
      newest('drift').filter(({ subject }) => subject === 'all'),
    ),
  ]);
  const made = copiesOfRuns(copies);
  return {
    ...(made.length === 0 ? {} : { copies: { from: 'runs' as const, copies: made } }),
    ...(drift === undefined ? {} : { drift }),
  };
}

/** What each of these closed runs said of copies, where it said anything. */
export async function toldOf(connected: Connected, runs: readonly RunSummary[]): Promise<CopiesTold[]> {
  const views = await readViews(connected, runs);
  return runs.flatMap(({ workflowId, runbook, closedAt, startedAt }, at) => {
    const copies = views[at]?.copies;
    return copies === undefined ? [] : [{ workflowId, runbook, at: closedAt ?? startedAt, copies }];
  });
}

async function newestDrift(connected: Connected, runs: readonly RunSummary[]): Promise<DriftSeen | undefined> {
  const views = await readViews(connected, runs);
  // One that was cancelled, or ended otherwise before it had looked, tells nothing.
  for (const [at, { workflowId, closedAt, startedAt }] of runs.entries()) {
    const { result, drift } = views[at] ?? {};
    if (result === undefined || drift === undefined) continue;
    return { workflowId, at: closedAt ?? startedAt, summary: result.summary, rows: drift.length };
  }
  return undefined;
}

const nextTimes = (schedules: readonly AppliedSchedule[]): NextTime[] =>
  schedules
    .map(({ name, texts, calendar, paused, nextAt: [at] }) => ({
      ...{ name, runs: texts.runs, timeZone: calendar?.timeZone ?? 'UTC', paused },
      ...(at === undefined ? {} : { at }),
    }))
    .sort((a, b) => (a.at ?? '9').localeCompare(b.at ?? '9') || a.name.localeCompare(b.name));

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
  return notMadeUpFor(latestOfEach(runs)).filter(
    ({ status, outcome = '' }) => UNWANTED.includes(outcome) || status === 'Terminated' || status === 'TimedOut',
  );
}

/** Those that no person wanted to end so. */
async function unwished(connected: Connected, runs: readonly RunSummary[]): Promise<RunSummary[]> {
  const views = await readViews(connected, runs);
  return runs.filter((_run, at) => {
    const view = views[at];
    return view === undefined || !wasWished(view);
  });
}
