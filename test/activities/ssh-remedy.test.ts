import { describe, expect, it } from '@jest/globals';
import { sshRemedy } from '../../activities/ssh-remedy.ts';

const ssh = { user: 'root', port: 22 };
const KEY = 'ssh-ed25519 AAAA';

describe('the remedy of a login that was refused', () => {
  it.each([
    [
      'No ED25519 host key is known for 10.0.0.11 and you have requested strict checking.',
      ssh,
      /^ssh-keyscan 10\.0\.0\.11 .*ssh\.hostKey/,
    ],
    ['Host key verification failed.', { ...ssh, port: 2222 }, /^ssh-keyscan -p 2222 10\.0\.0\.11 /],
    ['Host key verification failed.', { ...ssh, hostKey: KEY }, /^Compare it on the host .*correct ssh\.hostKey/],
    ['root@10.0.0.11: Permission denied (publickey).', ssh, /^ssh root@10\.0\.0\.11 has to work .* without a password/],
    [
      'Load key "/home/ada/key": error in libcrypto\nroot@10.0.0.11: Permission denied (publickey).',
      ssh,
      /^The key has to be a private key .*identityFile/,
    ],
    [
      'Too many authentication failures',
      { ...ssh, port: 2222, user: 'deploy' },
      /^ssh -p 2222 deploy@10\.0\.0\.11 has/,
    ],
  ])('%s %j', (said, settings, remedy) => {
    expect(sshRemedy(said, '10.0.0.11', settings)).toMatch(remedy);
  });

  it('is that of its kind where the words tell no more', () => {
    expect(sshRemedy('ssh: connect to host 10.0.0.11 port 22: No route to host', '10.0.0.11', ssh)).toBeUndefined();
  });
});
