import { setTimeout as delay } from 'node:timers/promises';
import type { Host } from '../hosts/host.ts';
import { createIncus } from '../tools/incus.ts';
import { createSystemd } from '../tools/systemd.ts';
import type { AwaitedIncus, MemberActivities } from './contract.ts';
import type { Deps } from './deps.ts';
import { failure, toolFailure } from './failure.ts';
import { guarded, type ActivityContext } from './guard.ts';
import { unlessAway } from './unless-away.ts';
import { systemStateOf } from './system-state.ts';

/** A member's database patches take seconds; on a slow disk with a large database, minutes. */
const ANSWERS_WITHIN_MS = 15 * 60_000;
/** A unit that fails this often has another cause than a database that was locked. */
const MAX_RESTARTS = 5;
/** How long a start may look failed before it is taken for that: systemd's states change while it works. */
const FAILED_FOR_MS = 5_000;

/** Taking members out of service and back. Nothing ever migrates. */
export function createMemberActivities({ fleetAt, machines }: Deps): MemberActivities {
  return {
    evacuateMember: guarded(async ({ fleet, member }, { signal, attempt }) => {
      const incus = createIncus(machines.member(await fleetAt(fleet), member), { signal });
      const result = await incus.evacuateMember(member);
      if (result.type === 'in progress') throw failure('Busy', `${member} is ${result.status}.`);
      // Later attempts find the work of one whose worker died: a run that took it for another's would not undo it.
      if (result.type === 'already evacuated') return attempt === 1 ? 'already' : 'evacuated';
      if (result.type !== 'evacuated') throw toolFailure(`Stopping the instances of ${member}`, result);
      return 'evacuated';
    }),
    restoreMember: guarded(async ({ fleet, member }, { signal }) => {
      const incus = createIncus(machines.member(await fleetAt(fleet), member), { signal });
      const result = await incus.restoreMember(member);
      if (result.type === 'in progress') throw failure('Busy', `${member} is ${result.status}.`);
      if (result.type === 'already restored') return 'already';
      if (result.type !== 'restored') throw toolFailure(`Starting the instances of ${member}`, result);
      return 'restored';
    }),
    awaitIncusVersion: guarded(async ({ fleet, ...awaited }, context) =>
      awaitIncusVersion(machines.member(await fleetAt(fleet), awaited.member), awaited, context),
    ),
  };
}

async function awaitIncusVersion(
  host: Host,
  { version, system }: AwaitedIncus,
  { signal, report }: ActivityContext,
): Promise<{ restarts: number }> {
  const until = Date.now() + ANSWERS_WITHIN_MS;
  let restarts = 0;
  let failedSince: number | undefined;
  while (Date.now() < until) {
    const answering = await answeringVersion(host, signal);
    const unit = await unitState(host, signal);
    // It may answer for a moment and die in a patch after that: systemd knows when it is ready.
    if (answering === version && unit?.active === 'active') return { restarts };
    const hangs = unit !== undefined && unit.result !== 'success' && unit.active !== 'active';
    const forgotten = answering !== undefined && answering !== version && (await isAtRest(host, system, signal));
    failedSince = hangs || forgotten ? (failedSince ?? Date.now()) : undefined;
    if (failedSince !== undefined && Date.now() - failedSince >= FAILED_FOR_MS) {
      if (restarts >= MAX_RESTARTS)
        throw failure(
          'RestartFailed',
          `incus.service of ${host.name} failed ${restarts} times; see journalctl -u incus there.`,
        );
      restarts += 1;
      failedSince = undefined;
      const why = hangs ? 'failed to start' : `was not restarted into ${version}`;
      report({ progress: `${host.name}: incus.service ${why}; restart ${restarts}` });
      await createSystemd(host, { signal }).killAndRestart('incus.service');
    }
    await delay(1_000, undefined, { signal });
  }
  throw failure('TimedOut', `Incus on ${host.name} does not answer with version ${version}.`);
}

/** Undefined while it does not answer, which is what it does until every member has the new version. */
async function answeringVersion(host: Host, signal: AbortSignal): Promise<string | undefined> {
  const server = await unlessAway(() => createIncus(host, { signal }).server());
  return server?.type === 'server' ? server.version : undefined;
}

/**
 * Of incus.service; undefined where it cannot be had. A daemon that is dead while its unit still waits for it to become
 * ready, or has given up, shows as not active with a result.
 */
async function unitState(host: Host, signal: AbortSignal): Promise<{ active: string; result: string } | undefined> {
  const answer = await unlessAway(() => createSystemd(host, { signal }).unitStates(['incus.service']));
  return answer?.type === 'states' ? answer.states[0] : undefined;
}

/** True where the new system runs and no activation is under way that might still restart what is old. */
async function isAtRest(host: Host, path: string, signal: AbortSignal): Promise<boolean> {
  const system = await unlessAway(() => systemStateOf(host, { signal }));
  return system?.runningPath === path && system.activations.length === 0;
}
