import { describe, expect, it } from '@jest/globals';
import { volumeRecord } from '../../activities/observe-restore.ts';
import type { Incus } from '../../tools/incus.ts';
import type { VolumeRecord } from '../../tools/incus-records.ts';

const recordIn = (pool: string): VolumeRecord => ({
  ...{ pool, project: 'default', name: 'data', description: '', config: { size: pool } },
});

/** Where several pools have a volume of that name, another one would be replaced by the restored one. */
describe('what the cluster knows of a volume', () => {
  const of = (pools: string[], pool?: string): Promise<VolumeRecord | undefined> => {
    const incus = {
      storagePools: () => Promise.resolve({ type: 'storage pools', pools: pools.map((name) => ({ name })) }),
      volumeRecords: () => Promise.resolve({ type: 'volume records', volumes: pools.map(recordIn) }),
    } as unknown as Incus;
    const own = { project: 'default', name: 'data', member: 'n1', ...(pool === undefined ? {} : { pool }) };
    return volumeRecord(incus, own, 'n1');
  };

  it('is that of the pool which is declared, whichever comes first', async () => {
    for (const pools of [
      ['fast', 'slow'],
      ['slow', 'fast'],
    ])
      expect(await of(pools, 'slow')).toMatchObject({ pool: 'slow' });
  });

  it('is that of the only pool which has it, wherever it was to be', async () => {
    expect(await of(['fast'], 'slow')).toMatchObject({ pool: 'fast' });
    expect(await of(['fast'])).toMatchObject({ pool: 'fast' });
    expect(await of([])).toBeUndefined();
  });

  it('is not guessed at where several have it', async () => {
    await expect(of(['fast', 'slow'])).rejects.toMatchObject({ type: 'BadConfig' });
    await expect(of(['fast', 'slow'], 'other')).rejects.toMatchObject({ type: 'BadConfig' });
  });
});
