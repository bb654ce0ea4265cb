import { setTimeout as delay } from 'node:timers/promises';
import { backupSnapshot, placeOf, type ReplicaPair } from '../plan/nightly-backup.ts';
import type { TransferStep } from '../plan/replication.ts';
import type { CopyView } from '../plan/run.ts';
import { createZfsReplication } from '../tools/zfs-replication.ts';
import { createZfsResume } from '../tools/zfs-resume.ts';
import { transferJob } from '../tools/zfs-transfer.ts';
import { readTransfer, type StepOutcome } from '../tools/zfs-transfer-output.ts';
import type { RunRef } from './contract.ts';
import type { Deps } from './deps.ts';
import { failure, toolFailure } from './failure.ts';
import { followTransfer } from './follow-transfer.ts';
import type { ActivityContext } from './guard.ts';
import { observeReplicas } from './replica-facts.ts';
import { holdOf, protectSteps, releaseLeaked, rememberCommon } from './replica-marks.ts';
import { newestCommonAt } from './replica-ages.ts';
import { ReplicaWork } from './replica-work.ts';
import { transferEnds, type TransferEnds } from './transfer-way.ts';

type PairRef = RunRef & { pair: ReplicaPair };
type ReplicateInput = PairRef & { stallMs: number };

/** Half a minute apart: what is busy for longer is for a person. */
const PATIENT_ATTEMPTS = 30;
/** What was in the way may be over after that. */
const APART_MS = 2_000;
/** A first copy of a large disk over a slow line. */
const JOB_TIMEOUT_MS = 4 * 24 * 3_600_000;

/** The job of a pair in a run: one at a time, whoever asks. */
const transferJobName = ({ name, pair }: PairRef): string => `${name}-send-${pair.id}`;

/**
 * Brings the replicas of a pair to the newest snapshots of their sources: looks at both, sends what is missing, looks again.
 * What a transfer says of itself counts for nothing. A replica that cannot be brought on is an outcome of its own; a host
 * that is away fails the whole as Unreachable, to be tried again.
 */
export async function replicate(deps: Deps, input: ReplicateInput, context: ActivityContext): Promise<CopyView[]> {
  const { pair } = input;
  const { signal, report } = context;
  const ends = await transferEnds(deps, await deps.fleetAt(input.fleet), pair, signal);
  // What an earlier attempt has begun.
  await endOf(input, ends, context, []);
  await ends.runner.jobs.remove(transferJobName(input), { signal });
  await releaseLeaked(ends, pair, signal);
  await requireRoot(ends, pair, signal);
  const snapshot = `snapshot-${backupSnapshot(input.name)}`;
  const work = new ReplicaWork(pair, { snapshot, patient: context.attempt < PATIENT_ATTEMPTS });
  for (;;) {
    report({ progress: `looking at ${pair.volumes.length} volumes and their replicas` });
    const facts = await observeReplicas(ends, pair, signal);
    await rememberCommon(ends, facts, signal);
    const steps = await work.stepsFor(facts, (target) => abortPartial(ends, target, signal));
    if (steps.length === 0) return work.outcomes(facts, await newestCommonAt(ends, pair, facts, signal));
    if (work.note(steps, await send(input, ends, steps, context)) === 'wait')
      await delay(APART_MS, undefined, { signal });
  }
}

/** Of replicas on that host: neither mounted nor written to. */
async function requireRoot(ends: TransferEnds, { target }: ReplicaPair, signal: AbortSignal): Promise<void> {
  const made = await createZfsReplication(ends.receiver, { signal }).createParents(target.dataset);
  if (made.type !== 'created' && made.type !== 'exists')
    throw toolFailure(`${target.dataset} on ${ends.receiver.name}`, made);
}

/** Why it cannot be given up now, where that is so. */
async function abortPartial(
  { receiver }: TransferEnds,
  target: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  const aborted = await createZfsResume(receiver, { signal }).abortPartial(target);
  if (aborted.type === 'busy') return `it is still received: ${aborted.message}`;
  if (aborted.type === 'unexpected') throw toolFailure(`zfs on ${receiver.name}`, aborted);
  return undefined;
}

/** One job of all these steps. What became of each is what its job says, to be compared with what is there. */
async function send(
  input: ReplicateInput,
  ends: TransferEnds,
  steps: readonly TransferStep[],
  context: ActivityContext,
): Promise<StepOutcome[]> {
  const { signal } = context;
  const name = transferJobName(input);
  const held = await protectSteps(ends, steps, signal);
  const fence = `send-${ends.targetId}-${input.pair.sender.toLowerCase()}`;
  const started = await ends.runner.jobs.start(transferJob(name, fence, JOB_TIMEOUT_MS, steps, ends.way), { signal });
  if (started.type === 'fenced')
    throw failure('Busy', `Another transfer to ${placeOf(input.pair.target)} is at work: ${started.holder}.`);
  const titles = steps.map(({ target, to }) => `${target.replace(/^.*\//, '')}@${to.name.replace(/^snapshot-/, '')}`);
  const stdout = await endOf(input, ends, context, titles);
  await ends.runner.jobs.remove(name, { signal });
  const released = await createZfsReplication(ends.sender, { signal }).release(holdOf(ends), held);
  if (released.type !== 'released') throw toolFailure(`zfs on ${ends.sender.name}`, released);
  return readTransfer(stdout, steps.length);
}

/** What it has written; nothing where there is no such job. */
async function endOf(
  input: ReplicateInput,
  { runner }: TransferEnds,
  context: ActivityContext,
  titles: readonly string[],
): Promise<string> {
  const ended = await followTransfer(runner.jobs, transferJobName(input), context, { stallMs: input.stallMs, titles });
  return ended?.stdout ?? '';
}

/** After a cancellation: the job is ended, and nothing stays held on the sender. What arrived stays. Idempotent. */
export async function stopTransfer(deps: Deps, input: PairRef, { signal }: ActivityContext): Promise<void> {
  const ends = await transferEnds(deps, await deps.fleetAt(input.fleet), input.pair, signal);
  const name = transferJobName(input);
  await ends.runner.jobs.stop(name, { signal });
  await ends.runner.jobs.remove(name, { signal });
  await releaseLeaked(ends, input.pair, signal);
}
