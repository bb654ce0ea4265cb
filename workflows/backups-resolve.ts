import type { ResolveRef } from '../activities/contract.ts';
import { durationMs } from '../plan/duration.ts';
import {
  approvedOf,
  beyondApproval,
  planResolve,
  resolveCommand,
  whatResolves,
  type ResolveObservation,
  type ResolveWay,
} from '../plan/replica-resolve.ts';
import { releaseCommand } from '../plan/kept.ts';
import type { RunResult, RunView } from '../plan/run.ts';
import type { BackupsResolveInput } from './messages.ts';
import { conclude, unchanged } from './support/conclude.ts';
import { describeFailure, failure } from './support/failures.ts';
import { withLocks } from './support/locks.ts';
import { Run } from './support/run.ts';
import { refused } from './upgrade/results.ts';

/** A person thinks about it; the night's copies are not held up meanwhile. */
const ANSWER_WITHIN = '8h';

/**
 * What becomes of one replica that copies cannot go on with: it is kept aside, or goes back to what both sides have. A person
 * decides, and nothing else ever does.
 */
export async function backupsResolve(input: BackupsResolveInput): Promise<RunView> {
  const { fleet, target, volume, dataset, way } = input;
  const run = new Run({
    runbook: 'backups-resolve',
    subject: target,
    revision: fleet.revision,
    startedBy: input.actor,
  });
  const ref = { fleet, name: run.view.name, volume, target, ...(dataset === undefined ? {} : { dataset }) };
  return conclude(run, () => resolve(run, ref, way));
}

async function resolve(run: Run, ref: ResolveRef, way: ResolveWay): Promise<RunResult> {
  const seen = await look(run, ref, 'observe', `${ref.volume} and its replica on ${ref.target}`);
  const plan = planResolve(way, seen);
  if (plan.settled !== undefined) return alreadySo(plan.settled);
  run.judge(plan.gates);
  if (plan.refusals.length > 0) return refused(plan);
  run.announce([{ ...stepOf(way, seen), state: 'pending' }]);
  try {
    await approve(run, way, seen);
  } catch (error) {
    return unchanged(error);
  }
  return withLocks(run, ['backups'], () => act(run, ref, way, seen));
}

/** Hours may have gone by: what was approved is held against what is there now. */
async function act(run: Run, ref: ResolveRef, way: ResolveWay, approved: ResolveObservation): Promise<RunResult> {
  try {
    const now = await look(run, ref, 'look-again', 'the same once more');
    const plan = planResolve(way, now);
    if (plan.settled !== undefined) return alreadySo(plan.settled);
    if (plan.refusals.length > 0) return refused(plan, 'Not done');
    const beyond = way === 'roll back' ? beyondApproval(now, approvedOf(approved)) : undefined;
    if (beyond !== undefined) throw failure('GateRefused', beyond);
    await run.hold();
  } catch (error) {
    return unchanged(error);
  }
  try {
    await run.step(
      { ...stepOf(way, approved), kind: 'act' },
      (activities) =>
        way === 'roll back'
          ? activities.rollReplicaBack({ ...ref, approved: approvedOf(approved) })
          : activities.keepReplicaAside({ ...ref, at: new Date().toISOString() }),
      (state) => ({ state }),
    );
  } catch (error) {
    return halfWay(approved, way, error);
  }
  return way === 'roll back' ? rolledBack(approved) : keptAside(approved);
}

const stepOf = (way: ResolveWay, { replica, aside = '', common }: ResolveObservation) =>
  way === 'roll back'
    ? ({ id: 'roll-back', phase: 'restore', title: `${replica} to @${common?.name ?? ''}` } as const)
    : ({ id: 'keep-aside', phase: 'restore', title: `${replica} becomes ${aside}` } as const);

const look = (run: Run, ref: ResolveRef, id: string, title: string): Promise<ResolveObservation> =>
  run.step(
    { id, phase: 'gate', title, kind: 'observe' },
    (activities) => activities.observeResolve(ref),
    ({ relation, isThere }) => ({ state: 'done', detail: isThere ? relation : 'there is none' }),
  );

async function approve(run: Run, way: ResolveWay, seen: ResolveObservation): Promise<void> {
  const { replica, receiver, common } = seen;
  const { approved, actor, reason } = await run.ask({
    id: 'resolve',
    destructive: way === 'roll back',
    question:
      way === 'roll back'
        ? `Take ${replica} on ${receiver} back to @${common?.name ?? ''}?`
        : `Keep ${replica} on ${receiver} aside, and begin a new copy?`,
    consequences: whatResolves(way, seen),
    ...(way === 'roll back' ? { expects: replica } : {}),
    timeoutMs: durationMs(ANSWER_WITHIN),
  });
  if (!approved) throw failure('NotApproved', `What becomes of ${replica} was not approved (${actor}: ${reason}).`);
}

const NEXT = { command: 'runbook start nightly-backup', purpose: 'make the copy now' };

const alreadySo = (summary: string): RunResult => ({ outcome: 'AlreadySo', summary, left: [], next: [NEXT] });

const keptAside = ({ replica, aside = '', receiver, usedBytes }: ResolveObservation): RunResult => ({
  outcome: 'Done',
  summary: `${replica} on ${receiver} is kept as ${aside}. The next copy is a whole one.`,
  left: usedBytes === 0 ? [] : [`${aside} on ${receiver}, until it is released by name.`],
  next: [
    NEXT,
    { command: releaseCommand({ member: receiver, name: aside }), purpose: 'when nobody needs it any more' },
  ],
});

const rolledBack = ({ replica, receiver, common }: ResolveObservation): RunResult => ({
  outcome: 'Done',
  summary: `${replica} on ${receiver} is at @${common?.name ?? ''} again. The next copy goes on from there.`,
  left: [],
  next: [NEXT],
});

/** It keeps aside in one act, and refuses before it; a roll back that was cut off may refuse to go on. */
function halfWay(seen: ResolveObservation, way: ResolveWay, error: unknown): RunResult {
  const cause = describeFailure(error);
  if (cause.type === 'GateRefused' && way === 'keep aside') return unchanged(error);
  const command = `${resolveCommand(seen)}${way === 'roll back' ? ' --roll-back' : ''}`;
  return {
    outcome: 'Failed',
    summary: `${seen.replica} on ${seen.receiver} may be half-way. ${cause.message}`,
    failure: cause,
    left: [],
    next: [{ command, purpose: 'go on: it looks first' }],
  };
}
