import { replicaName } from '../plan/backup-selection.ts';
import type { ReplicaPair, SourceVolume } from '../plan/nightly-backup.ts';
import { problemOf } from '../plan/problem.ts';
import { inProject } from '../plan/projects.ts';
import {
  planReplication,
  type DatasetFacts,
  type ReplicationDecision,
  type ReplicationPair,
  type ResumeToken,
} from '../plan/replication.ts';
import { zfsInventory, type ReplicationDataset } from '../tools/zfs-inventory.ts';
import { createZfsResume, type ZfsResume } from '../tools/zfs-resume.ts';
import type { Host } from '../hosts/host.ts';
import { toolFailure } from './failure.ts';
import type { TransferEnds } from './transfer-way.ts';

/** One volume and its replica as both hosts have them now, and what is to be done. */
export interface ReplicaFacts {
  volume: SourceVolume;
  source: DatasetFacts;
  target?: DatasetFacts;
  decision: ReplicationDecision;
}

/** `tank/replicas/edge-data` */
export const replicaOf = ({ target }: ReplicaPair, volume: SourceVolume): string =>
  `${target.dataset}/${replicaName(volume)}`;

/** Looks at both ends: two commands for each host and root, and one for each replica that is there in part. Changes nothing. */
export async function observeReplicas(
  ends: Pick<TransferEnds, 'sender' | 'receiver'>,
  pair: ReplicaPair,
  signal: AbortSignal,
): Promise<ReplicaFacts[]> {
  const roots = new Set(pair.volumes.flatMap(({ dataset }) => (dataset === undefined ? [] : [parentOf(dataset)])));
  const sources = new Map<string, ReplicationDataset>();
  for (const root of roots)
    for (const found of await inventory(ends.sender, root, signal)) sources.set(found.name, found);
  const targets = new Map(
    (await inventory(ends.receiver, pair.target.dataset, signal)).map((each) => [each.name, each]),
  );
  const pairs: (ReplicationPair & { volume: SourceVolume })[] = [];
  const missing: ReplicaFacts[] = [];
  for (const volume of pair.volumes) {
    const source = sources.get(volume.dataset ?? '');
    if (source === undefined) {
      missing.push(missingSource(pair, volume));
      continue;
    }
    const targetName = replicaOf(pair, volume);
    const target = targets.get(targetName);
    pairs.push({
      ...{ volume, source, targetName },
      ...(target === undefined ? {} : { target: await withToken(ends.sender, target, signal) }),
    });
  }
  const decisions = planReplication({ pairs, policy: { encrypted: 'raw' } });
  const seen = pairs.map(({ volume, source, target, targetName }) => {
    const decision = decisions.find(({ target: name }) => name === targetName) as ReplicationDecision;
    return { volume, source, ...(target === undefined ? {} : { target }), decision };
  });
  return [...seen, ...missing];
}

/** Somebody has removed it meanwhile. */
function missingSource(pair: ReplicaPair, volume: SourceVolume): ReplicaFacts {
  const name = volume.dataset ?? '';
  const message = `${pair.sender} has no dataset ${name} of volume ${inProject(volume)}.`;
  return {
    volume,
    source: {
      ...{ name, kind: 'filesystem', snapshots: [], bookmarks: [], encrypted: false, keyLoaded: true },
      ...{ usedBytes: 0, writtenBytes: 0 },
    },
    decision: {
      ...{ source: name, target: replicaOf(pair, volume), relation: { type: 'initial' }, abortPartial: false },
      ...{ steps: [], warnings: [], problem: problemOf('NotFound', message) },
    },
  };
}

export const parentOf = (dataset: string): string => dataset.slice(0, dataset.lastIndexOf('/'));

/** Empty where the root is not there yet. */
async function inventory(host: Host, root: string, signal: AbortSignal): Promise<ReplicationDataset[]> {
  const found = await zfsInventory(host, root, { signal });
  if (found.type === 'inventory') return found.datasets;
  if (found.type === 'not found') return [];
  throw toolFailure(`zfs on ${host.name}`, found);
}

/** One dataset as replication sees it; undefined where it is not there. */
export async function datasetOn(
  host: Host,
  name: string,
  signal: AbortSignal,
): Promise<ReplicationDataset | undefined> {
  return (await inventory(host, name, signal)).find((each) => each.name === name);
}

async function withToken(
  sender: Host,
  { token, ...target }: ReplicationDataset,
  signal: AbortSignal,
): Promise<DatasetFacts> {
  if (token === undefined) return target;
  const read = await createZfsResume(sender, { signal }).readToken(token);
  return { ...target, resumeToken: usable(read) ?? { type: 'unreadable', token } };
}

/** One that the sender cannot go on from is as good as none. */
function usable(read: Awaited<ReturnType<ZfsResume['readToken']>>): ResumeToken | undefined {
  if (read.type !== 'token' || !read.sendable) return undefined;
  const { token, toGuid, toName, fromGuid, bytes, raw, compressed, largeBlocks, embedded } = read;
  return {
    ...{ token, toGuid, toName, raw, compressed, largeBlocks, embedded },
    ...(fromGuid === undefined ? {} : { fromGuid }),
    ...(bytes === undefined ? {} : { bytes }),
  };
}
