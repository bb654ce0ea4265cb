import { setTimeout as delay } from 'node:timers/promises';
import { isReceived, isUnderWay, type Restoration } from '../plan/restore.ts';
import type { Host } from '../hosts/host.ts';
import { createZfsReplication } from '../tools/zfs-replication.ts';
import { createZfsResume } from '../tools/zfs-resume.ts';
import { transferJob, type Transfer } from '../tools/zfs-transfer.ts';
import { readTransfer, type StepOutcome } from '../tools/zfs-transfer-output.ts';
import type { RestorationRef, Reached } from './contract.ts';
import type { Deps } from './deps.ts';
import { failure, toolFailure } from './failure.ts';
import { followTransfer } from './follow-transfer.ts';
import type { ActivityContext } from './guard.ts';
import { targetOn } from './observe-restore.ts';
import { TRANSFER_PROBLEMS } from './replica-work.ts';
import { relayedWay, type TransferWays } from './transfer-way.ts';

/** What was in the way may be over after that. */
const APART_MS = 2_000;
/** A large disk over a slow line. */
const JOB_TIMEOUT_MS = 4 * 24 * 3_600_000;
/** A copy that has moved by nothing so often is left. */
const TRIES = 3;

const jobName = ({ name }: { name: string }): string => `${name}-restore`;
/** A run's own: others that hold the same snapshot are not disturbed. */
const holdOf = ({ name }: { name: string }): string => `runbook:${name}`;

/**
 * The snapshot arrives on the member, as a dataset that is read-only and not mounted. Nothing is received over what is there;
 * what an interrupted receive has left is gone on from. What a transfer says of itself counts for nothing.
 */
export async function receiveVolume(deps: Deps, input: RestorationRef, context: ActivityContext): Promise<Reached> {
  const { restoration } = input;
  const { signal } = context;
  const ends = await relayedWay(deps, await deps.fleetAt(input.fleet), waysOf(restoration), signal);
  const seen = await targetOn(ends.receiver, restoration.dataset, signal);
  if (seen !== undefined && isUnderWay(seen, restoration.snapshot.guid)) return 'already';
  // What an earlier attempt has begun.
  await endOf(input, ends, context);
  await ends.runner.jobs.remove(jobName(input), { signal });
  const stuck = new Stuck();
  for (;;) {
    const target = await targetOn(ends.receiver, restoration.dataset, signal);
    if (target !== undefined && !isReceived(target, restoration.snapshot.guid))
      throw failure('GateRefused', `${restoration.member} has a dataset ${restoration.dataset} already.`);
    if (target !== undefined && target.token === undefined) {
      // Also what an attempt has held that was killed.
      await release(ends.sender, input, signal);
      return 'done';
    }
    const resume = target?.token === undefined ? undefined : await usableToken(ends, target.token, restoration, signal);
    stuck.note(target?.token ?? '');
    const outcome = await send(input, ends, stepOf(restoration, resume), context);
    if (stuck.take(restoration, outcome) === 'wait') await delay(APART_MS, undefined, { signal });
  }
}

const sentOf = ({ restoration: { from, snapshot } }: RestorationRef): string => `${from.dataset}@${snapshot.name}`;
const waysOf = ({ from, member }: Restoration): { from: string; to: string } => ({ from: from.host, to: member });

const stepOf = ({ from, dataset, snapshot, kind, raw }: Restoration, resume: string | undefined): Transfer => ({
  ...{ source: from.dataset, target: dataset, to: snapshot, initial: true, kind },
  flags: { raw, compressed: true, largeBlocks: true },
  ...(resume === undefined ? {} : { resume }),
});

/** One that goes on with another snapshot, or with none that is there, is of no use here: somebody has to decide. */
async function usableToken(
  { sender }: TransferWays,
  token: string,
  { snapshot, member, dataset }: Restoration,
  signal: AbortSignal,
): Promise<string> {
  const read = await createZfsResume(sender, { signal }).readToken(token);
  if (read.type === 'token' && read.sendable && read.toGuid === snapshot.guid) return token;
  throw failure(
    'GateRefused',
    `${member} has received a part of another snapshot as ${dataset}: give it up there (zfs receive -A ${dataset}), or choose another name.`,
  );
}

/** One job of this one step. Its snapshot is held from then on until all has arrived, so that nobody prunes it. */
async function send(
  input: RestorationRef,
  ends: TransferWays,
  step: Transfer,
  context: ActivityContext,
): Promise<StepOutcome | undefined> {
  const { signal } = context;
  const { from, member } = input.restoration;
  const held = await createZfsReplication(ends.sender, { signal }).hold(holdOf(input), [sentOf(input)]);
  if (held.type !== 'held') throw toolFailure(`zfs on ${from.host}`, held);
  if (held.missing.length > 0) throw failure('NotFound', `${from.host} has no ${held.missing.join(', ')} any more.`);
  const fence = `restore-${member.toLowerCase()}`;
  const job = transferJob(jobName(input), fence, JOB_TIMEOUT_MS, [step], ends.way);
  const started = await ends.runner.jobs.start(job, { signal });
  if (started.type === 'fenced') throw failure('Busy', `Another restore to ${member} is at work: ${started.holder}.`);
  const stdout = await endOf(input, ends, context);
  await ends.runner.jobs.remove(jobName(input), { signal });
  return readTransfer(stdout, 1)[0];
}

async function release(sender: Host, input: RestorationRef, signal: AbortSignal): Promise<void> {
  const answer = await createZfsReplication(sender, { signal }).release(holdOf(input), [sentOf(input)]);
  if (answer.type !== 'released') throw toolFailure(`zfs on ${input.restoration.from.host}`, answer);
}

/** What it has written; nothing where there is no such job. */
async function endOf(input: RestorationRef, { runner }: TransferWays, context: ActivityContext): Promise<string> {
  const { restoration, stallMs } = input;
  const ended = await followTransfer(runner.jobs, jobName(input), context, { stallMs, titles: [restoration.name] });
  return ended?.stdout ?? '';
}

/** Whether another try can help. */
class Stuck {
  #token: string | undefined;
  #tries = 0;

  note(token: string): void {
    this.#tries = token === this.#token ? this.#tries + 1 : 1;
    this.#token = token;
  }

  take({ member, dataset }: Restoration, outcome: StepOutcome | undefined): 'wait' | 'go on' {
    if (outcome?.type !== 'failed') {
      if (this.#tries > TRIES) throw failure('Unexpected', `${dataset} has not moved in ${TRIES} transfers.`);
      return 'go on';
    }
    const { type, passes } = TRANSFER_PROBLEMS[outcome.problem];
    if (!passes || type === 'Unreachable' || this.#tries >= TRIES)
      throw failure(type, `${dataset} on ${member}: ${outcome.message}`);
    return 'wait';
  }
}

/** After a cancellation: the job is ended, and nothing stays held. What arrived stays. Idempotent. */
export async function stopRestore(deps: Deps, input: RestorationRef, { signal }: ActivityContext): Promise<void> {
  const ends = await relayedWay(deps, await deps.fleetAt(input.fleet), waysOf(input.restoration), signal);
  await ends.runner.jobs.stop(jobName(input), { signal });
  await ends.runner.jobs.remove(jobName(input), { signal });
  await release(ends.sender, input, signal);
}
