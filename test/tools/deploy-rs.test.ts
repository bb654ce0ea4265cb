import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { readUnitChanges } from '../../tools/activation-units.ts';
import {
  deployArgv,
  deployJobArgv,
  dryActivate,
  readDeployOutput,
  restartingUnits,
  type Deployment,
} from '../../tools/deploy-rs.ts';
import { scripted } from './fake-host.ts';

const deployment: Deployment = {
  flakeRef: 'git+file:///srv/infra?rev=abc',
  node: 'elitedesk-1',
  profile: 'system',
  host: { address: '10.0.0.1', user: 'root', port: 2222, identityFile: '/home/op/.ssh/key', knownHostsFile: '/run/kh' },
  magicRollback: true,
  autoRollback: false,
  confirmTimeoutSeconds: 30,
  activationTimeoutSeconds: 240,
};
const sshOptions = [
  ...['-p', '2222', '-o', 'BatchMode=yes', '-o', 'StrictHostKeyChecking=yes', '-o', 'ConnectTimeout=15'],
  ...['-o', 'ControlPath=none', '-o', 'ServerAliveInterval=5', '-o', 'ServerAliveCountMax=3'],
  ...['-i', '/home/op/.ssh/key', '-o', 'IdentitiesOnly=yes', '-o', 'UserKnownHostsFile=/run/kh'],
];
const argv = [
  ...['deploy', '--skip-checks', '--hostname', '10.0.0.1', '--ssh-user', 'root', '--ssh-opts', sshOptions.join(' ')],
  ...['--magic-rollback', 'true', '--auto-rollback', 'false'],
  ...['--confirm-timeout', '30', '--activation-timeout', '240'],
];
const TARGET = 'git+file:///srv/infra?rev=abc#elitedesk-1.system';

describe('the command line of a deployment', () => {
  it('ends as a job with the connections that deploy-rs left, and as deploy-rs ended', () => {
    const folder = mkdtempSync(join(tmpdir(), 'rb-'));
    symlinkSync('/bin/sleep', join(folder, 'ssh'));
    const whole = deployJobArgv(deployment);
    const words = whole.slice(0, whole.indexOf('deploy'));
    const client = ['sh', '-c', `${folder}/ssh 0.5 & exit 7`];
    const begun = performance.now();
    const { status } = spawnSync('setsid', ['--wait', ...words, ...client], { stdio: 'ignore' });
    expect(status).toBe(7);
    expect(performance.now() - begun).toBeGreaterThan(450);
    expect(whole.slice(words.length)).toEqual(deployArgv(deployment));
    rmSync(folder, { recursive: true });
  });

  it('is exact', () => {
    expect(deployArgv(deployment)).toEqual([...argv, TARGET]);
  });

  it('has one flag more for the next boot, or to try', () => {
    expect(deployArgv({ ...deployment, boot: true })).toEqual([...argv, '--boot', TARGET]);
    expect(deployArgv({ ...deployment, dryActivate: true })).toEqual([...argv, '--dry-activate', TARGET]);
    expect(() => deployArgv({ ...deployment, boot: true, dryActivate: true })).toThrow(TypeError);
  });

  it('quotes a node whose name is no identifier', () => {
    expect(deployArgv({ ...deployment, node: 'a.example' }).at(-1)).toContain('#"a.example".system');
  });

  it.each([
    ['an address', { host: { ...deployment.host, address: '-oProxyCommand=x' } }],
    ['a key with a space, at which deploy-rs splits', { host: { ...deployment.host, identityFile: '/my key' } }],
    ['a user', { host: { ...deployment.host, user: 'a b' } }],
    ['a node', { node: '"; builtins.abort "' }],
    ['a profile', { profile: '${x}' }],
    ['a flake', { flakeRef: '--file' }],
  ])('is refused with %s that would be taken apart', (_, change) => {
    expect(() => deployArgv({ ...deployment, ...change })).toThrow(TypeError);
  });

  it.each([0, 1.5, 65_536, Number.NaN])('is refused with a time-out of %d s', (confirmTimeoutSeconds) => {
    expect(() => deployArgv({ ...deployment, confirmTimeoutSeconds })).toThrow(RangeError);
  });
});

describe('what deploy-rs claims', () => {
  it.each([
    ['🚀 ℹ️ [deploy] [\u001b[36mINFO\u001b[0m] Deployment confirmed.', 0, 'confirmed'],
    ['🚀 ℹ️ [deploy] [INFO] Success activating, done!', 0, 'activated'],
    ['🚀 ℹ️ [deploy] [INFO] Success activating for next boot, done!', 0, 'set for next boot'],
    ['🚀 ℹ️ [deploy] [INFO] Completed dry-activate!', 0, 'dry-activated'],
    ['[ERROR] Activation cancelled by deployment client', 1, 'cancelled'],
    [
      '[ERROR] Error confirming deployment: SSH confirmation command failed\nssh: connect to host 10.0.0.1 port 22: timed out',
      1,
      'confirmation failed',
    ],
    ['[ERROR] Activating over SSH resulted in a bad exit code: Some(1)', 1, 'activation failed'],
    [
      '[ERROR] Failed to build profile on node n1: Nix build command resulted in a bad exit code: Some(1)',
      1,
      'build failed',
    ],
    [
      '[ERROR] Failed to push profile to node n1: Nix copy command resulted in a bad exit code: Some(1)',
      1,
      'copy failed',
    ],
    ['ssh: connect to host 10.0.0.1 port 22: No route to host\n[ERROR] Failed to push profile', 1, 'unreachable'],
    ['Host key verification failed.\n[ERROR] Failed to push profile', 1, 'refused'],
    ['root@n1: Permission denied (publickey).\n[ERROR] Failed to push profile', 1, 'refused'],
    ['root@n1: Permission denied (publickey).\n[ERROR] Error confirming deployment: …', 1, 'confirmation failed'],
    [
      '[ERROR] SSH wait command command resulted in a bad exit status: exit status: 255. The failed …',
      1,
      'unreachable',
    ],
    [
      '[ERROR] SSH wait command command resulted in a bad exit status: exit status: 1. The failed …',
      1,
      'activation failed',
    ],
    ['[ERROR] the moon is blue', 1, 'unknown'],
    ['[INFO] Deployment confirmed.', 1, 'unknown'],
    ['[ERROR] Failed to get activation confirmation: Timeout\n[INFO] Deployment confirmed.', 0, 'confirmation failed'],
    ['[ERROR] Activation cancelled by deployment client', 0, 'unknown'],
  ])('in %j with exit code %d is %s', (stderr, exitCode, claim) => {
    expect(readDeployOutput({ exitCode, stdout: '', stderr })).toMatchObject({ claim });
  });

  it('keeps apart that it says the host was rolled back', () => {
    const stderr = '[ERROR] Deployment to node n1 failed, rolled back to previous generation';
    expect(readDeployOutput({ exitCode: 1, stdout: '', stderr })).toMatchObject({ saysRolledBack: true });
    expect(readDeployOutput({ exitCode: 0, stdout: '', stderr: 'Deployment confirmed.' })).toMatchObject({
      saysRolledBack: false,
    });
  });
});

describe('the units of an activation', () => {
  const none = { stop: [], start: [], restart: [], reload: [], skip: [], failed: [], systemd: false };

  it('are read from a dry run', () => {
    const output = `would stop the following units: a.service, b.mount
would NOT stop the following changed units: dbus.service
would activate the configuration...
would restart systemd
would reload the following units: nginx.service
would restart the following units: c.service, d.socket
would start the following units: a.service
would restart the following user units: pipewire.service`;
    expect(readUnitChanges(output)).toEqual({
      stop: ['a.service', 'b.mount'],
      skip: ['dbus.service'],
      systemd: true,
      reload: ['nginx.service'],
      restart: ['c.service', 'd.socket'],
      start: ['a.service'],
      failed: [],
    });
  });

  it('are read as they come, coloured and with a prefix', () => {
    const lines = [
      '⭐ ℹ️ [activate] [\u001b[36mINFO\u001b[0m] Activating profile',
      'stopping the following units: a.service',
      'NOT restarting the following changed units: dbus.service',
      'activating the configuration...',
      '\u001b[1mrestarting the following units: incus.service\u001b[0m',
      'starting the following units: a.service',
      'the following new units were started: new.service',
      'warning: the following units failed: incus.service',
    ];
    expect(restartingUnits(lines)).toEqual({
      ...none,
      stop: ['a.service'],
      skip: ['dbus.service'],
      restart: ['incus.service'],
      start: ['a.service'],
      failed: ['incus.service'],
    });
  });

  it('in the singular of older systems are read as well', () => {
    expect(readUnitChanges('restarting the following unit: a.service')).toEqual({ ...none, restart: ['a.service'] });
  });

  it('are none in other words', () => {
    expect(readUnitChanges('copying 4 paths...\nstopping by')).toEqual(none);
  });
});

describe('a dry run', () => {
  const command = deployArgv({ ...deployment, dryActivate: true });

  it('says what would happen', async () => {
    const stderr = 'would restart the following units: lab-app.service\n[INFO] Completed dry-activate!';
    expect(await dryActivate(scripted([command, { stderr }]), deployment)).toMatchObject({
      type: 'would',
      units: { restart: ['lab-app.service'] },
    });
  });

  it('that did not complete has failed', async () => {
    const host = scripted([command, { exitCode: 1, stderr: '[ERROR] Failed to build profile on node n1' }]);
    expect(await dryActivate(host, deployment)).toMatchObject({ type: 'failed', claim: { claim: 'build failed' } });
  });
});
