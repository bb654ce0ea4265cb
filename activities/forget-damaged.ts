import type { Host } from '../hosts/host.ts';
import { atOnce } from '../tools/at-once.ts';
import { createNixStore } from '../tools/nix-store.ts';
import type { DeployInput } from './contract.ts';
import type { Deps } from './deps.ts';
import { toolFailure } from './failure.ts';
import type { ActivityContext } from './guard.ts';

/**
 * What an earlier copy of the new system has left damaged on the machine is taken out of its store, so that it is copied
 * again. Nix enters a path for good before its files are safe on the disk (`fsync-store-paths` is off by default), and
 * never copies what it has entered: where the power is lost in between, that system can never be activated.
 * What the machine runs now is left alone. Idempotent.
 */
export async function forgetDamaged(
  { local }: Pick<Deps, 'local'>,
  host: Host,
  { closure, before }: Pick<DeployInput, 'closure' | 'before'>,
  context: ActivityContext,
): Promise<void> {
  const store = createNixStore(host, context);
  const [wanted, inUse] = await atOnce(
    createNixStore(local, context).requisites(closure.path),
    store.requisites(...new Set([before.profilePath, before.runningPath].filter((path) => path !== ''))),
  );
  // deploy-rs builds anew what a collection of garbage has taken since.
  if (wanted.type === 'not found') return;
  if (wanted.type !== 'paths') throw toolFailure(`What ${closure.path} needs`, wanted);
  if (inUse.type !== 'paths') throw toolFailure(`What the system of ${host.name} needs`, inUse);

  const used = new Set(inUse.paths);
  const valid = await store.valid(wanted.paths.filter((path) => !used.has(path)));
  if (valid.type !== 'paths') throw toolFailure(`What ${host.name} has of the new system`, valid);
  if (valid.paths.length === 0) return;
  context.report({ progress: `verifying ${valid.paths.length} store paths that were copied earlier` });
  const damaged = await store.damaged(valid.paths);
  if (damaged.type !== 'paths') throw toolFailure(`Verifying what was copied to ${host.name} earlier`, damaged);
  if (damaged.paths.length === 0) return;
  context.report({ progress: `${damaged.paths.length} store paths are damaged and are copied again` });
  const removed = await store.remove(damaged.paths, valid.paths);
  if (removed.type !== 'removed') throw toolFailure(`Removing damaged store paths from ${host.name}`, removed);
}
