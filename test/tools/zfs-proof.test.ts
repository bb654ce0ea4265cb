import { describe, expect, it } from '@jest/globals';
import { zfsProofs, type StoredProof } from '../../tools/zfs-proof.ts';
import { fakeHost } from './fake-host.ts';

const proof: StoredProof = {
  ...{ outcome: 'failed', at: '2026-11-28T02:14:00.000Z', guid: '1', snapshotAt: '2026-11-28T02:00:00.000Z' },
  words: '',
};

describe('what is noted of a replica', () => {
  it.each(['a\u2028b', 'a\rb', 'a\tb', 'a\nb'])('is read whatever is in its words: %j', async (words) => {
    const value = JSON.stringify({ ...proof, words });
    const host = fakeHost(() => ({ stdout: `tank/r\trunbook:proven\t${value}\n` }));
    const { proofs } = (await zfsProofs(host)) as { proofs: Map<string, StoredProof> };
    expect(proofs.get('tank/r')).toEqual({ ...proof, words });
  });
});
