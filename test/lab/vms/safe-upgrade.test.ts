import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { RunView } from '../../../plan/run.ts';
import { aLab } from '../a-lab.ts';
import { aLabWorker } from '../worker.ts';

const lab = aLab('vms');
const worker = aLabWorker(lab);
jest.setTimeout(20 * 60_000);

const versionOf = async (node: string): Promise<string> =>
  (await lab().run(node, ['cat', '/run/current-system/nixos-version'])).stdout.trim();
const script = async (node: string, text: string): Promise<string> => {
  const { exitCode, stdout, stderr } = await lab().run(node, ['sh', '-ec', text]);
  expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 });
  return stdout.trim();
};
const snapshotsOn = (host: string): Promise<string> =>
  script(host, 'zfs list -H -t snapshot -o name -r tank/incus/containers tank/incus/custom');
const refusals = (view: RunView): string[] =>
  view.gates.filter(({ verdict }) => verdict === 'refused').map(({ name, message }) => `${name}: ${message}`);

describe('safe-upgrade on virtual hosts', () => {
  beforeEach(async () => {
    await lab().reset();
  });

  it('upgrades a member, its guest and the guest’s container, with snapshots of ZFS', async () => {
    await lab().setSpec('n1', { version: '26.05.3', app: 'v2' });
    const revision = await lab().setSpec('g1', { version: '26.05.3', app: 'v2' });
    await lab().publishWeb({ version: 'v2', healthy: true });
    const view = await worker().upgrade('n1', revision);
    expect(view).toMatchObject({ result: { outcome: 'Done' } });
    expect([await versionOf('n1'), await versionOf('g1')]).toEqual(['26.05.3', '26.05.3']);
    expect((await snapshotsOn('n1')).split('\n')).toEqual([
      `tank/incus/containers/g1@snapshot-${view.name}`,
      `tank/incus/custom/default_g1-data@snapshot-${view.name}`,
    ]);
  });

  it('rolls a member back whose new system is unhealthy', async () => {
    const view = await worker().upgrade('n1', await lab().setSpec('n1', { version: '26.05.4', healthy: false }));
    expect(view).toMatchObject({ result: { outcome: 'RolledBack' } });
    expect(await versionOf('n1')).toBe('26.05.1');
  });

  it('upgrades a guest', async () => {
    const view = await worker().upgrade('g2', await lab().setSpec('g2', { version: '26.05.3' }));
    expect(view).toMatchObject({ result: { outcome: 'Done' } });
    expect(await versionOf('g2')).toBe('26.05.3');
  });

  it('rolls a guest back whose new system is unhealthy', async () => {
    const view = await worker().upgrade('g1', await lab().setSpec('g1', { version: '26.05.6', healthy: false }));
    expect(view).toMatchObject({ result: { outcome: 'RolledBack' } });
    expect(await versionOf('g1')).toBe('26.05.1');
  });

  it('refuses where the pool is degraded, and changes nothing', async () => {
    await script(
      'n1',
      'truncate -s 2G /root/mirror; zpool attach -w tank /dev/vdb /root/mirror; zpool offline tank /root/mirror',
    );
    const view = await worker().upgrade('g1', await lab().setSpec('g1', { version: '26.05.3' }));
    expect(view).toMatchObject({ result: { outcome: 'Failed', failure: { type: 'GateRefused' } } });
    expect(refusals(view)).toEqual(['pool: Pool local is DEGRADED.']);
    expect([await versionOf('g1'), await snapshotsOn('n1')]).toEqual(['26.05.1', '']);
  });

  it('refuses where the pool is full, and changes nothing', async () => {
    await lab().pool.fill('n1');
    const view = await worker().upgrade('g1', await lab().setSpec('g1', { version: '26.05.3' }));
    expect(view).toMatchObject({ result: { outcome: 'Failed', failure: { type: 'GateRefused' } } });
    expect(refusals(view)).toEqual([expect.stringMatching(/^pool: Pool local has \d % free/)]);
    expect([await versionOf('g1'), await snapshotsOn('n1')]).toEqual(['26.05.1', '']);
  });
});
