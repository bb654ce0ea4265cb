import { setTimeout as delay } from 'node:timers/promises';
import { durationMs } from '../plan/duration.ts';
import type { SystemState } from '../plan/observation.ts';
import { createActivations } from '../tools/activations.ts';
import { tryDeployLogin } from '../tools/deploy-login.ts';
import { deployJobArgv, readDeployOutput, restartingUnits, type DeployClaim } from '../tools/deploy-rs.ts';
import type { JobState } from '../hosts/host.ts';
import { sshFailure } from '../hosts/ssh-failure.ts';
import { untilBooted } from './booted.ts';
import type { DeployActivities, Deployed, DeployInput } from './contract.ts';
import type { Deps } from './deps.ts';
import { deployment } from './deployment.ts';
import { failure, toolFailure } from './failure.ts';
import { guarded, type ActivityContext } from './guard.ts';
import { awaitJob, deployJob, rollBackJob } from './jobs.ts';
import { forgetDamaged } from './forget-damaged.ts';
import { readSystemState } from './system-state.ts';
import { reboot } from './reboot.ts';
import { rollBackSystem } from './roll-back-system.ts';

/** Deployments judged by the host, never by what deploy-rs says of itself. */
export function createDeployActivities(deps: Deps): DeployActivities {
  return {
    deploySystem: guarded((input, context) => deploySystem(deps, input, context)),
    rollBackSystem: guarded((input, context) => rollBackSystem(deps, input, context)),
    reboot: guarded((input, context) => reboot(deps, input, context)),
  };
}

/** deploy-rs returns before the host has rolled back: so long it is given to come to rest. */
const SETTLE_MS = 90_000;
/** An interrupted deployment is begun anew; one that is interrupted this often has another cause. */
const MAX_INTERRUPTIONS = 3;

async function deploySystem(deps: Deps, input: DeployInput, context: ActivityContext): Promise<Deployed> {
  const jobName = deployJob(input);
  for (let interruptions = 0; ; interruptions += 1) {
    const known = await deps.local.jobs.status(jobName, context);
    if (known.type === 'absent') {
      const system = await settled(deps, input, context);
      // What an earlier attempt did can be gone without a trace, as with the machine that it ran on.
      const followsLost = context.attempt > 1 && interruptions === 0;
      if (isThere(system, input) && !(followsLost && mayBeCut(system, input)))
        return { type: interruptions === 0 ? 'already' : 'deployed', system };
      if (followsLost) await reconcile(deps, input, system, context);
      await start(deps, input, jobName, context);
    }
    const ended = await awaitJob(deps.local.jobs, jobName, context, (lines) => describeProgress(input, lines));
    const system = await settled(deps, input, context);
    const claim = readDeployOutput(ended);
    const isWell = ended.how === 'exited' && ended.exitCode === 0;
    if (isThere(system, input) && (isWell || !mayBeCut(system, input)))
      return { type: 'deployed', system, ...(isWell ? {} : { complaint: claim.tail }) };
    if (!wasInterrupted(ended, claim, system, input)) throw notDeployed(input, claim, system);
    if (interruptions >= MAX_INTERRUPTIONS)
      throw failure('ActivationFailed', `deploy-rs was interrupted ${interruptions} times: ${claim.tail}`);
    await reconcile(deps, input, system, context);
    await deps.local.jobs.remove(jobName, context);
  }
}

async function start(deps: Deps, input: DeployInput, name: string, context: ActivityContext): Promise<void> {
  const fleet = await deps.fleetAt(input.fleet);
  const host = deps.machines.node(fleet, input.node);
  const settings = await deployment(deps, fleet, input);
  await untilBooted(host, context);
  // A way in that is not there yet is waited for, as any host is; a refusal is told by deploy-rs.
  await tryDeployLogin(deps.local, settings.host, context);
  await forgetDamaged(deps, host, input, context);
  // A stale canary would make deploy-rs take the deployment for confirmed and the host roll it back.
  const removed = await createActivations(host, context).removeCanaries();
  if (removed.type !== 'removed') throw toolFailure(`Removing stale canaries on ${input.node}`, removed);
  const { activationTimeout } = fleet.policies.upgrade;
  const started = await deps.local.jobs.start(
    {
      name,
      argv: deployJobArgv(settings),
      // Copying a large closure over a slow line comes on top of the activation.
      timeoutMs: 4 * 3_600_000 + durationMs(activationTimeout),
      fence: `deploy-${input.node.toLowerCase()}`,
    },
    context,
  );
  if (started.type === 'fenced')
    throw failure('Busy', `Another deployment to ${input.node} runs on this worker: ${started.holder}.`);
}

/** What the machine runs once no activation is at work on it any more. */
async function settled(deps: Deps, input: DeployInput, { signal, report }: ActivityContext): Promise<SystemState> {
  const until =
    Date.now() + SETTLE_MS + durationMs((await deps.fleetAt(input.fleet)).policies.upgrade.activationTimeout);
  for (;;) {
    const system = await readSystemState(deps, input, { signal });
    const [activation] = system.activations;
    if (activation === undefined) return system;
    if (Date.now() > until) throw failure('Busy', `An activation on ${input.node} does not end: ${activation}`);
    report({ progress: `waits for an activation to end: ${activation}` });
    await delay(1_000, undefined, { signal });
  }
}

function isThere({ profilePath, runningPath }: SystemState, { closure, mode }: DeployInput): boolean {
  return profilePath === closure.path && (mode === 'boot' || runningPath === closure.path);
}

/**
 * With magic rollback, a host goes back from what nobody confirmed. Where it runs the new system all the same, its
 * activation may have been cut half-way, and its way back too; unless it has booted that system since.
 */
function mayBeCut({ bootId }: SystemState, { magicRollback, before }: DeployInput): boolean {
  return magicRollback && bootId === before.bootId;
}

/** What deploy-rs says where the release itself was at fault, whatever became of the way back. */
const VERDICTS = new Set<DeployClaim['claim']>([
  'cancelled',
  'confirmation failed',
  'activation failed',
  'build failed',
  'copy failed',
]);

/** The client or the machine died in the middle: nothing was decided about the release itself. */
function wasInterrupted(
  { how }: JobState & { type: 'ended' },
  { claim }: DeployClaim,
  system: SystemState,
  input: DeployInput,
): boolean {
  if (how !== 'exited' || claim === 'unreachable' || system.bootId !== input.before.bootId) return true;
  return !VERDICTS.has(claim) && (isThere(system, input) || isHalfWay(system, input.before));
}

/**
 * The profile says one system and another runs: an activation was killed half-way. Unless it was so before, as where a
 * system was set for the next boot.
 */
function isHalfWay(system: SystemState, before: SystemState): boolean {
  return system.profilePath !== system.runningPath && !isSame(system, before);
}

function isSame(system: SystemState, { profilePath, runningPath }: SystemState): boolean {
  return system.profilePath === profilePath && system.runningPath === runningPath;
}

/** Back to the former system, unless the machine is as it was: doing again what was done half does not do the rest. */
async function reconcile(deps: Deps, input: DeployInput, system: SystemState, context: ActivityContext): Promise<void> {
  if (isSame(system, input.before)) return;
  context.report({ progress: 'the last activation was interrupted; going back first' });
  await rollBackSystem(deps, { ...input, mode: 'switch', interrupted: true }, context);
  // Should the next attempt have to be undone, that is another activation.
  const host = deps.machines.node(await deps.fleetAt(input.fleet), input.node);
  await host.jobs.remove(rollBackJob(input), context);
}

function notDeployed({ node, closure, before }: DeployInput, { claim, tail }: DeployClaim, system: SystemState): Error {
  const now = isSame(system, before)
    ? `${node} is back at ${before.nixosVersion}`
    : `${node} runs ${system.runningPath}`;
  if (claim === 'confirmation failed')
    return failure(
      'MagicRollback',
      `The new system of ${node} (${closure.nixosVersion}) could not be reached to confirm it; ${now}. ${tail}`,
    );
  if (claim === 'refused')
    return failure(
      'Refused',
      `deploy-rs could not log in to ${node}: ${sshFailure(tail, 255).meaning}; ${now}. ${tail}`,
    );
  if (claim === 'copy failed')
    return failure('CopyFailed', `${closure.nixosVersion} could not be copied to ${node}; ${now}. ${tail}`);
  return failure('ActivationFailed', `${node} did not take ${closure.nixosVersion}; ${now}. ${tail}`);
}

function describeProgress({ node }: DeployInput, lines: readonly string[]): string {
  const { restart } = restartingUnits(lines);
  if (restart.length > 0) return `${node} restarts ${restart.join(', ')}`;
  return lines.at(-1)?.trim() ?? 'starting';
}
