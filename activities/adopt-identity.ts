import type { Host } from '../hosts/host.ts';
import { createIncusState } from '../tools/incus-state.ts';
import { createZfsDatasets } from '../tools/zfs-datasets.ts';
import { expecting } from './expecting.ts';
import { failure } from './failure.ts';
import type { ActivityContext } from './guard.ts';
import { STATE_DIR } from './join-mark.ts';
import { contentsOf } from './kept-dataset.ts';
import { treeOf } from './rejoin-pools.ts';

/**
 * A staged identity in the place of the server's own. The key comes last: a server that has it has all of it, and is only
 * started. What was there goes to a folder of the run on that host.
 */
export async function adoptIdentity(
  host: Host,
  { staged, runName, pools }: { staged: string; runName: string; pools: readonly { name: string; dataset: string }[] },
  { signal, attempt, report }: ActivityContext,
): Promise<'done' | 'already'> {
  const state = createIncusState(host, { signal });
  const has = async (): Promise<boolean> => expecting(await state.hasIdentity(staged), 'identity', host.name).same;
  if (await has()) {
    expecting(await state.start(), 'started', host.name);
    return 'already';
  }
  const zfs = createZfsDatasets(host, { signal });
  const datasets: Record<string, string[]> = {};
  for (const { name, dataset } of pools) datasets[name] = contentsOf(dataset, await treeOf(zfs, host, dataset));
  report({ progress: 'stopping the new Incus' });
  expecting(await state.stop(), 'stopped', host.name);
  const aside = `${STATE_DIR}/set-aside/${runName}-${attempt}`;
  expecting(await state.adopt(staged, aside, datasets), 'adopted', host.name);
  expecting(await state.start(), 'started', host.name);
  if (!(await has())) throw failure('Unexpected', `${host.name} does not have the identity that was put there.`);
  return 'done';
}
