import { setTimeout as delay } from 'node:timers/promises';
import { roleLimits, roleProblem } from '../plan/cluster-roles.ts';
import type { Incus } from '../tools/incus.ts';
import { expecting } from './expecting.ts';
import { failure } from './failure.ts';
import type { ActivityContext } from './guard.ts';

/** The leader hands out one role after the other, with its heartbeats, which are ten seconds apart. */
const SETTLE_WITHIN_MS = 3 * 60_000;
const LOOK_EVERY_MS = 1_000;

/** Waits until the database's roles are as Incus hands them out to so many members. A member that is Offline is waited for. */
export async function settleRoles(
  incus: Incus,
  via: string,
  { signal, report }: ActivityContext,
): Promise<'done' | 'already'> {
  const until = Date.now() + SETTLE_WITHIN_MS;
  for (let isFirst = true; ; isFirst = false) {
    const { config } = expecting(await incus.identity(), 'identity', via);
    const { members } = expecting(await incus.members(), 'members', via);
    const offline = members.find(({ status }) => status === 'Offline');
    if (offline !== undefined) throw failure('Unreachable', `${offline.name} is Offline: ${offline.message}`);
    const problem = roleProblem(members, roleLimits(config));
    if (problem === undefined) return isFirst ? 'already' : 'done';
    if (Date.now() >= until) throw failure('Unhealthy', `The roles of the database do not settle: ${problem}.`);
    report({ progress: problem });
    await delay(LOOK_EVERY_MS, undefined, { signal });
  }
}
