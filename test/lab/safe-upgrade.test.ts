import { describe, expect, it } from '@jest/globals';
import { aLab } from './a-lab.ts';
import { handsOn, outcomeOf } from './hands.ts';
import { aLabWorker } from './worker.ts';

const lab = aLab();
const worker = aLabWorker(lab);
const { release, versionOf, bootOf, text } = handsOn(lab);

/** Each test has a member of its own; what they share is the image that the registry has. */
describe('safe-upgrade on real hosts', () => {
  const webOf = (guest: string): Promise<string> =>
    text(guest, 'podman', 'container', 'inspect', '--format', '{{.ImageDigest}}', 'web');
  const snapshotsOf = async (guest: string): Promise<{ name: string; expires_at: string }[]> =>
    JSON.parse(await text('n2', 'incus', 'query', `/1.0/instances/${guest}/snapshots?recursion=1`)) as {
      name: string;
      expires_at: string;
    }[];

  it('upgrades a member, its guest and the guest’s container; a second run changes nothing', async () => {
    const host = await release('n1', { app: 'v2' });
    const guest = await release('g1', { app: 'v2' });
    const digest = await lab().publishWeb({ version: 'v2', healthy: true });
    const view = await worker().upgrade('n1', guest.revision);
    expect(outcomeOf(view)).toBe('Done');
    expect(await versionOf('n1')).toBe(host.version);
    expect(await versionOf('g1')).toBe(guest.version);
    expect(await webOf('g1')).toBe(digest);
    expect(await snapshotsOf('g1')).toMatchObject([{ name: view.name }]);
    expect(outcomeOf(await worker().upgrade('n1', guest.revision))).toBe('AlreadySo');
    expect(await snapshotsOf('g1')).toHaveLength(1);
  }, 240_000);

  it('rolls a container back whose new image is unhealthy, and leaves the upgraded system', async () => {
    const before = await webOf('g2');
    const { revision, version } = await release('g2');
    await lab().publishWeb({ version: 'v3', healthy: false });
    expect(outcomeOf(await worker().upgrade('g2', revision))).toBe('RolledBack Unhealthy');
    expect(await webOf('g2')).toBe(before);
    expect(await versionOf('g2')).toBe(version);
    await lab().publishWeb({ version: 'v2', healthy: true });
  }, 240_000);

  it('drains a member, restarts it into a new kernel, and starts its instances again', async () => {
    const before = await bootOf('n3');
    const { revision, version } = await release('n3', { kernel: '6.12.9' });
    expect(outcomeOf(await worker().upgrade('n3', revision))).toBe('Done');
    expect(await bootOf('n3')).not.toBe(before);
    expect(await versionOf('n3')).toBe(version);
    await lab().online();
  }, 240_000);
});
