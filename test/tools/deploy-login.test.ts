import { describe, expect, it } from '@jest/globals';
import { tryDeployLogin } from '../../tools/deploy-login.ts';
import { deployArgv, type SshTarget } from '../../tools/deploy-rs.ts';
import { fakeHost, refusal, type Answer, type FakeHost } from './fake-host.ts';

const root: SshTarget = { address: '10.0.0.21', user: 'root', port: 22, knownHostsFile: '/state/known-hosts/edge-vm' };
const deploy: SshTarget = { ...root, user: 'deploy', identityFile: '/keys/runbook' };

const local = (answers: Record<string, Answer>): FakeHost => fakeHost((argv) => answers[argv.at(-1) ?? '']);

describe('the login of deploy-rs', () => {
  it('is tried with the options that deploy-rs is given', async () => {
    const host = local({ true: {}, 'sudo -n true': {} });
    expect(await tryDeployLogin(host, deploy)).toEqual({ type: 'logged in' });
    const argv = deployArgv({
      ...{ flakeRef: '.', node: 'edge-vm', profile: 'system', host: deploy, magicRollback: true, autoRollback: true },
      ...{ confirmTimeoutSeconds: 30, activationTimeoutSeconds: 240 },
    });
    const options = argv[argv.indexOf('--ssh-opts') + 1] ?? '';
    expect(host.calls[0]?.argv).toEqual(['ssh', ...options.split(' '), '-l', 'deploy', '--', '10.0.0.21', 'true']);
  });

  it('of root needs no sudo', async () => {
    const host = local({ true: {} });
    expect(await tryDeployLogin(host, root)).toEqual({ type: 'logged in' });
    expect(host.calls).toHaveLength(1);
  });

  it('of another user does', async () => {
    const host = local({ true: {}, 'sudo -n true': refusal('sudo: a password is required') });
    expect(await tryDeployLogin(host, deploy)).toEqual({ type: 'no sudo', said: 'sudo: a password is required' });
  });

  it('is told in ssh’s words where it fails', async () => {
    const host = local({ true: refusal('root@10.0.0.21: Permission denied (publickey).', 255) });
    expect(await tryDeployLogin(host, root)).toEqual({
      type: 'refused',
      meaning: 'it refused the login',
      said: 'root@10.0.0.21: Permission denied (publickey).',
    });
  });

  it('is no answer where there is no connection', async () => {
    const said = 'ssh: connect to host 10.0.0.21 port 22: Connection refused';
    await expect(tryDeployLogin(local({ true: refusal(said, 255) }), root)).rejects.toMatchObject({
      type: 'Unreachable',
      message: `Could not log in to 10.0.0.21: ${said}`,
    });
  });
});
