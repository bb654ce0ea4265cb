import { describe, expect, it, jest } from '@jest/globals';
import type { RunView } from '../../../plan/run.ts';
import { aLab } from '../a-lab.ts';
import { deployingOn } from '../deploying.ts';
import { handsOn, outcomeOf } from '../hands.ts';
import { NO_WAY_IN } from '../releases.ts';
import { aLabWorker } from '../worker.ts';

const lab = aLab('vms');
const worker = aLabWorker(lab);
const deploying = deployingOn(lab, worker);
const { release, systemOf, versionOf, page, bootOf, text } = handsOn(lab);
jest.setTimeout(20 * 60_000);

const snapshotsOn = async (host: string): Promise<string[]> => {
  const datasets = ['tank/incus/containers', 'tank/incus/custom'];
  return (await text(host, 'zfs', 'list', '-H', '-t', 'snapshot', '-o', 'name', '-r', ...datasets)).split('\n');
};

/** Runs an upgrade that has to leave the node as it was, and well. */
async function rolledBack(node: string, revision: string, failure: string): Promise<void> {
  const before = await systemOf(node);
  expect(outcomeOf(await worker().upgrade(node, revision))).toBe(`RolledBack ${failure}`);
  expect(await systemOf(node)).toEqual(before);
  expect((await page(node, 8080)).status).toBe(200);
}

/** Runs an upgrade of `g1` that its gates refuse, and resolves with what they say. */
async function refusals(): Promise<string[]> {
  const before = [await systemOf('g1'), await snapshotsOn('n1')];
  const view: RunView = await worker().upgrade('g1', (await release('g1')).revision);
  expect(outcomeOf(view)).toBe('Failed GateRefused');
  expect([await systemOf('g1'), await snapshotsOn('n1')]).toEqual(before);
  return view.gates.filter(({ verdict }) => verdict === 'refused').map(({ name, message }) => `${name}: ${message}`);
}

/** Those that run at the same time leave the cluster as it is; two on one member take turns by themselves. */
describe('safe-upgrade on virtual hosts', () => {
  it.concurrent('upgrades a member, its guest and the guest’s container, with snapshots of ZFS', async () => {
    const member = await release('n1', { app: 'v2' });
    const guest = await release('g1', { app: 'v2' });
    await lab().publishWeb({ version: 'v2', healthy: true });
    const view = await worker().upgrade('n1', guest.revision);
    expect(outcomeOf(view)).toBe('Done');
    expect([await versionOf('n1'), await versionOf('g1')]).toEqual([member.version, guest.version]);
    expect(await page('g1', 8081)).toMatchObject({ status: 200, body: { version: 'v2' } });
    expect(await snapshotsOn('n1')).toEqual([
      `tank/incus/containers/g1@snapshot-${view.name}`,
      `tank/incus/custom/default_g1-data@snapshot-${view.name}`,
    ]);
  });

  it.concurrent('upgrades a guest alone', async () => {
    const { revision, version } = await release('g2');
    expect(outcomeOf(await worker().upgrade('g2', revision))).toBe('Done');
    expect(await versionOf('g2')).toBe(version);
  });

  it.concurrent.each(['n2', 'g3'])('rolls %s back, whose new system is unhealthy', async (node) => {
    await rolledBack(node, (await release(node, { healthy: false })).revision, 'Unhealthy');
    // What comes next is not to find the unhealthy one.
    await release(node);
  });

  it.concurrent('calls it a magic rollback where the new system lets nobody in', async () => {
    await rolledBack('n3', (await release('n3', { firewall: NO_WAY_IN })).revision, 'MagicRollback');
    await release('n3');
  });

  it('goes on after a kill -9 of the worker, in the middle of the activation', async () => {
    const run = await deploying('n1', 'sleep 20');
    await worker().kill();
    await worker().restart();
    await run.getsThere();
  });

  it('waits for a host that lost power in the middle of the activation, and goes on when it is back', async () => {
    const before = await bootOf('n2');
    // Much of what was copied is not on the disk yet, and nix takes itself to have it.
    const run = await deploying('n2', 'sleep 30');
    await lab().power.off('n2');
    await run.waits();
    await lab().power.on('n2');
    await run.getsThere();
    expect(await bootOf('n2')).not.toBe(before);
    await lab().online();
  });

  it('refuses where the pool is degraded, and changes nothing', async () => {
    await text('n1', 'truncate', '-s', '2G', '/root/mirror');
    await text('n1', 'zpool', 'attach', '-w', 'tank', '/dev/vdb', '/root/mirror');
    await text('n1', 'zpool', 'offline', 'tank', '/root/mirror');
    expect(await refusals()).toEqual(['pool: Pool local is DEGRADED.']);
    await text('n1', 'zpool', 'detach', 'tank', '/root/mirror');
  });

  it('refuses where the pool is full, and changes nothing', async () => {
    await lab().pool.fill('n1');
    // The guest's own programs may not be able to write either.
    expect(await refusals()).toContainEqual(expect.stringMatching(/^pool: Pool local has \d % free/));
    await lab().pool.free('n1');
  });
});
