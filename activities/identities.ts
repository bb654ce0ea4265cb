import { homedir } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { RESTIC, type MemberIdentities, type SavedIdentity } from '../plan/identity.ts';
import { decrypt, recipientsIn } from '../tools/age.ts';
import { archiveIdentity } from '../tools/identity-archive.ts';
import { unpackIdentity } from '../tools/identity-restore.ts';
import { createIncus } from '../tools/incus.ts';
import { programVersion } from '../tools/programs.ts';
import { readTar } from '../tools/tar.ts';
import type { IdentityActivities, RunRef } from './contract.ts';
import type { Deps } from './deps.ts';
import { expecting } from './expecting.ts';
import { failure, toolFailure } from './failure.ts';
import { guarded, type ActivityContext } from './guard.ts';
import { readIdentity } from './identity-manifest.ts';
import {
  copiesOf,
  fetchCopy,
  identityOf,
  keepInRestic,
  keepOn,
  keptOn,
  orProblem,
  type Copy,
} from './identity-places.ts';
import { STATE_DIR } from './join-mark.ts';

/** Its database is written every few seconds, for some milliseconds. */
const TRIES = 20;
const APART_MS = 300;

type OfMember = RunRef & { member: string };

/** Who each member is to its cluster: encrypted on it, kept elsewhere, and brought back. */
export function createIdentityActivities(deps: Deps): IdentityActivities {
  return {
    resolveIdentities: guarded(async ({ fleet: ref, member }) => {
      const fleet = await deps.fleetAt(ref);
      const { restic } = identityOf(fleet);
      const places = Object.keys(fleet.members);
      if (member !== undefined && !places.includes(member))
        throw failure('BadConfig', `runbook.yaml has no member ${member}.`);
      return { members: member === undefined ? places : [member], places, restic: restic !== undefined };
    }),
    observeIdentities: guarded(async ({ fleet: ref }, { signal }) => {
      const fleet = await deps.fleetAt(ref);
      return {
        members: await Promise.all(Object.keys(fleet.members).map((name) => lookAt(deps, fleet, name, signal))),
      };
    }),
    saveIdentity: guarded((input, context) => saveIdentity(deps, input, context)),
    findIdentities: guarded(async ({ fleet, member }, { signal }) =>
      copiesOf(deps, await deps.fleetAt(fleet), member, signal),
    ),
    restoreIdentity: guarded((input, context) => restoreIdentity(deps, input, context)),
  };
}

type Fleet = Awaited<ReturnType<Deps['fleetAt']>>;

async function lookAt(deps: Deps, fleet: Fleet, name: string, signal: AbortSignal): Promise<MemberIdentities> {
  const host = deps.machines.member(fleet, name);
  const copies = await orProblem(() => keptOn(host, signal), signal);
  if ('problem' in copies) return { name, away: copies.problem, copies: [] };
  const ready = await orProblem(async () => {
    if ((await programVersion(host, ['age', '--version'], { signal })).type === 'missing') throw noAge(name);
    const { clustered } = expecting(await createIncus(host, { signal }).identity(), 'identity', name);
    if (!clustered) throw failure('Unexpected', `${name} is no member of a cluster.`);
    return {};
  }, signal);
  return { name, copies, ...ready };
}

const noAge = (name: string) =>
  failure('NotRun', `age is not on ${name}: add it to the packages of that host (environment.systemPackages).`);

async function saveIdentity(
  deps: Deps,
  { fleet: ref, name: run, member, takenAt }: OfMember & { takenAt: string },
  context: ActivityContext,
): Promise<SavedIdentity> {
  const { signal, report } = context;
  const fleet = await deps.fleetAt(ref);
  const declared = identityOf(fleet);
  const encrypted = await encryptOn(deps, fleet, { run, member, takenAt }, signal);
  const copy: Copy = { member, takenAt, run, encrypted };
  const saved: SavedIdentity = { member, copies: [], missed: [], removed: [] };
  for (const place of Object.keys(fleet.members).filter((name) => name !== member)) {
    report({ progress: `a copy on ${place}` });
    const kept = await orProblem(() => keepOn(deps.machines.member(fleet, place), copy, declared, signal), signal);
    if ('problem' in kept) saved.missed.push({ place, ...kept });
    else {
      saved.copies.push(kept.copy);
      if (kept.removed > 0) saved.removed.push({ place, number: kept.removed });
    }
  }
  if (declared.restic !== undefined) {
    report({ progress: 'a copy in restic' });
    const host = deps.machines.member(fleet, member);
    const kept = await orProblem(() => keepInRestic(host, copy, declared, signal), signal);
    if ('problem' in kept) saved.missed.push({ place: RESTIC, ...kept });
    else saved.copies.push(kept);
  }
  if (saved.copies.length === 0)
    throw failure(
      'Unreachable',
      `No place has taken the identity of ${member}: ${saved.missed.map(({ place, problem }) => `${place}: ${problem}`).join('; ')}`,
    );
  return saved;
}

/** As it leaves the host. It is read anew where Incus wrote meanwhile. */
async function encryptOn(
  deps: Deps,
  fleet: Fleet,
  { run, member, takenAt }: { run: string; member: string; takenAt: string },
  signal: AbortSignal,
): Promise<Buffer> {
  const { recipients } = identityOf(fleet);
  const host = deps.machines.member(fleet, member);
  const identity = expecting(await createIncus(host, { signal }).identity(), 'identity', member);
  const address = fleet.members[member]?.address ?? '';
  const { fingerprint, version: incusVersion } = identity;
  const manifest = { member, fingerprint, incusVersion, address, takenAt, run };
  for (let tries = 1; ; tries += 1) {
    const archived = await archiveIdentity(host, { run, manifest, recipients }, { signal });
    switch (archived.type) {
      case 'archived': {
        const named = recipientsIn(archived.encrypted);
        if (named === recipients.length) return archived.encrypted;
        throw failure(
          'Unexpected',
          `age on ${member} has encrypted to ${named ?? 'no'} recipients, not to ${recipients.length}.`,
        );
      }
      case 'changing':
        if (tries >= TRIES) throw failure('Busy', `${member}: its database is written all the time.`);
        await delay(APART_MS, undefined, { signal });
        break;
      case 'no age':
        throw noAge(member);
      case 'bad recipient':
        throw failure('BadConfig', `age takes a recipient of runbook.yaml for none: ${archived.message}`);
      case 'incomplete':
        throw failure('NotFound', `${member} is no member of a cluster: ${archived.message}`);
      case 'unexpected':
        throw toolFailure(`The identity of ${member}`, archived);
    }
  }
}

async function restoreIdentity(
  deps: Deps,
  { fleet: ref, name: run, member, place, path }: OfMember & { place: string; path: string },
  { signal }: ActivityContext,
): Promise<{ staged: string; takenAt: string }> {
  const fleet = await deps.fleetAt(ref);
  const { identityFile } = identityOf(fleet);
  if (identityFile === undefined)
    throw failure('BadConfig', 'runbook.yaml has no identity.identityFile: no copy can be decrypted by itself.');
  const what = `The copy ${path} (${place})`;
  const encrypted = await fetchCopy(deps, fleet, { place, path }, signal);
  const archive = await plain(deps, encrypted, identityFile.replace(/^~(?=\/)/, homedir()), what, signal);
  const files = readTar(archive);
  if (files === undefined) throw failure('Damaged', `${what} has no archive in it.`);
  const read = readIdentity(files, member);
  if (read.type === 'problem') throw failure('Damaged', `${what}: ${read.problem}.`);
  const staged = `${STATE_DIR}/identity-${run}`;
  const unpacked = await unpackIdentity(
    deps.machines.member(fleet, member),
    { folder: staged, archive, files },
    { signal },
  );
  if (unpacked.type === 'different')
    throw failure('Unexpected', `What is in ${staged} on ${member} is not what was sent.`);
  if (unpacked.type === 'unexpected') throw toolFailure(`Unpacking into ${staged} on ${member}`, unpacked);
  return { staged, takenAt: read.manifest.takenAt };
}

async function plain(
  deps: Deps,
  encrypted: Buffer,
  identityFile: string,
  what: string,
  signal: AbortSignal,
): Promise<Buffer> {
  const answer = await decrypt(deps.local, encrypted, identityFile, { signal });
  switch (answer.type) {
    case 'plain':
      return answer.bytes;
    case 'wrong key':
      throw failure('WrongKey', `${what}: no key in ${identityFile} on the worker is that of a recipient.`);
    case 'no key file':
      throw failure('BadConfig', `identity.identityFile cannot be read on the worker: ${answer.message}`);
    case 'damaged':
      throw failure('Damaged', `${what} is damaged: ${answer.message}`);
    case 'no age':
      throw failure('NotRun', 'age is not on the worker.');
    case 'unexpected':
      throw toolFailure(what, answer);
  }
}
