import { setTimeout as delay } from 'node:timers/promises';
import type { Host } from '../hosts/host.ts';
import type { Incus } from '../tools/incus.ts';
import { createSystemd } from '../tools/systemd.ts';
import { expecting } from './expecting.ts';
import { failure } from './failure.ts';
import type { ActivityContext } from './guard.ts';
import { unlessSilent } from './unless-silent.ts';

interface Follower {
  member: string;
  incus: Incus;
  /** Another member, which lists who leads. */
  via: string;
  viaIncus: Incus;
  host: (member: string) => Host;
}

/** A member that was only restarted has the others' log within seconds. */
const PACE = { byItselfMs: 40_000, afterRestartMs: 3 * 60_000, everyMs: 2_000 };

/**
 * Until the member's own part of the database answers. The leader of the database remembers how far each member's log was,
 * and takes one whose log is empty since for up to date; a new leader asks. So Incus is restarted on the leader where the
 * member does not follow by itself; instances go on. `restarted`: on which. Seen with Incus 6.0.4.
 */
export async function followDatabase(
  { member, incus, via, viaIncus, host }: Follower,
  { signal, report }: Pick<ActivityContext, 'signal' | 'report'>,
  pace = PACE,
): Promise<{ restarted?: string }> {
  const follows = async (withinMs: number): Promise<boolean> => {
    for (const until = Date.now() + withinMs; ;) {
      if (await unlessSilent(() => incus.members().then((answer) => expecting(answer, 'members', member)))) return true;
      if (Date.now() >= until) return false;
      await delay(pace.everyMs, undefined, { signal });
    }
  };
  if (await follows(pace.byItselfMs)) return {};
  const { members } = expecting(await viaIncus.members(), 'members', via);
  const leader = members.find(({ roles }) => roles.includes('database-leader'))?.name;
  if (leader === undefined) throw failure('NoQuorum', `${via} lists no leader of the database.`);
  report({ progress: `restarting Incus on ${leader}, the leader of the database` });
  expecting(await createSystemd(host(leader), { signal }).restartUnit('incus.service'), 'restarted', leader);
  if (await follows(pace.afterRestartMs)) return { restarted: leader };
  throw failure(
    'TimedOut',
    `The database of ${member} does not answer, also after Incus on its leader, ${leader}, was restarted.`,
  );
}
