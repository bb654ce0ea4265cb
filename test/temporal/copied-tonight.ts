import type { Simulation } from '../../simulator/create.ts';

/** As after a night's copy: the members have the snapshots that their replicas on `nuc-1` have. */
export async function copiedTonight({ store }: Simulation): Promise<void> {
  await store.update(({ cluster, machines }) => {
    for (const volume of Object.values(cluster.volumes)) {
      const copied = machines['nuc-1']?.datasets[`tank/replica/${volume.name}`]?.snapshots['snapshot-nightly'];
      if (copied === undefined) continue;
      const createdAt = new Date(copied.creation * 1000).toISOString();
      volume.snapshots['nightly'] = { createdAt, expiresAt: '0001-01-01T00:00:00Z', content: volume.content };
      if (volume.dataset) volume.dataset.snapshots['snapshot-nightly'] = { ...copied, createtxg: '1' };
    }
  });
}
