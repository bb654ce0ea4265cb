import { describe, expect, it } from '@jest/globals';
import type { RunView } from '../../plan/run.ts';
import { viewOf } from '../temporal/simulated-fleet.ts';
import { aLab } from './a-lab.ts';
import { handsOn, outcomeOf } from './hands.ts';
import { guestOn, memberPool } from './member-pool.ts';
import { NO_WAY_IN } from './releases.ts';
import { aLabWorker } from './worker.ts';

const lab = aLab();
const worker = aLabWorker(lab);
const { release, deploy, systemOf, generationsOf, versionOf, page, canariesOn, activating, clientsOf, text } =
  handsOn(lab);
const onAMember = memberPool();

const TIMEOUT_MS = 240_000;

/** Runs an upgrade that has to leave the node as it was, and well. */
async function rolledBack(node: string, revision: string, failure: string): Promise<RunView> {
  const before = await systemOf(node);
  const view = await worker().upgrade(node, revision);
  expect(outcomeOf(view)).toBe(`RolledBack ${failure}`);
  expect(await systemOf(node)).toEqual(before);
  expect(await text(node, 'systemctl', 'list-units', '--failed', '--no-legend')).toBe('');
  expect((await page(node, 8080)).status).toBe(200);
  return view;
}

/** Runs an upgrade in the middle of whose activation `interrupt` strikes; it has to get there all the same. */
async function getsThere(member: string, hook: string, interrupt: () => void): Promise<void> {
  const { revision, version } = await release(member, { hook });
  const handle = await worker().start(member, revision);
  await activating(member);
  interrupt();
  expect(outcomeOf(await viewOf(handle))).toBe('Done');
  const after = await systemOf(member);
  expect(after).toMatchObject({ running: after.profile, bootsNext: after.profile });
  expect(await page(member, 8080)).toMatchObject({ status: 200, body: { version } });
  expect(await canariesOn(member)).toEqual([]);
}

/** Signals the deploy-rs client that works on a member. */
function signal(member: string, name: NodeJS.Signals): void {
  const clients = clientsOf(member);
  expect(clients).toHaveLength(1);
  for (const pid of clients) process.kill(pid, name);
}

/** Nothing is set for the next boot any more but what runs. */
async function settle(member: string): Promise<void> {
  expect(await deploy(member, (await release(member)).revision)).toBe(0);
}

// On real hosts, several at a time: each test has a member of its own. The longest come first.
describe('deploy-rs does what it does, and a run says what it was and leaves the machine right', () => {
  it.concurrent(
    'a release that stops sshd: magic rollback; its canary does not deceive the next run of the same closure',
    () =>
      onAMember(async (member) => {
        // NixOS starts what is to run and does not; in the lab a hook does.
        const former = await release(member, { hook: 'systemctl start ssh' });
        expect(outcomeOf(await worker().upgrade(member, former.revision))).toBe('Done');
        const hook = 'test -e /run/keep-ssh || systemctl --no-block stop ssh';
        const { revision, version } = await release(member, { hook });
        await rolledBack(member, revision, 'MagicRollback');
        expect(await canariesOn(member)).toHaveLength(1);
        await text(member, 'touch', '/run/keep-ssh');
        expect(outcomeOf(await worker().upgrade(member, revision))).toBe('Done');
        expect(await versionOf(member)).toBe(version);
        expect(await canariesOn(member)).toEqual([]);
      }),
    TIMEOUT_MS,
  );

  it.concurrent(
    'a release that lets nobody in, over one that was set for the next boot: both are as before',
    () =>
      onAMember(async (member) => {
        const pending = await release(member);
        expect(await deploy(member, pending.revision, '--boot')).toBe(0);
        const { profile, running, bootsNext } = await systemOf(member);
        expect(profile).not.toBe(running);
        expect(bootsNext).toBe(profile);
        const { revision } = await release(member, { firewall: NO_WAY_IN });
        const { result } = await rolledBack(member, revision, 'MagicRollback');
        expect(result?.summary).toContain(`${member} runs ${await versionOf(member)}`);
        await settle(member);
      }),
    TIMEOUT_MS,
  );

  it.concurrent(
    'a release that lets nobody in: magic rollback',
    () =>
      onAMember(async (member) => {
        const { revision } = await release(member, { firewall: NO_WAY_IN });
        await rolledBack(member, revision, 'MagicRollback');
      }),
    TIMEOUT_MS,
  );

  it.concurrent(
    'an unhealthy release of a host goes back',
    () =>
      onAMember(async (member) => {
        const { revision } = await release(member, { healthy: false });
        const before = await systemOf(member);
        expect(outcomeOf(await worker().upgrade(member, revision))).toBe('RolledBack Unhealthy');
        expect(await systemOf(member)).toEqual(before);
      }),
    TIMEOUT_MS,
  );

  it.concurrent(
    'an unhealthy release of a guest goes back',
    () =>
      onAMember(async (member) => {
        const guest = guestOn(member);
        const { revision } = await release(guest, { healthy: false });
        const before = await systemOf(guest);
        expect(outcomeOf(await worker().upgrade(guest, revision))).toBe('RolledBack Unhealthy');
        expect(await systemOf(guest)).toEqual(before);
        // What comes to its member next is not to find the unhealthy one.
        await release(guest);
      }),
    TIMEOUT_MS,
  );

  it.concurrent(
    'a client that is interrupted: the host goes back by itself, and the deployment is begun anew',
    () =>
      onAMember((member) =>
        getsThere(member, 'sleep 3', () => {
          signal(member, 'SIGINT');
        }),
      ),
    TIMEOUT_MS,
  );

  it.concurrent(
    'a client that is killed while the activation prints: what is half-way is undone and done anew',
    () =>
      onAMember((member) =>
        getsThere(member, 'for i in $(seq 30); do echo $i; sleep 0.1; done', () => {
          signal(member, 'SIGKILL');
        }),
      ),
    TIMEOUT_MS,
  );

  it.concurrent(
    'a system that was set for the next boot and cannot be activated: it stays set, and the former one runs',
    () =>
      onAMember(async (member) => {
        const { revision } = await release(member, { hook: 'exit 1' });
        expect(await deploy(member, revision, '--boot')).toBe(0);
        await rolledBack(member, revision, 'ActivationFailed');
        await settle(member);
      }),
    TIMEOUT_MS,
  );

  it.concurrent.each([
    ['exits 1', 'exit 1'],
    ['exits 100', 'exit 100'],
    ['leaves a unit failed', 'systemd-run --quiet --unit=broken --service-type=oneshot false || exit 4'],
  ])(
    'an activation that %s goes back',
    (_, hook) =>
      onAMember(async (member) => {
        const { revision, version } = await release(member, { hook });
        const { result } = await rolledBack(member, revision, 'ActivationFailed');
        expect(result?.failure?.message).toContain(`${member} did not take ${version}; ${member} is back at`);
      }),
    TIMEOUT_MS,
  );

  it.concurrent(
    'an activation that fails in a guest goes back',
    () =>
      onAMember(async (member) => {
        const { revision } = await release(guestOn(member), { hook: 'exit 1' });
        await rolledBack(guestOn(member), revision, 'ActivationFailed');
        await release(guestOn(member));
      }),
    TIMEOUT_MS,
  );

  it.concurrent(
    'an unchanged closure is left alone, also where its activation would fail now',
    () =>
      onAMember(async (member) => {
        const { revision, version } = await release(member, { hook: 'test ! -e /run/broken' });
        const before = await generationsOf(member);
        expect(outcomeOf(await worker().upgrade(member, revision))).toBe('Done');
        const [after, generations] = [await systemOf(member), await generationsOf(member)];
        expect(after).toMatchObject({ running: after.profile, bootsNext: after.profile });
        expect(generations.split('\n')).toHaveLength(before.split('\n').length + 1);
        expect(await versionOf(member)).toBe(version);
        await text(member, 'touch', '/run/broken');
        expect(outcomeOf(await worker().upgrade(member, revision))).toBe('AlreadySo');
        expect([await systemOf(member), await generationsOf(member)]).toEqual([after, generations]);
        await text(member, 'rm', '/run/broken');
      }),
    TIMEOUT_MS,
  );
});
