import { rm } from 'node:fs/promises';
import type { Fleet } from '../fleet/schema.ts';
import { createGuestKey, type GuestKey, type GuestKeys } from '../tools/guest-key.ts';
import type { GuestRef, RotationActivities } from './contract.ts';
import type { Deps } from './deps.ts';
import { failure, toolFailure } from './failure.ts';
import { guarded } from './guard.ts';
import { observeRotation, rotationScope } from './observe-rotation.ts';
import { reencrypt, refOf } from './reencrypt.ts';
import { scratchOf, secretsAt } from './secrets-at.ts';
import { commitsOf } from './secrets-branch.ts';
import { takeBackSecrets } from './take-back-secrets.ts';

/** A guest's key is changed: inside the guest, and in the files that it reads. Each looks, acts, looks again. */
export function createRotationActivities(deps: Deps): RotationActivities {
  const keyOf = (fleet: Fleet, { guest, name }: GuestRef, signal: AbortSignal): GuestKey =>
    createGuestKey(deps.machines.node(fleet, guest), fleet.secrets.guestKeyFile, name, { signal });
  const open = async (input: GuestRef, signal: AbortSignal): Promise<{ fleet: Fleet; key: GuestKey }> => {
    const fleet = await deps.fleetAt(input.fleet);
    return { fleet, key: keyOf(fleet, input, signal) };
  };

  return {
    resolveRotation: guarded(async ({ fleet, guest }) => rotationScope(await deps.fleetAt(fleet), guest)),
    observeRotation: guarded((input, context) => observeRotation(deps, input, context)),
    reencryptSecrets: guarded((input, context) => reencrypt(deps, input, context)),

    makeGuestKey: guarded(async (input, { signal }) => {
      const { key } = await open(input, signal);
      const [next = ''] = keysOf(input.guest, await key.make());
      const now = keysOf(input.guest, await key.recipients());
      if (next === input.old || !now.includes(next) || !now.includes(input.old))
        throw failure('Unexpected', `${input.guest} has other keys than the old and a new one: ${now.join(', ')}.`);
      return { key: next };
    }),

    keepGuestKey: guarded(async (input, { signal }) => {
      const { guest, keep, old, next } = input;
      const { key } = await open(input, signal);
      const before = keysOf(guest, await key.recipients());
      const now = keysOf(guest, await (keep === 'new' ? key.keepNew() : key.keepOld()));
      const isRight = keep === 'new' ? now.length === 1 && now[0] === next : now.includes(old) && !now.includes(next);
      if (!isRight) throw failure('Unexpected', `${guest} has other keys than it was to have: ${now.join(', ')}.`);
      return before.length === now.length ? 'already' : 'done';
    }),

    tryGuestKey: guarded(async (input, { signal, report }) => {
      const { guest, revision, paths, which } = input;
      const { fleet, key } = await open(input, signal);
      const secrets = await secretsAt(deps, fleet, revision, signal);
      const reads: string[] = [];
      for (const path of paths) {
        report({ progress: path });
        const file = await secrets.read(path);
        for (const { enc } of file?.file.stanzas ?? []) {
          const tried = await key.unwraps(enc, which);
          if (tried.type === 'no key file')
            throw failure('Unexpected', `The ${which} key of ${guest} is not there: ${tried.message}`);
          if (tried.type === 'unexpected') throw toolFailure(`${path} in ${guest}`, tried);
          if (tried.type === 'wrong key') continue;
          reads.push(path);
          break;
        }
      }
      return reads;
    }),

    takeBackSecrets: guarded((input, { signal }) => takeBackSecrets(deps, input, signal)),

    tidyRotation: guarded(async (input, { signal }) => {
      const { name, keep } = input;
      const commits = await commitsOf(deps, input, signal);
      if (keep !== undefined) {
        const set = await commits.setRef(`refs/heads/runbook/${name}`, keep);
        if (set.type !== 'set') throw toolFailure('The branch of the run', set);
      }
      for (const phase of ['hand-over', 'cut', 'back']) {
        const deleted = await commits.deleteRef(refOf(name, phase));
        if (deleted.type !== 'deleted') throw toolFailure('References of the run', deleted);
      }
      await rm(scratchOf(deps, name), { recursive: true, force: true });
    }),
  };
}

export function keysOf(guest: string, answer: GuestKeys): string[] {
  switch (answer.type) {
    case 'keys':
      return answer.recipients;
    case 'no age':
      throw failure('NotRun', `age is not in ${guest}: add it to its packages (environment.systemPackages).`);
    case 'no key file':
      throw failure('Unexpected', `The key of ${guest}: ${answer.message}`);
    case 'unexpected':
      throw toolFailure(`The key of ${guest}`, answer);
  }
}
