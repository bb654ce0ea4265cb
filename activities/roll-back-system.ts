import type { SystemState } from '../plan/observation.ts';
import type { Host } from '../hosts/host.ts';
import { readDeployOutput, type DeployClaim } from '../tools/deploy-rs.ts';
import { activationArgv, activationBesideArgv, createSystemProfile, type Activation } from '../tools/nix-profile.ts';
import type { NodeRef } from './contract.ts';
import type { Deps } from './deps.ts';
import { failure, toolFailure } from './failure.ts';
import type { ActivityContext } from './guard.ts';
import { awaitJob, deployJob, rollBackJob } from './jobs.ts';
import { systemStateOf } from './system-state.ts';

/** An activation stops and starts services; NixOS's own limits end the slowest before this. */
const ACTIVATION_MS = 20 * 60_000;

/**
 * Back to the generation of `before`. Idempotent: a machine that is there already is left alone, and an activation
 * of ours that runs is followed to its end.
 */
export async function rollBackSystem(
  { fleetAt, machines, local }: Deps,
  input: NodeRef & { before: SystemState; mode: 'switch' | 'boot'; interrupted: boolean },
  context: ActivityContext,
): Promise<{ type: 'rolled back' | 'already'; system: SystemState }> {
  const { node, before, mode, interrupted } = input;
  const host = machines.node(await fleetAt(input.fleet), node);
  const jobName = rollBackJob(input);
  const isBack = ({ profilePath, runningPath }: SystemState): boolean =>
    profilePath === before.profilePath && (mode === 'boot' || runningPath === before.runningPath);

  // A deployment that is still copying would activate its system after we have looked.
  await local.jobs.stop(deployJob(input), context);
  const wasCut = interrupted && !(await endedBeforeActivation(local, deployJob(input), context));
  const earlier = await host.jobs.status(jobName, context);
  if (earlier.type !== 'running') {
    const now = await systemStateOf(host, context);
    if (now.activations.length > 0)
      throw failure('Busy', `An activation runs on ${node}: ${now.activations.join('; ')}`);
    if (isBack(now) && earlier.type === 'ended' && earlier.exitCode === 0) return { type: 'rolled back', system: now };
    if (isBack(now) && !wasCut) return { type: 'already', system: now };
    if (now.profilePath !== before.profilePath) await turnProfile(host, before, context);
    // What an earlier attempt left has done its work, or failed at it: this is another one.
    await host.jobs.remove(jobName, context);
    await host.jobs.start({ name: jobName, ...activation(before, mode), timeoutMs: ACTIVATION_MS }, context);
  }
  const ended = await awaitJob(
    host.jobs,
    jobName,
    context,
    (lines) => lines.at(-1) ?? `activating generation ${before.generation}`,
  );
  const system = await systemStateOf(host, context);
  if (isBack(system)) return { type: 'rolled back', system };
  throw failure(
    'Busy',
    `${node} did not go back to generation ${before.generation}: the activation ended with ${ended.exitCode}: ${ended.stderr.slice(-500)}`,
  );
}

const BEFORE_ACTIVATION = new Set<DeployClaim['claim']>(['build failed', 'copy failed', 'refused']);

/** True where the deployment itself says that it never came to its activation. */
async function endedBeforeActivation(local: Host, job: string, context: ActivityContext): Promise<boolean> {
  const deployment = await local.jobs.status(job, context);
  if (deployment.type !== 'ended' || deployment.how !== 'exited') return false;
  return BEFORE_ACTIVATION.has(readDeployOutput(deployment).claim);
}

async function turnProfile(host: Host, before: SystemState, context: ActivityContext): Promise<void> {
  const profile = createSystemProfile(host, context);
  const switched = await profile.switchGeneration(before.generation);
  // deploy-rs deletes the newest generation when it goes back: also one that had been there before, for the next boot.
  const turned = switched.type === 'not found' ? await profile.setSystem(before.profilePath) : switched;
  if (turned.type === 'unexpected')
    throw toolFailure(`Turning ${host.name} to generation ${before.generation}`, turned);
}

/** A machine may have run one system while another was set for its next boot. */
function activation({ profilePath, runningPath }: SystemState, mode: 'switch' | 'boot'): Activation {
  const beside = mode === 'switch' && runningPath !== '' && runningPath !== profilePath;
  return beside ? activationBesideArgv(runningPath) : activationArgv(mode);
}
