import { setTimeout as delay } from 'node:timers/promises';
import type { Fleet } from '../fleet/schema.ts';
import type { Host } from '../hosts/host.ts';
import { durationMs, formatAge } from '../plan/duration.ts';
import type { FailureType } from '../plan/failures.ts';
import type { DrillCopy } from '../plan/restore-drill.ts';
import { drillCompareArgv, readDrillCompare, type DrillCompared } from '../tools/drill-compare.ts';
import { createZfsKept } from '../tools/zfs-kept.ts';
import { setZfsProof } from '../tools/zfs-proof.ts';
import { createZfsReplication } from '../tools/zfs-replication.ts';
import { createZfsResume } from '../tools/zfs-resume.ts';
import { readTransfer } from '../tools/zfs-transfer-output.ts';
import { transferJob, type Transfer } from '../tools/zfs-transfer.ts';
import { createZfs } from '../tools/zfs.ts';
import type { DrillActivities, DrillComparison, DrillRef, DrillRestored } from './contract.ts';
import type { Deps } from './deps.ts';
import { failure, toolFailure } from './failure.ts';
import { followTransfer } from './follow-transfer.ts';
import { guarded, type ActivityContext } from './guard.ts';
import { STATE_DIR } from './join-mark.ts';
import { awaitJob } from './jobs.ts';
import { DRILL_FLAGS, observeDrill } from './observe-drill.ts';
import { orTypedProblem } from './or-problem.ts';
import { plainly } from './plainly.ts';
import { datasetOn, replicaOf } from './replica-facts.ts';
import { TRANSFER_PROBLEMS } from './replica-work.ts';
import { relayedWay, type TransferWays } from './transfer-way.ts';

/** Where copies are shown to a comparison on a member. */
const FOLDER = `${STATE_DIR}/drill`;
/** Hundreds of gigabytes over a slow line; what hangs is ended by its standing still. */
const JOB_TIMEOUT_MS = 20 * 3_600_000;
/** So often it is tried without anything new arriving, and so long after each. */
const TRIES = 3;
const APART_MS = 2_000;

/** A restore that is tried out: into a dataset of the run, compared there, and removed. */
export function createDrillActivities(deps: Deps): DrillActivities {
  return {
    observeDrill: guarded((input, context) => observeDrill(deps, input, context)),
    restoreForDrill: guarded((input, context) => restoreForDrill(deps, input, context)),
    compareForDrill: guarded((input, context) => compareForDrill(deps, input, context)),
    cleanUpDrill: guarded(async (input, context) => {
      const fleet = await deps.fleetAt(input.fleet);
      return cleanUp(input, await waysOf(deps, fleet, input.copy, context.signal), context.signal);
    }),
    noteProof: guarded(async ({ fleet: ref, copy, proof }, { signal }) => {
      const fleet = await deps.fleetAt(ref);
      const receiver = deps.machines.receiver(fleet, copy.pair.target.member);
      const replica = replicaOf(copy.pair, volumeOf(copy));
      if (!(await isStillThere(receiver, replica, copy, signal)))
        throw failure('NotFound', `${replica} on ${receiver.name} is not the copy any more that was restored.`);
      const set = await setZfsProof(receiver, replica, proof, { signal });
      if (set.type !== 'set') throw toolFailure(`zfs on ${receiver.name}`, set);
    }),
  };
}

function volumeOf({ pair }: DrillCopy): DrillCopy['pair']['volumes'][number] {
  const [volume] = pair.volumes;
  if (volume === undefined) throw new TypeError('Expected a copy with its volume.');
  return volume;
}

const waysOf = (deps: Deps, fleet: Fleet, { pair }: DrillCopy, signal: AbortSignal): Promise<TransferWays> =>
  relayedWay(deps, fleet, { from: pair.target.member, to: pair.sender }, signal);

const scratchOf = ({ name, copy }: DrillRef): string => `${copy.scratch}/${name}-${copy.id}`;
const restoreJob = ({ name, copy }: DrillRef): string => `${name}-drill-${copy.id}`;
const againJob = (input: DrillRef): string => `${restoreJob(input)}-again`;
const compareJob = ({ name, copy }: DrillRef): string => `${name}-compare-${copy.id}`;
const folderOf = ({ name, copy }: DrillRef): string => `${FOLDER}/${name}-${copy.id}`;

/** By its snapshot, which another dataset has not of the same transaction: one may have come in its place meanwhile. */
async function isStillThere(
  receiver: Host,
  replica: string,
  { snapshot }: DrillCopy,
  signal: AbortSignal,
): Promise<boolean> {
  const found = await datasetOn(receiver, replica, signal);
  const isThat = ({ guid, createtxg }: { guid: string; createtxg: string }): boolean =>
    guid === snapshot?.guid && createtxg === snapshot.createtxg;
  return found?.snapshots.some(isThat) === true;
}

/** As a restore does: a whole send of that one snapshot, from the receiver to the member. A second attempt finds the job, or what arrived. */
async function restoreForDrill(deps: Deps, input: DrillRef, context: ActivityContext): Promise<DrillRestored> {
  const { copy } = input;
  const { signal, report } = context;
  const fleet = await deps.fleetAt(input.fleet);
  const ways = await waysOf(deps, fleet, copy, signal);
  const { runner, receiver: member } = ways;
  const made = await createZfsReplication(member, { signal }).createParents(copy.scratch);
  if (made.type !== 'created' && made.type !== 'exists') throw toolFailure(`${copy.scratch} on ${member.name}`, made);
  const stallMs = durationMs(fleet.policies.backup.stallTimeout);
  const follow = (job: string) => followTransfer(runner.jobs, job, context, { stallMs, titles: [copy.volume] });
  // What an earlier attempt has begun. The first one stays, as the mark that what comes after it is no whole restore to be measured.
  let first = await follow(restoreJob(input));
  await follow(againJob(input));
  let ended: Ended | undefined;
  let from: string | undefined;
  for (let tries = 0; ; tries += 1) {
    report({ progress: `${copy.volume} to ${member.name}` });
    const there = await datasetOn(member, scratchOf(input), signal);
    if (there?.snapshots.some(({ guid }) => guid === copy.snapshot?.guid) === true)
      return { bytes: there.usedBytes, ...(first?.exitCode === 0 ? { seconds: first.durationMs / 1000 } : {}) };
    const resume = there?.token === undefined ? undefined : await goOnFrom(ways, there.token, scratchOf(input), signal);
    if (resume !== from) tries = 0;
    from = resume;
    if (ended !== undefined) {
      const problem = whyNoMore(ended, tries);
      if (problem !== undefined)
        throw failure(problem.type, `${copy.volume} did not arrive on ${member.name}: ${problem.message}`);
      await delay(APART_MS, undefined, { signal });
    }
    const isFirst = first === undefined && resume === undefined;
    const job = isFirst ? restoreJob(input) : againJob(input);
    if (!isFirst) await runner.jobs.remove(job, { signal });
    const spec = transferJob(job, 'restore-drill', JOB_TIMEOUT_MS, [stepOf(input, resume)], ways.way);
    const started = await runner.jobs.start(spec, { signal });
    if (started.type === 'fenced') throw failure('Busy', `Another drill is at work: ${started.holder}.`);
    ended = await follow(job);
    if (isFirst) first = ended;
  }
}

type Ended = NonNullable<Awaited<ReturnType<typeof followTransfer>>>;

/** A stream that ends at the same place again and again, with both ends there, is no matter of the connection any more. */
function whyNoMore({ stdout, how }: Ended, tries: number): { type: FailureType; message: string } | undefined {
  const [outcome] = readTransfer(stdout, 1);
  if (outcome?.type !== 'failed') return tries < TRIES ? undefined : { type: 'Interrupted', message: how };
  const { type, passes } = TRANSFER_PROBLEMS[outcome.problem];
  if (passes && type !== 'Unreachable' && tries < TRIES) return undefined;
  return {
    type: type === 'Interrupted' ? 'Unexpected' : type,
    message: `${outcome.problem}: ${outcome.message}`,
  };
}

function stepOf(input: DrillRef, resume: string | undefined): Transfer {
  const { copy } = input;
  return {
    source: replicaOf(copy.pair, volumeOf(copy)),
    target: scratchOf(input),
    to: { name: copy.snapshot?.onCopy ?? '' },
    flags: DRILL_FLAGS,
    initial: true,
    kind: 'filesystem',
    ...(resume === undefined ? {} : { resume }),
  };
}

/** A part that is of no use any more is given up. */
async function goOnFrom(
  { sender, receiver }: TransferWays,
  token: string,
  scratch: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  const read = await createZfsResume(sender, { signal }).readToken(token);
  if (read.type === 'token' && read.sendable) return token;
  await giveUpPart(receiver, scratch, signal);
  return undefined;
}

async function giveUpPart(host: Host, scratch: string, signal: AbortSignal): Promise<void> {
  const aborted = await createZfsResume(host, { signal }).abortPartial(scratch);
  if (aborted.type === 'busy') throw failure('Busy', `${scratch} is still received: ${aborted.message}`);
  if (aborted.type === 'unexpected') throw toolFailure(`zfs on ${host.name}`, aborted);
}

/** On the member, with the snapshot that it was made from. A second attempt finds the job. */
async function compareForDrill(deps: Deps, input: DrillRef, context: ActivityContext): Promise<DrillComparison> {
  const { copy, name } = input;
  const fleet = await deps.fleetAt(input.fleet);
  const host = deps.machines.member(fleet, copy.pair.sender);
  const { onSource = '', onCopy = '' } = copy.snapshot ?? {};
  const seconds = copy.check === undefined ? 0 : durationMs(copy.check.timeout) / 1000;
  const argv = drillCompareArgv({
    folder: folderOf(input),
    source: { type: 'zfs', from: `${volumeOf(copy).dataset ?? ''}@${onSource}` },
    copy: { type: 'zfs', from: `${scratchOf(input)}@${onCopy}` },
    ...(copy.files === undefined ? {} : { files: copy.files }),
    seed: name,
    ...(copy.check === undefined ? {} : { check: { argv: copy.check.argv, seconds } }),
  });
  const job = compareJob(input);
  const started = await host.jobs.start({ name: job, argv, timeoutMs: JOB_TIMEOUT_MS }, context);
  if (started.type === 'fenced') throw failure('Busy', `Another comparison is at work: ${started.holder}.`);
  const ended = await awaitJob(host.jobs, job, context, () => `compares ${copy.volume}`);
  if (ended.how === 'exited') return comparison(host, copy, readDrillCompare({ argv, result: ended }));
  await host.jobs.remove(job, context);
  throw failure('Interrupted', `The comparison of ${copy.volume} on ${host.name} was cut off (${ended.how}).`);
}

function comparison(host: Host, { volume, check }: DrillCopy, compared: DrillCompared): DrillComparison {
  switch (compared.type) {
    case 'same': {
      const { files, allFiles, entries } = compared;
      const which = files === allFiles ? `all of ${allFiles} files` : `${files} of ${allFiles} files`;
      return {
        type: 'same',
        words: `${allFiles === 0 ? 'no file, as it has none,' : which} and the names of ${entries}${check === undefined ? '' : ', and its check'}`,
      };
    }
    case 'differs':
      return { type: 'differs', message: `${volume} is not what its source was: ${compared.what.join('; ')}` };
    case 'check failed': {
      const why =
        compared.exitCode === 124
          ? `took longer than ${formatAge(durationMs(check?.timeout ?? '10m'))}`
          : `ended with ${compared.exitCode}`;
      return { type: 'check failed', message: `The check of ${volume} ${why}: ${compared.message}` };
    }
    case 'not mounted':
      throw failure('Unexpected', `${volume} could not be shown on ${host.name}: ${compared.message}`);
    case 'unexpected':
      throw toolFailure(`Comparing ${volume} on ${host.name}`, compared);
  }
}

/** Of a run or of one before it that was killed: by their names, in the one dataset that is there for it. */
const MADE = /^runbook-\d{8}-\d{4}-[0-9a-f]{4}-[a-z0-9.-]+$/;

/**
 * Ends what is at work and removes all that drills have made on that member, its own first. Idempotent. What another one has
 * left and cannot go now is told, and stops nobody.
 */
async function cleanUp(
  input: DrillRef,
  { runner, receiver: member }: TransferWays,
  signal: AbortSignal,
): Promise<string[]> {
  const jobs = [
    [runner, restoreJob(input)],
    [runner, againJob(input)],
    [member, compareJob(input)],
  ] as const;
  for (const [host, job] of jobs) {
    await host.jobs.stop(job, { signal });
    await host.jobs.remove(job, { signal });
  }
  await plainly(member, ['rm', '-rf', '--one-file-system', '--', folderOf(input)], signal);
  const { scratch } = input.copy;
  const below = await createZfs(member, { signal }).below(scratch);
  if (below.type === 'not found') return [];
  if (below.type !== 'names') throw toolFailure(`zfs on ${member.name}`, below);
  const own = scratchOf(input);
  if (below.names.includes(own)) await destroy(member, own, signal);
  const left: string[] = [];
  for (const name of below.names.filter((each) => each !== own && MADE.test(each.slice(scratch.length + 1)))) {
    const gone = await orTypedProblem(() => destroy(member, name, signal), signal);
    if (gone.type === 'problem') left.push(gone.problem.message);
  }
  return left;
}

async function destroy(member: Host, name: string, signal: AbortSignal): Promise<void> {
  await giveUpPart(member, name, signal);
  const gone = await createZfsKept(member, { signal }).destroy(name);
  if (gone.type === 'busy') throw failure('Busy', `${name} on ${member.name}: ${gone.message}`);
  if (gone.type === 'unexpected') throw toolFailure(`zfs on ${member.name}`, gone);
}
