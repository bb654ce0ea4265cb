import { describe, expect, it } from '@jest/globals';
import { aLab } from './a-lab.ts';
import { deployingOn } from './deploying.ts';
import { handsOn, outcomeOf } from './hands.ts';
import { aLabWorker } from './worker.ts';

const lab = aLab();
const worker = aLabWorker(lab);
const deploying = deployingOn(lab, worker);
const { page, clientsOf, bootOf, text, release, deploy, versionOf } = handsOn(lab);

describe('a deployment to a real host is interrupted', () => {
  it('by a kill -9 of the worker, in the middle of the activation of a host and of a guest', async () => {
    const runs = [await deploying('n1', 'sleep 12'), await deploying('g2', 'sleep 8')];
    await worker().kill();
    await worker().restart();
    await Promise.all(runs.map((run) => run.getsThere()));
  }, 240_000);

  it('by the loss of the worker’s machine, while the activation prints', async () => {
    const run = await deploying('n1', 'for i in $(seq 40); do echo $i; sleep 0.1; done');
    await worker().lose();
    expect(clientsOf('n1')).toEqual([]);
    await worker().restart();
    await run.getsThere();
  }, 240_000);

  it('by a power cut of the host: the run waits, and goes on when it is back', async () => {
    const before = await bootOf('n3');
    const run = await deploying('n3', 'sleep 8');
    await lab().power.off('n3');
    await run.waits();
    await lab().power.on('n3');
    await run.getsThere();
    expect(await bootOf('n3')).not.toBe(before);
    expect((await page('g3', 8081)).status).toBe(200);
  }, 300_000);

  it('by a cut of its network: the host goes back by itself, and the run goes on when it is reached again', async () => {
    const run = await deploying('n2', 'sleep 3');
    await lab().cut('n2');
    await run.waits();
    await lab().heal('n2');
    await run.getsThere();
    expect(await text('n2', 'incus', 'list', '-f', 'csv', '-c', 's', 'g2')).toBe('RUNNING');
  }, 300_000);

  it.each(['n1', 'g1'])(
    'and its copy to %s was damaged by a loss of power: it is copied again',
    async (node) => {
      const { revision, version } = await release(node);
      expect(await deploy(node, revision, '--dry-activate')).toBe(0);
      const system = await text(node, 'sh', '-c', `echo /nix/store/*-nixos-system-${node}-${version}`);
      await text(node, 'truncate', '--size=0', `${system}/nixos-version`);
      await text(node, 'rm', '-r', `${system}/bin`);
      expect(outcomeOf(await worker().upgrade(node, revision))).toBe('Done');
      expect(await versionOf(node)).toBe(version);
    },
    240_000,
  );

  it('or is not let in, as the host has another key than the declared one: it says so, and changes nothing', async () => {
    // The worker's own connection is open since; only deploy-rs makes a new one.
    expect(outcomeOf(await worker().upgrade('n2', (await release('n2')).revision))).toBe('Done');
    const before = await versionOf('n2');
    const { revision } = await release('n2');
    const key = '/etc/ssh/ssh_host_ed25519_key';
    await text('n2', 'cp', '-p', key, '/root/key');
    await text('n2', 'sh', '-c', `rm ${key} && ssh-keygen -q -t ed25519 -N '' -f ${key} && systemctl restart ssh`);
    const { result } = await worker().upgrade('n2', revision);
    await text('n2', 'sh', '-c', `mv /root/key ${key} && systemctl restart ssh`);
    expect(result).toMatchObject({ outcome: 'Failed', unchanged: true, failure: { type: 'GateRefused' } });
    expect(result?.failure?.message).toContain('its host key is not the one that is declared');
    expect(await versionOf('n2')).toBe(before);
  }, 240_000);
});
