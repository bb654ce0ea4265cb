import { setTimeout as delay } from 'node:timers/promises';
import { createLogUpdate } from 'log-update';
import { planWorkflowId } from '../../workflows/messages.ts';
import type { CommandContext } from '../context.ts';
import { CliError } from '../errors.ts';
import type { Ending } from '../exit-codes.ts';
import { colourOf, print, printJson, widthOf, type Io } from '../io.ts';
import { renderPlan } from '../render/plan.ts';
import { renderWatch } from '../render/run.ts';
import { between } from '../render/units.ts';
import type { RunState } from '../run-state.ts';
import { clientOf } from '../temporal/client.ts';
import type { Connected } from '../temporal/connect.ts';
import { listRuns } from '../temporal/list-runs.ts';
import { observe } from '../temporal/observe.ts';
import { listPollers, requireWorker } from '../temporal/pollers.ts';
import { runReader } from '../temporal/read-run.ts';
import { withTemporal } from '../temporal/session.ts';
import { startWorkflow } from '../temporal/start-workflow.ts';
import {
  prepareClusterBootstrap,
  prepareClusterUpgrade,
  prepareIdentityBackup,
  prepareInfraApply,
  prepareMemberRemove,
  prepareNightlyBackup,
  prepareNodeReinstall,
  prepareNodeRejoin,
  prepareQuorumRecover,
  prepareRestoreDrill,
  prepareRotateKeys,
  prepareSafeUpgrade,
  prepareVmRecreate,
  type SafeUpgradeOptions,
  type Start,
  type VmRecreateOptions,
} from './prepare.ts';
import { prepareRestore, type RestoreOptions } from './prepare-restore.ts';

export async function planSafeUpgrade(
  context: CommandContext,
  options: SafeUpgradeOptions & { json?: true },
): Promise<Ending> {
  return makePlan(context, await prepareSafeUpgrade(context, options, true), options.json === true);
}

export async function planTheClusterUpgrade(context: CommandContext, options: { json?: true }): Promise<Ending> {
  return makePlan(context, await prepareClusterUpgrade(context, true), options.json === true);
}

export async function planTheClusterBootstrap(context: CommandContext, options: { json?: true }): Promise<Ending> {
  return makePlan(context, await prepareClusterBootstrap(context, true), options.json === true);
}

export async function planTheMemberRemove(
  context: CommandContext,
  options: { node: string; json?: true },
): Promise<Ending> {
  return makePlan(context, await prepareMemberRemove(context, options, true), options.json === true);
}

export async function planNodeRejoin(context: CommandContext, options: { node: string; json?: true }): Promise<Ending> {
  return makePlan(context, await prepareNodeRejoin(context, options, true), options.json === true);
}

export async function planQuorumRecover(
  context: CommandContext,
  options: { node: string; json?: true },
): Promise<Ending> {
  return makePlan(context, await prepareQuorumRecover(context, options, true), options.json === true);
}

export async function planRotateKeys(
  context: CommandContext,
  options: { guest: string; json?: true },
): Promise<Ending> {
  return makePlan(context, await prepareRotateKeys(context, options, true), options.json === true);
}

export async function planVmRecreate(
  context: CommandContext,
  options: VmRecreateOptions & { json?: true },
): Promise<Ending> {
  return makePlan(context, await prepareVmRecreate(context, options, true), options.json === true);
}

export async function planTheIdentityBackup(
  context: CommandContext,
  options: { node?: string; json?: true },
): Promise<Ending> {
  return makePlan(context, await prepareIdentityBackup(context, options, true), options.json === true);
}

export async function planTheNightlyBackup(
  context: CommandContext,
  options: { backup?: string; json?: true },
): Promise<Ending> {
  return makePlan(context, await prepareNightlyBackup(context, options, true), options.json === true);
}

export async function planRestoreDrill(
  context: CommandContext,
  options: { backup?: string; json?: true },
): Promise<Ending> {
  return makePlan(context, await prepareRestoreDrill(context, options, true), options.json === true);
}

export async function planTheRestore(
  context: CommandContext,
  options: RestoreOptions & { json?: true },
): Promise<Ending> {
  return makePlan(context, await prepareRestore(context, options, true), options.json === true);
}

export async function planInfraApply(
  context: CommandContext,
  options: { node?: string; all?: true; json?: true },
): Promise<Ending> {
  return makePlan(context, await prepareInfraApply(context, options, true), options.json === true);
}

export async function planNodeReinstall(
  context: CommandContext,
  options: { node: string; json?: true },
): Promise<Ending> {
  return makePlan(context, await prepareNodeReinstall(context, options, true), options.json === true);
}

/** Has a worker look and plan, and prints what came of it. Nothing is changed; Ctrl-C gives it up. */
function makePlan(context: CommandContext, start: Start, json: boolean): Promise<Ending> {
  const { io } = context;
  return withTemporal(context, async (connected) => {
    await requireWorker(connected, 'Not planned', io.now());
    const nonce = crypto.randomUUID().slice(0, 8);
    const workflowId = planWorkflowId(start.runbook, start.subject, nonce);
    const runId = await startWorkflow(connected, {
      workflowType: start.workflowType,
      workflowId,
      args: [start.input],
      summary: `Plan of ${start.runbook} of ${start.subject}`,
      details: `Revision ${start.revision}, asked for by ${start.input.actor}. Changes nothing.`,
    });
    const run = await follow(io, connected, { workflowId, runId });
    if (run === undefined) {
      await clientOf(connected).workflow.getHandle(workflowId, runId).cancel();
      throw new CliError('interrupted', 'Given up. Nothing was changed.');
    }
    return conclude(io, run, { json, branch: start.branch, lastTookMs: await lastTook(connected, start) });
  });
}

/** How long such a run took when it last did what it was to do: the best guess at the next. */
async function lastTook(connected: Connected, { runbook, subject }: Start): Promise<number | undefined> {
  const [last] = await listRuns(connected, { runbook, subject, outcome: 'Done', limit: 1 });
  return last?.closedAt === undefined ? undefined : between(last.startedAt, last.closedAt);
}

/** Shows on a terminal what is being looked at. Undefined if the person left. */
async function follow(
  io: Io,
  connected: Connected,
  ref: { workflowId: string; runId: string },
): Promise<RunState | undefined> {
  const leave = new AbortController();
  const stopListening = io.onInterrupt(() => {
    leave.abort();
  });
  const live = io.stderr.isTTY === true ? createLogUpdate(io.stderr) : undefined;
  let last: RunState | undefined;
  try {
    for await (const state of observe({
      read: runReader(connected, ref),
      pollers: () => listPollers(connected),
      signal: leave.signal,
      now: io.now,
      pause: (ms) => delay(ms, undefined, { signal: leave.signal }).catch(() => undefined),
      intervalMs: 200,
    })) {
      last = state.run;
      live?.(renderWatch(state, shown(io, io.stderr)).join('\n'));
    }
  } finally {
    stopListening();
    live?.clear();
    live?.done();
  }
  return leave.signal.aborted ? undefined : last;
}

const shown = (io: Io, output: Io['stdout']): { width: number; colour: boolean; now: number } => ({
  width: widthOf(io, output),
  colour: colourOf(io, output),
  now: io.now(),
});

function conclude(
  io: Io,
  { view, closeReason }: RunState,
  { json, ...about }: { json: boolean; branch: string | undefined; lastTookMs: number | undefined },
): Ending {
  if (view?.result === undefined) throw new CliError('failed', `No plan was made: ${closeReason ?? 'unknown reason'}.`);
  if (json) printJson(io, view);
  else print(io, renderPlan(view, about, shown(io, io.stdout)));
  const { outcome } = view.result;
  return outcome === 'Done' || outcome === 'AlreadySo' ? 'done' : 'failed';
}
