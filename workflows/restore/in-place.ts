import type { HealthInput, RestorationRef } from '../../activities/contract.ts';
import { durationMs } from '../../plan/duration.ts';
import type { Finding } from '../../plan/observation.ts';
import { dated, inPlaceSteps, stepsOf, type RestoreScope } from '../../plan/restore.ts';
import {
  namesOf,
  runningOf,
  unexpectedUsers,
  whatIsReplaced,
  type InPlace,
  type VolumeUser,
} from '../../plan/restore-in-place.ts';
import type { RunResult } from '../../plan/run.ts';
import { findingKey } from '../../plan/safe-upgrade.ts';
import type { RestoreInput } from '../messages.ts';
import type { StepActivities } from '../support/activities.ts';
import { untilAtRest } from '../support/at-rest.ts';
import { unchanged } from '../support/conclude.ts';
import { describeFailure, failure } from '../support/failures.ts';
import { withLocks } from '../support/locks.ts';
import type { Run } from '../support/run.ts';
import { describeFindings } from '../upgrade/health.ts';
import { letGo, receiveReplica } from './receive.ts';
import { halfWay, notBack, placed, putBack } from './results.ts';

/** A guest that is on its way down lets go of the volume within that; nobody’s guests are down for longer. */
const SWAP_WITHIN = '15m';

interface Users {
  all: VolumeUser[];
  /** Of their health and their members’, what was bad before: by its key. */
  badBefore: string[];
  /** Until then all that there is to be taken back is that they are stopped. */
  swapped?: true;
}

/** A person is asked; then the copy arrives beside the original, and takes its place in the end. */
export async function replace(
  run: Run,
  work: RestorationRef,
  scope: RestoreScope,
  input: RestoreInput,
): Promise<RunResult> {
  const { restoration } = work;
  const steps = inPlaceSteps(restoration);
  const member = `member/${restoration.member}`;
  try {
    await approve(run, work, scope);
  } catch (error) {
    return unchanged(error);
  }
  try {
    await withLocks(run, [member], async () => {
      await receiveReplica(run, work, stepsOf(work.restoration).copy);
      await run.step(
        { ...steps.ready, kind: 'act' },
        (act) => act.makeReady(work),
        (state) => ({ state }),
      );
    });
    // No copy is made of what is about to become another.
    return await withLocks(run, ['backups', member], () => swap(run, work, input));
  } catch (error) {
    return halfWay(error, restoration, input);
  }
}

async function approve(run: Run, { restoration }: RestorationRef, scope: RestoreScope): Promise<void> {
  const { volume, member, snapshot } = restoration;
  const from = dated(snapshot.createdAt);
  const { approved, actor, reason } = await run.ask({
    id: 'in-place',
    destructive: true,
    question: `Put ${volume} as of ${from} in the place of what ${member} has?`,
    consequences: whatIsReplaced(inPlaceOf(restoration), { from, member }),
    expects: volume,
    timeoutMs: durationMs(scope.approvalTimeout),
  });
  if (!approved) throw failure('NotApproved', `Restoring ${volume} in place was not approved (${actor}: ${reason}).`);
}

/** From where it throws nothing of the original was touched. */
async function swap(run: Run, work: RestorationRef, input: RestoreInput): Promise<RunResult> {
  const { restoration } = work;
  // Who waits for hours may find other guests at work.
  await run.hold();
  const users = await lookAgain(run, work);
  try {
    await act(run, work, users);
  } catch (error) {
    return run.unstoppable(() => comeBack(run, work, input, { users, error }));
  }
  await run.unstoppable(() => settle(run, work));
  return placed(restoration);
}

/** Hours may have gone by since a person was asked. */
async function lookAgain(run: Run, work: RestorationRef): Promise<Users> {
  const { before } = inPlaceSteps(work.restoration);
  const approved = inPlaceOf(work.restoration).users;
  return run.step(
    { ...before, kind: 'observe' },
    async (act) => {
      const all = await act.usersOfVolume(work);
      const others = unexpectedUsers(approved, all);
      if (others.length > 0)
        throw failure('GateRefused', `Used by now by others than those that were named: ${namesOf(others)}.`);
      const { findings } = await act.checkHealth(healthOf(work, all, 'brief'));
      return { all, badBefore: findings.filter(({ healthy }) => !healthy).map(findingKey) };
    },
    ({ all, badBefore }) => ({
      state: 'done',
      detail: `${all.length === 0 ? 'no guest' : namesOf(all)}${badBefore.length === 0 ? '' : `; not healthy: ${badBefore.join(', ')}`}`,
    }),
  );
}

async function act(run: Run, work: RestorationRef, users: Users): Promise<void> {
  const { all, badBefore } = users;
  const steps = inPlaceSteps(work.restoration);
  const running = runningOf(all);
  const detail = running.length === 0 ? 'none runs' : namesOf(running);
  await run.step(
    { ...steps.stop, kind: 'act', within: SWAP_WITHIN },
    (each) => each.stopUsers({ ...work, users: running }),
    () => ({ state: 'done', detail }),
  );
  const at = new Date().toISOString();
  users.swapped = true;
  await run.step(
    { ...steps.swap, kind: 'act', within: SWAP_WITHIN },
    (each) => each.takePlace({ ...work, at }),
    (state) => ({ state }),
  );
  await run.step(
    { ...steps.start, kind: 'act', within: SWAP_WITHIN },
    (each) => each.startUsers({ ...work, users: running }),
    () => ({ state: 'done', detail }),
  );
  await run.step(
    { ...steps.verify, kind: 'act', within: '2h' },
    async (each) => {
      const { findings } = await each.checkHealth(healthOf(work, running, 'patient'));
      const news = findings.filter((finding) => !finding.healthy && !badBefore.includes(findingKey(finding)));
      if (news.length > 0) throw failure('Unhealthy', describeFindings(news));
      return findings;
    },
    (findings: Finding[]) => ({ state: 'done', detail: `${findings.length} asked` }),
  );
}

const healthOf = (
  { fleet, name, restoration }: RestorationRef,
  users: readonly VolumeUser[],
  patience: HealthInput['patience'],
): HealthInput => ({
  ...{ fleet, name, member: restoration.member, patience, failedBefore: {}, allowOffline: [] },
  nodes: runningOf(users).flatMap(({ name: guest, isDeclared }) => (isDeclared ? [guest] : [])),
});

/** Stopped, put back, started: each where it is not so already. */
async function comeBack(
  run: Run,
  work: RestorationRef,
  input: RestoreInput,
  { users, error }: { users: Users; error: unknown },
): Promise<RunResult> {
  const { restoration } = work;
  const running = runningOf(users.all);
  await letGo(error);
  try {
    const isWhole = await run.step(
      { id: 'back', phase: 'roll back', title: `${restoration.volume} as it was`, kind: 'rollBack', always: true },
      async (act) => {
        const input = { ...work, users: running };
        const whole = users.swapped === true ? await takeBack(act, input) : true;
        await act.startUsers(input);
        return whole;
      },
      () => ({ state: 'done' }),
    );
    return putBack(error, restoration, input, isWhole);
  } catch (cause) {
    return notBack(error, cause, restoration, running);
  }
}

/** Somebody uses it again, or nobody could tell in time. */
const IN_THE_WAY = new Set<string>(['Busy', 'GateRefused', 'TimedOut']);

/** Where one does not stop, or is up again, nothing can be put back, and the others are not to stay down for it. */
async function takeBack(act: StepActivities, input: RestorationRef & { users: VolumeUser[] }): Promise<boolean> {
  const { users, ...work } = input;
  let isStopped = false;
  try {
    await act.stopUsers({ ...work, users });
    isStopped = true;
    return await act.putOriginalBack(work);
  } catch (error) {
    await untilAtRest(error);
    const { type, message } = describeFailure(error);
    if (isStopped && !IN_THE_WAY.has(type)) throw error;
    try {
      await act.startUsers(input);
    } catch (cause) {
      throw failure(type, `${message} ${describeFailure(cause).message}`);
    }
    throw error;
  }
}

/** It is there, and its guests run: what fails now is said, and nothing is undone. */
async function settle(run: Run, work: RestorationRef): Promise<void> {
  const { settle: step } = inPlaceSteps(work.restoration);
  try {
    await run.step(
      { ...step, kind: 'rollBack' },
      (act) => act.settleInPlace(work),
      (lost) => ({ state: 'done', detail: lost.length === 0 ? 'none' : lost.join(', ') }),
    );
  } catch (error) {
    run.warn(
      `Incus may list snapshots of ${work.restoration.volume} that are aside: ${describeFailure(error).message}`,
    );
  }
}

function inPlaceOf({ inPlace, name }: RestorationRef['restoration']): InPlace {
  if (inPlace === undefined) throw failure('Unexpected', `${name} is not to take the place of anything.`);
  return inPlace;
}
