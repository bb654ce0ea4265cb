import type { Fleet } from '../fleet/schema.ts';
import type { Host } from '../hosts/host.ts';
import type { Problem } from '../plan/problem.ts';
import { asSentence } from '../plan/sentence.ts';
import { createZfsKept } from '../tools/zfs-kept.ts';
import type { Deps } from './deps.ts';
import { expecting } from './expecting.ts';
import { failure } from './failure.ts';
import { orTypedProblem } from './or-problem.ts';
import { readNotes } from './rejoin-notes.ts';

/** `unknown`: the member cannot be asked. */
export type OnItsWay = { type: 'nothing' } | { type: 'waits'; why: string } | { type: 'unknown'; problem: Problem };

/**
 * Whether something of the member may come back that its cluster has no record of now, and why. Whoever makes it anew meanwhile
 * puts something empty in its place. Changes nothing.
 */
export async function onItsWay(
  { machines }: Deps,
  fleet: Fleet,
  member: string,
  signal: AbortSignal,
): Promise<OnItsWay> {
  if (fleet.members[member] === undefined) return { type: 'nothing' };
  const seen = await orTypedProblem(() => whatWaits(machines.member(fleet, member), member, signal), signal);
  if (seen.type === 'value') return seen.value === undefined ? { type: 'nothing' } : { type: 'waits', why: seen.value };
  const message = `Whether something of ${member} is on its way back is not known: ${asSentence(seen.problem.message)}`;
  return { type: 'unknown', problem: { ...seen.problem, message } };
}

async function whatWaits(host: Host, member: string, signal: AbortSignal): Promise<string | undefined> {
  const { datasets } = expecting(await createZfsKept(host, { signal }).kept(), 'kept', member);
  const open = datasets.filter(({ rejoin }) => rejoin === 'open').map(({ name }) => name);
  if (open.length > 0) return `${open.join(', ')} on ${member} has what a node-rejoin has not taken back yet.`;
  const notes = await readNotes(host, member, signal);
  if (notes === undefined || notes.isForgotten === false) return undefined;
  if (notes.hasEnded !== true && (notes.isForgotten === true || notes.member !== undefined))
    return `A node-rejoin of ${member} has not come to its end.`;
  const { unseen = [] } = notes;
  if (unseen.length === 0) return undefined;
  return `A node-rejoin of ${member} could not look at the replicas of ${unseen.join(', ')}.`;
}

/**
 * Terraform would make an empty volume in the place of data that are about to come back. On a member that does not answer it
 * makes none.
 */
export async function requireNothingOnItsWay(
  deps: Deps,
  fleet: Fleet,
  member: string,
  signal: AbortSignal,
): Promise<void> {
  const seen = await onItsWay(deps, fleet, member, signal);
  if (seen.type === 'nothing') return;
  if (seen.type === 'unknown') {
    if (seen.problem.type === 'Unreachable') return;
    throw failure(seen.problem.type, seen.problem.message);
  }
  throw failure(
    'GateRefused',
    `${seen.why} Terraform would make empty ones in their place: runbook start node-rejoin --node ${member} first. A place that is gone for good goes out of backups in runbook.yaml before that.`,
  );
}
