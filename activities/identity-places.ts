import { ApplicationFailure } from '@temporalio/common';
import type { Fleet, IdentityDeclaration } from '../fleet/schema.ts';
import { HostError, type Host } from '../hosts/host.ts';
import {
  copyName,
  doomedCopies,
  partName,
  RESTIC,
  sortedCopies,
  takenAtOf,
  type StoredIdentity,
} from '../plan/identity.ts';
import { createIdentityStore, storedPath } from '../tools/identity-store.ts';
import { sha256 } from '../tools/identity-restore.ts';
import { createRestic } from '../tools/restic.ts';
import { again } from './again.ts';
import type { Deps } from './deps.ts';
import { failure, toolFailure } from './failure.ts';
import { resticFailure } from './restic-failure.ts';

const TAG = 'runbook-identity';

/** One copy that is being written: the same bytes in each place. */
export interface Copy {
  member: string;
  takenAt: string;
  run: string;
  encrypted: Buffer;
}

export function identityOf({ identity }: Fleet): IdentityDeclaration {
  if (identity !== undefined) return identity;
  throw failure('BadConfig', 'runbook.yaml has no `identity`: it says who can decrypt copies of identities.');
}

/** Why a place does not answer or does not take it. Throws what is our own mistake, or nobody waits for any more. */
export async function orProblem<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T | { problem: string }> {
  try {
    return await again(work, signal);
  } catch (error) {
    if (signal.aborted) throw error;
    if (!(error instanceof HostError) && !(error instanceof ApplicationFailure)) throw error;
    return { problem: error.message };
  }
}

/** Onto another member: written, read back, and older ones removed. Returns how many those were. */
export async function keepOn(
  host: Host,
  { member, takenAt, run, encrypted }: Copy,
  { keep }: IdentityDeclaration,
  signal: AbortSignal,
): Promise<{ copy: StoredIdentity; removed: number }> {
  const store = createIdentityStore(host, { signal });
  const name = copyName(takenAt, run);
  const written = await store.write(member, { name, part: partName(name), content: encrypted });
  if (written.type !== 'written') throw toolFailure(`A copy on ${host.name}`, written);
  if (written.sha256 !== sha256(encrypted))
    throw failure('Damaged', `${storedPath(member, name)} on ${host.name} is not what was written there.`);
  const listed = await store.names(member);
  if (listed.type !== 'names') throw toolFailure(`Copies on ${host.name}`, listed);
  const doomed = doomedCopies(listed.names, { keep, written: name, now: new Date().toISOString() });
  const removal = await store.remove(member, doomed);
  if (removal.type !== 'removed') throw toolFailure(`Old copies on ${host.name}`, removal);
  const copy = { member, place: host.name, path: storedPath(member, name), takenAt, sha256: written.sha256 };
  return { copy, removed: doomed.length };
}

/** What one member keeps of all others. */
export async function keptOn(host: Host, signal: AbortSignal): Promise<StoredIdentity[]> {
  const listed = await createIdentityStore(host, { signal }).list();
  if (listed.type !== 'files') throw toolFailure(`Copies on ${host.name}`, listed);
  return listed.files.flatMap(({ member, name, sha256: sum }) => {
    const takenAt = takenAtOf(name);
    if (takenAt === undefined) return [];
    return [{ member, place: host.name, path: storedPath(member, name), takenAt, sha256: sum }];
  });
}

/** Into restic, by the host whose identity it is. What this run has put there already is not put there again. */
export async function keepInRestic(
  host: Host,
  copy: Copy,
  declared: IdentityDeclaration,
  signal: AbortSignal,
): Promise<StoredIdentity> {
  // Without a folder: restic 0.18 looks for it on the host.
  const name = copyName(copy.takenAt, copy.run);
  const find = async (): Promise<StoredIdentity | undefined> =>
    (await keptInRestic(host, declared, signal)).find(
      ({ member, takenAt }) => member === copy.member && takenAt === `${copy.takenAt.slice(0, 19)}.000Z`,
    );
  const there = await find();
  if (there !== undefined) return there;
  const source = sourceOf(declared);
  const file = { name, content: copy.encrypted, host: copy.member };
  const saved = await createRestic(host, { signal }).backupFile(source, file);
  if (saved.type !== 'saved') throw resticFailure(host, saved);
  const found = await find();
  if (found === undefined) throw failure('Unexpected', `restic on ${host.name} does not list the snapshot it made.`);
  return found;
}

/** Everything in the repository that a run has put there, of every member. */
export async function keptInRestic(
  host: Host,
  declared: IdentityDeclaration,
  signal: AbortSignal,
): Promise<StoredIdentity[]> {
  const listed = await createRestic(host, { signal }).snapshots(sourceOf(declared));
  if (listed.type !== 'snapshots') throw resticFailure(host, listed);
  return listed.snapshots.flatMap(({ id, hostname, paths: [path = ''] }) => {
    const takenAt = takenAtOf(path.slice(path.lastIndexOf('/') + 1));
    return takenAt === undefined ? [] : [{ member: hostname, place: RESTIC, path: `${id}:${path}`, takenAt }];
  });
}

/** Copies of one member's identity, newest first. Nothing of a place that does not answer. */
export async function copiesOf(
  deps: Deps,
  fleet: Fleet,
  member: string,
  signal: AbortSignal,
): Promise<StoredIdentity[]> {
  const declared = identityOf(fleet);
  const hosts = Object.keys(fleet.members)
    .filter((name) => name !== member)
    .map((name) => deps.machines.member(fleet, name));
  const kept = await Promise.all(hosts.map((host) => orProblem(() => keptOn(host, signal), signal)));
  const inRestic =
    declared.restic === undefined
      ? []
      : await orProblem(() => fromRestic(deps, fleet, signal, (host) => keptInRestic(host, declared, signal)), signal);
  const all = [...kept, inRestic].flatMap((found) => ('problem' in found ? [] : found));
  return sortedCopies(all.filter((copy) => copy.member === member));
}

/** The encrypted bytes of a copy. */
export async function fetchCopy(
  deps: Deps,
  fleet: Fleet,
  { place, path }: Pick<StoredIdentity, 'place' | 'path'>,
  signal: AbortSignal,
): Promise<Buffer> {
  if (place !== RESTIC) {
    const read = await createIdentityStore(deps.machines.member(fleet, place), { signal }).read(path);
    if (read.type !== 'content') throw toolFailure(`The copy on ${place}`, read);
    return read.bytes;
  }
  const [snapshot = '', ...rest] = path.split(':');
  return fromRestic(deps, fleet, signal, async (host) => {
    const dumped = await createRestic(host, { signal }).dump(sourceOf(identityOf(fleet)), snapshot, rest.join(':'));
    if (dumped.type !== 'content') throw resticFailure(host, dumped);
    return dumped.bytes;
  });
}

/** The first member whose restic answers: a fresh host need not have the password yet. */
async function fromRestic<T>(
  deps: Deps,
  fleet: Fleet,
  signal: AbortSignal,
  ask: (host: Host) => Promise<T>,
): Promise<T> {
  const problems: string[] = [];
  for (const name of Object.keys(fleet.members)) {
    const host = deps.machines.member(fleet, name);
    try {
      return await ask(host);
    } catch (error) {
      if (signal.aborted || !(error instanceof HostError || error instanceof ApplicationFailure)) throw error;
      problems.push(`${name}: ${error.message}`);
    }
  }
  throw failure('Unexpected', `No member could ask restic. ${problems.join('; ')}`);
}

const sourceOf = ({ restic }: IdentityDeclaration) => {
  if (restic === undefined) throw failure('BadConfig', 'runbook.yaml has no identity.restic.');
  return { ...restic, tag: TAG };
};
