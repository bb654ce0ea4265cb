import { readFile } from 'node:fs/promises';
import { hostname, userInfo } from 'node:os';
import { join } from 'node:path';
import type { JobState } from '../hosts/host.ts';
import { durationMs } from '../plan/duration.ts';
import { interruptionOf, type Interruption } from '../plan/infra-lock.ts';
import { TERRAFORM_ENV } from '../tools/terraform-command.ts';
import { applySteps } from '../tools/terraform.ts';
import type { InfraPlanRef, NodeRef } from './contract.ts';
import type { Deps } from './deps.ts';
import { failure } from './failure.ts';
import type { ActivityContext } from './guard.ts';
import type { InfraPlace } from './infra-folder.ts';
import { awaitJob } from './jobs.ts';

/** Machines take their time; what hangs is ended all the same. */
const TIMEOUT_MS = 4 * 3_600_000;
const INTERRUPTIONS = 'interruptions.json';

/** Of every job that a run has for the member. */
export const jobsOf = ({ name, node }: NodeRef): string => `${name}-infra-${node.toLowerCase()}-`;
export const planJob = (ref: InfraPlanRef): string => `${jobsOf(ref)}plan-${ref.plan}`;
export const applyJob = (ref: InfraPlanRef): string => `${jobsOf(ref)}apply-${ref.plan}`;

/** Starts it, or finds it: a killed worker leaves it running. No two work on one state on this machine. */
export async function startTerraform(
  { local }: Deps,
  { name, argv, node }: { name: string; argv: readonly string[]; node: string },
  context: ActivityContext,
): Promise<void> {
  const fence = `infra-${node.toLowerCase()}`;
  const started = await local.jobs.start({ name, argv, timeoutMs: TIMEOUT_MS, fence, env: TERRAFORM_ENV }, context);
  if (started.type === 'fenced')
    throw failure('Busy', `Another run of Terraform works on ${node} on this worker: ${started.holder}.`);
}

/** Its end. One that came from outside is written down: such a command leaves its lock. */
export async function followTerraform(
  { local }: Deps,
  place: Pick<InfraPlace, 'root' | 'infra'>,
  name: string,
  context: ActivityContext,
): Promise<JobState & { type: 'ended' }> {
  const ended = await awaitJob(local.jobs, name, context, described);
  if (ended.how !== 'exited') await noteInterruption(local, place, ended, context.signal);
  return ended;
}

/** A command that was ended from outside, by when it began and what is known of its end. */
export async function noteInterruption(
  local: Deps['local'],
  { root, infra }: Pick<InfraPlace, 'root' | 'infra'>,
  ended: Parameters<typeof interruptionOf>[0],
  signal: AbortSignal,
): Promise<void> {
  const lockTimeoutMs = durationMs(infra.lockTimeout);
  const found = interruptionOf(ended, { lockTimeoutMs, now: Date.now(), who: ownName() });
  const text = JSON.stringify([...(await interruptionsIn(root)), found]);
  // Half of it would be no JSON, and nothing of this run could be read any more.
  await local.putFile(join(root, INTERRUPTIONS), text, { mode: 0o600, signal });
}

export async function interruptionsIn(root: string): Promise<Interruption[]> {
  const text = await readFile(join(root, INTERRUPTIONS), 'utf8').catch(() => '[]');
  return JSON.parse(text) as Interruption[];
}

/** As Terraform writes it into its locks. */
const ownName = (): string => `${userInfo().username}@${hostname()}`;

const WORDS: Readonly<Record<string, string>> = {
  apply_start: 'at work on',
  apply_complete: 'done with',
  apply_errored: 'failed at',
};

/** The last resource that it tells of. */
function described(lines: readonly string[]): string {
  const last = applySteps(lines).at(-1);
  return last === undefined ? 'at work' : `${WORDS[last.step] ?? last.step} ${last.address} (${last.action})`;
}
