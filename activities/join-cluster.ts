import { setTimeout as delay } from 'node:timers/promises';
import type { ClusterDeclaration } from '../fleet/schema.ts';
import type { Host } from '../hosts/host.ts';
import { sourceOf } from '../plan/formation.ts';
import { createIncusState } from '../tools/incus-state.ts';
import type { Incus } from '../tools/incus.ts';
import { failure, toolFailure } from './failure.ts';
import type { ActivityContext } from './guard.ts';
import { expecting } from './expecting.ts';
import { isMarked, removeMark, setMark, STATE_DIR } from './join-mark.ts';
import { bringIncusToDisk } from './on-disk.ts';
import { unlessSilent } from './unless-silent.ts';
import { untilOnline } from './until-online.ts';

/** The server goes on with a join whose client is gone; on virtual hosts one takes 44 s. */
const JOINS_WITHIN_MS = 90_000;
/** A member is Online with its first heartbeat, ten seconds after it has joined. */
const ONLINE_WITHIN_MS = 3 * 60_000;
const LOOK_EVERY_MS = 1_000;
/** So often in a row nobody knows of the join: between its begin and its record in the cluster are 100 ms. */
const QUIET_LOOKS = 5;
/** A daemon that was just started. */
const READY_WITHIN_MS = 60_000;

export interface Joining {
  member: string;
  /** A member of the cluster. */
  via: string;
  runName: string;
  /** The joiner, its Incus, and that of `via`. */
  host: Host;
  incus: Incus;
  first: Incus;
  cluster: ClusterDeclaration;
  /** Where the joiner's Incus listens. */
  address: string;
}

/**
 * The member joins and is Online. The host bears a mark while it does, so that whoever comes after a crash knows that
 * what is there was made by a join: it is waited for, as the server goes on without its client, and taken back where it
 * came to nothing.
 */
export async function joinCluster(joining: Joining, context: ActivityContext): Promise<'done' | 'already' | 'anew'> {
  const { host } = joining;
  const { signal, report } = context;
  const wasMarked = await isMarked(host, signal);
  if (wasMarked) report({ progress: `waiting for an earlier join of ${joining.member} to end` });
  const joined = wasMarked ? await earlierJoinEnds(joining, signal) : await isJoined(joining);
  if (!joined) {
    if (wasMarked) {
      report({ progress: `taking back an earlier join of ${joining.member}` });
      await takeBack(joining, context);
    }
    await setMark(host, 'joining', joining.runName, signal);
    await join(joining);
  }
  report({ progress: `waiting for ${joining.member} to be Online` });
  const { first: incus, member } = joining;
  const complaint = `${member} has joined and is not Online`;
  await untilOnline({ incus, member, withinMs: ONLINE_WITHIN_MS, everyMs: LOOK_EVERY_MS, complaint }, signal);
  await bringIncusToDisk(host, signal);
  await removeMark(host, 'joining', signal);
  if (joined) return 'already';
  return wasMarked ? 'anew' : 'done';
}

const isJoined = async ({ incus, member }: Joining): Promise<boolean> => isMember(await incus.identity(), member);

async function isListed({ first, member, via }: Joining): Promise<boolean> {
  return expecting(await first.members(), 'members', via).members.some(({ name }) => name === member);
}

/**
 * True once it has joined; false when it came to nothing: neither side knows of it any more, or, as where its daemon died in
 * the middle and never starts again, its time is over.
 */
async function earlierJoinEnds(joining: Joining, signal: AbortSignal): Promise<boolean> {
  const until = Date.now() + JOINS_WITHIN_MS;
  let quiet = 0;
  while (Date.now() < until && quiet < QUIET_LOOKS) {
    const state = await unlessSilent(async () => ((await isJoined(joining)) ? 'joined' : 'not clustered'));
    if (state === 'joined') return true;
    const isQuiet = state === 'not clustered' && !(await isListed(joining));
    quiet = isQuiet ? quiet + 1 : 0;
    await delay(LOOK_EVERY_MS, undefined, { signal });
  }
  return false;
}

/**
 * What an interrupted join left, on both sides. The member had nothing before, and has what Incus makes of nothing: one that
 * has more has been in use, and is left to a person.
 */
async function takeBack(joining: Joining, { signal, attempt }: ActivityContext): Promise<void> {
  const { member, first, host, cluster, runName, via } = joining;
  const { instances } = expecting(await first.instances(), 'instances', via);
  const own = instances.filter(({ location }) => location === member).map(({ name }) => name);
  if (own.length > 0) throw failure('Unexpected', `${member} does not answer, and has instances: ${own.join(', ')}.`);
  const state = createIncusState(host, { signal });
  expecting(await state.stop(), 'stopped', member);
  try {
    for (const [name, pool] of Object.entries(cluster.pools)) {
      const cleared = await (pool.type === 'zfs' ? state.clearDataset(pool.dataset) : state.clearFolder(pool.path));
      if (cleared.type === 'holds')
        throw failure(
          'Unexpected',
          `Pool ${name} on ${member} has more than a join leaves: ${cleared.found.join(', ')}.`,
        );
      if (cleared.type !== 'cleared') throw toolFailure(`Clearing pool ${name} on ${member}`, cleared);
    }
    if (await isListed(joining)) {
      const removed = await first.removeMemberByForce(member);
      if (removed.type !== 'removed' && removed.type !== 'none') throw toolFailure(`Removing ${member}`, removed);
    }
    expecting(await state.removeBridges(Object.keys(cluster.networks)), 'removed', member);
    // Of this attempt: what an earlier one has set aside stays as it is.
    const folder = `${STATE_DIR}/set-aside/${runName}-${attempt}`;
    expecting(await state.setAside(folder, Object.keys(cluster.pools)), 'set aside', member);
  } finally {
    if (!signal.aborted) expecting(await state.start(), 'started', member);
  }
}

/** A token is minted for this attempt and stays in it: into the standard input of the joiner, into no history and no log. */
async function join({ member, via, host, incus, first, cluster, address }: Joining): Promise<void> {
  const ready = await incus.waitReady(READY_WITHIN_MS);
  if (ready.type !== 'ready') throw failure('Busy', `Incus on ${host.name} is not ready.`);
  const minted = await first.mintToken(member);
  if (minted.type === 'already member') throw failure('Busy', `${via} lists ${member} already.`);
  if (minted.type !== 'token') throw toolFailure(`A token for ${member}`, minted);
  const sources = Object.fromEntries(Object.entries(cluster.pools).map(([name, pool]) => [name, sourceOf(pool)]));
  const answer = await incus.join({ name: member, address, token: minted.token, sources });
  if (answer.type === 'interrupted')
    throw failure('Interrupted', `Incus on ${member} ended in the middle of its join: ${answer.message}.`);
  if (answer.type !== 'joined' && answer.type !== 'already clustered') throw toolFailure(`${member} joining`, answer);
  if (!isMember(await incus.identity(), member)) unverified(`${member} to be a member`);
}

/** Whether it says of itself that it is a member of that name. */
export function isMember(answer: Awaited<ReturnType<Incus['identity']>>, name: string): boolean {
  const identity = expecting(answer, 'identity', name);
  return identity.clustered && identity.serverName === name;
}

export function unverified(what: string): never {
  throw failure('Unexpected', `Incus accepted it, and afterwards there is not what was asked for: ${what}.`);
}
