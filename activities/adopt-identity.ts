import { X509Certificate } from 'node:crypto';
import type { Host } from '../hosts/host.ts';
import { createIncusState } from '../tools/incus-state.ts';
import { createZfsDatasets } from '../tools/zfs-datasets.ts';
import { expecting } from './expecting.ts';
import { failure } from './failure.ts';
import type { ActivityContext } from './guard.ts';
import { STATE_DIR } from './join-mark.ts';
import { contentsOf } from './kept-dataset.ts';
import { bringIncusToDisk } from './on-disk.ts';
import { plainly } from './plainly.ts';
import { treeOf } from './rejoin-pools.ts';

interface Adopted {
  /** The folder on the host that it was unpacked into. */
  staged: string;
  /** Of the cluster's certificate, as another member has it. */
  fingerprint: string;
  runName: string;
  pools: readonly { name: string; dataset: string }[];
}

/**
 * A staged identity in the place of the server's own. The key comes last: a server that has it has all of it, and is only
 * started. What was there goes to a folder of the run on that host.
 */
export async function adoptIdentity(
  host: Host,
  { staged, fingerprint, runName, pools }: Adopted,
  { signal, attempt, report }: ActivityContext,
): Promise<'done' | 'already'> {
  const state = createIncusState(host, { signal });
  const has = async (): Promise<boolean> => expecting(await state.hasIdentity(staged), 'identity', host.name).same;
  if (await has()) {
    expecting(await state.start(), 'started', host.name);
    return 'already';
  }
  await requireSameCluster(host, staged, fingerprint, signal);
  const zfs = createZfsDatasets(host, { signal });
  const datasets: Record<string, string[]> = {};
  for (const { name, dataset } of pools) datasets[name] = contentsOf(dataset, await treeOf(zfs, host, dataset));
  report({ progress: 'stopping the new Incus' });
  expecting(await state.stop(), 'stopped', host.name);
  const aside = `${STATE_DIR}/set-aside/${runName}-${attempt}`;
  expecting(await state.adopt(staged, aside, datasets), 'adopted', host.name);
  await bringIncusToDisk(host, signal);
  expecting(await state.start(), 'started', host.name);
  if (!(await has())) throw failure('Unexpected', `${host.name} does not have the identity that was put there.`);
  return 'done';
}

async function requireSameCluster(host: Host, staged: string, wanted: string, signal: AbortSignal): Promise<void> {
  const argv = ['cat', `${staged}/cluster.crt`];
  const { exitCode, stdout, stderr } = await host.run(argv, { timeoutMs: TIMEOUT_MS, signal });
  if (exitCode !== 0) throw failure('NotRun', `${argv.join(' ')} on ${host.name}: ${stderr.trim()}`);
  const found = new X509Certificate(stdout).fingerprint256.replaceAll(':', '').toLowerCase();
  if (found === wanted) return;
  throw failure(
    'GateRefused',
    'The saved identity is of a cluster with another certificate: it was changed since, or it is another cluster. With --anew the member joins without it.',
  );
}

/** The private keys are in Incus's own folder by then. */
export const removeStaged = (host: Host, runName: string, signal: AbortSignal): Promise<void> =>
  plainly(host, ['rm', '-rf', '--', `${STATE_DIR}/identity-${runName}`], signal);

const TIMEOUT_MS = 30_000;
