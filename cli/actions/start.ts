import { aboutRun } from '../../plan/about-run.ts';
import { workflowId } from '../../workflows/messages.ts';
import type { CommandContext } from '../context.ts';
import { confirm } from '../confirm.ts';
import type { Ending } from '../exit-codes.ts';
import { print, printJson, widthOf } from '../io.ts';
import { clean } from '../render/clean.ts';
import { wrap } from '../render/text.ts';
import type { Connected } from '../temporal/connect.ts';
import { requireWorker } from '../temporal/pollers.ts';
import { withTemporal } from '../temporal/session.ts';
import { startWorkflow, type WorkflowStart } from '../temporal/start-workflow.ts';
import { runAddress } from '../temporal/web-ui.ts';
import {
  prepareBackupsResolve,
  prepareClusterBootstrap,
  prepareClusterUpgrade,
  prepareDrift,
  prepareIdentityBackup,
  prepareInfraApply,
  prepareMemberRemove,
  prepareNightlyBackup,
  prepareNodeReinstall,
  prepareNodeRejoin,
  prepareQuorumRecover,
  prepareReleaseKept,
  prepareRestoreDrill,
  prepareRotateKeys,
  prepareVmRecreate,
  prepareSafeUpgrade,
  type ResolveOptions,
  type SafeUpgradeOptions,
  type Start,
  type VmRecreateOptions,
} from './prepare.ts';
import { prepareRestore, type RestoreOptions } from './prepare-restore.ts';
import { watchRun } from './watch.ts';

export interface StartOptions {
  detach?: true;
  json?: true;
}

export async function startSafeUpgrade(
  context: CommandContext,
  options: StartOptions & SafeUpgradeOptions & { yes?: true },
): Promise<Ending> {
  const start = await prepareSafeUpgrade(context, options, false);
  if (options.all === true && options.yes !== true)
    await confirm(context.io, 'Upgrade every member, one at a time?', 'Not started.');
  return startOn(context, workflowOf(start), options);
}

export async function startClusterUpgrade(context: CommandContext, options: StartOptions): Promise<Ending> {
  const start = await prepareClusterUpgrade(context, false);
  return startOn(context, workflowOf(start), options);
}

export async function startClusterBootstrap(context: CommandContext, options: StartOptions): Promise<Ending> {
  const start = await prepareClusterBootstrap(context, false);
  return startOn(context, workflowOf(start), options);
}

export async function startMemberRemove(
  context: CommandContext,
  options: StartOptions & { node: string },
): Promise<Ending> {
  const start = await prepareMemberRemove(context, options, false);
  return startOn(context, workflowOf(start), options);
}

export async function releaseKept(
  context: CommandContext,
  name: string,
  options: StartOptions & { node: string },
): Promise<Ending> {
  const start = await prepareReleaseKept(context, name, options);
  const workflow = { ...workflowOf(start), summary: `Destroys ${name} on ${options.node}, once it is approved` };
  return startOn(context, workflow, options);
}

export async function resolveReplica(context: CommandContext, options: StartOptions & ResolveOptions): Promise<Ending> {
  const start = await prepareBackupsResolve(context, options);
  const what = options.rollBack === true ? 'Rolls the replica' : 'Keeps the replica';
  const end = options.rollBack === true ? 'back' : 'aside';
  const summary = `${what} of ${options.volume} on ${options.target} ${end}, once it is approved`;
  return startOn(context, { ...workflowOf(start), summary }, options);
}

export async function startNodeRejoin(
  context: CommandContext,
  options: StartOptions & { node: string; anew?: true },
): Promise<Ending> {
  const start = await prepareNodeRejoin(context, options, false);
  return startOn(context, workflowOf(start), options);
}

export async function startQuorumRecover(
  context: CommandContext,
  options: StartOptions & { node: string },
): Promise<Ending> {
  const start = await prepareQuorumRecover(context, options, false);
  return startOn(context, workflowOf(start), options);
}

export async function startVmRecreate(
  context: CommandContext,
  options: StartOptions & VmRecreateOptions,
): Promise<Ending> {
  const start = await prepareVmRecreate(context, options, false);
  const workflow = { ...workflowOf(start), summary: `Makes ${options.guest} anew` };
  return startOn(context, workflow, options);
}

export async function startRotateKeys(
  context: CommandContext,
  options: StartOptions & { guest: string },
): Promise<Ending> {
  const start = await prepareRotateKeys(context, options, false);
  const workflow = { ...workflowOf(start), summary: `Gives ${options.guest} another key of age` };
  return startOn(context, workflow, options);
}

export async function startIdentityBackup(
  context: CommandContext,
  options: StartOptions & { node?: string },
): Promise<Ending> {
  const start = await prepareIdentityBackup(context, options, false);
  const workflow = { ...workflowOf(start), summary: `Saves the identity of ${start.subject}` };
  return startOn(context, workflow, options);
}

export async function startRestoreDrill(
  context: CommandContext,
  options: StartOptions & { backup?: string },
): Promise<Ending> {
  const start = await prepareRestoreDrill(context, options, false);
  const what = options.backup ?? 'every backup';
  return startOn(context, { ...workflowOf(start), summary: `Restores copies for a proof, of ${what}` }, options);
}

export async function startNightlyBackup(
  context: CommandContext,
  options: StartOptions & { backup?: string },
): Promise<Ending> {
  const start = await prepareNightlyBackup(context, options, false);
  const what = options.backup ?? 'every backup';
  return startOn(context, { ...workflowOf(start), summary: `Copies the volumes of ${what}` }, options);
}

export async function startRestore(context: CommandContext, options: StartOptions & RestoreOptions): Promise<Ending> {
  const start = await prepareRestore(context, options, false);
  const summary = `Brings ${options.volume ?? `files of ${options.backup ?? ''}`} back beside the original`;
  return startOn(context, { ...workflowOf(start), summary }, options);
}

export async function startInfraApply(
  context: CommandContext,
  options: StartOptions & { node?: string; all?: true },
): Promise<Ending> {
  const start = await prepareInfraApply(context, options, false);
  return startOn(context, workflowOf(start), options);
}

export async function startDrift(context: CommandContext, options: StartOptions & { node?: string }): Promise<Ending> {
  const start = await prepareDrift(context, options);
  const what = options.node ?? 'all';
  return startOn(context, { ...workflowOf(start), summary: `Compares ${what} with what is declared` }, options);
}

export async function startNodeReinstall(
  context: CommandContext,
  options: StartOptions & { node: string },
): Promise<Ending> {
  const start = await prepareNodeReinstall(context, options, false);
  return startOn(context, workflowOf(start), options);
}

const startOn = (context: CommandContext, workflow: WorkflowStart, options: StartOptions): Promise<Ending> =>
  withTemporal(context, (connected) => startAndWatch(context, connected, workflow, options));

const workflowOf = ({ workflowType, runbook, subject, input, revision }: Start): WorkflowStart => ({
  workflowType,
  workflowId: workflowId(runbook, subject),
  args: [input],
  summary: `${runbook} of ${subject} to revision ${revision.slice(0, 7)}`,
  details: aboutRun(workflowId(runbook, subject), `Started by ${input.actor} at revision \`${revision}\`.`),
});

/** Starts a run and follows it, unless `detach`. Throws CliError `already running` and `no worker`. */
export async function startAndWatch(
  { io }: CommandContext,
  connected: Connected,
  start: WorkflowStart,
  { detach, json }: StartOptions,
): Promise<Ending> {
  await requireWorker(connected, 'Not started', io.now());
  const runId = await startWorkflow(connected, start);
  const id = clean(start.workflowId);
  const address = runAddress(connected, { workflowId: start.workflowId, runId });
  if (json === true) printJson(io, { type: 'started', workflowId: start.workflowId, runId, webUi: address });
  else print(io, [`${id} started${address === undefined ? '' : ` · ${address}`}`]);
  if (detach === true) {
    if (json !== true) print(io, [`  runbook watch ${id}   follow it`]);
    return 'done';
  }
  if (io.stdout.isTTY === true && json !== true) print(io, [...wrap('Ctrl-C leaves it running.', widthOf(io)), '']);
  return watchRun(io, connected, { workflowId: start.workflowId, runId }, json === true);
}
