import { failure } from './failure.ts';
import type { ActivityContext } from './guard.ts';
import type { Deps } from './deps.ts';
import type { RecreateActivities } from './contract.ts';
import { sameDataKey } from './reencrypt.ts';
import { secretsAt } from './secrets-at.ts';

/** By what is committed: who is named in it, and whether its data key is one that the old key could have known. */
export async function proveOldKeyOut(
  deps: Deps,
  { fleet: ref, revision, old, paths }: Parameters<RecreateActivities['proveOldKeyOut']>[0],
  { signal, report }: ActivityContext,
): Promise<void> {
  const fleet = await deps.fleetAt(ref);
  const before = await secretsAt(deps, fleet, ref.revision, signal);
  const after = await secretsAt(deps, fleet, revision, signal);
  for (const path of paths) {
    report({ progress: path });
    const [former, now] = [await before.read(path), await after.read(path)];
    if (former === undefined || now === undefined) throw failure('NotReencrypted', `${path} is not encrypted.`);
    if (now.file.stanzas.some(({ recipient }) => recipient === old))
      throw failure('NotReencrypted', `${path} is still encrypted to the old key.`);
    if (await sameDataKey({ deps, fleet, signal }, former.file, now.file))
      throw failure('NotReencrypted', `${path} has the data key that it had: who knew that can still read it.`);
  }
}
