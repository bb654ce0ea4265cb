import { describe, expect, it } from '@jest/globals';
import { directSshArgv, type DirectSsh } from '../../hosts/ssh-direct.ts';
import { knownHostsLine } from '../../hosts/ssh-options.ts';

const to: DirectSsh = {
  ...{ name: 'nuc-1', address: '10.0.0.13', user: 'root', port: 22 },
  knownHostsFile: '/var/lib/runbook/known-hosts/nuc-1',
};

describe('ssh from host to host', () => {
  it('accepts one host key, offers one key, and shares no connection', () => {
    const argv = directSshArgv({ ...to, identityFile: '/etc/ssh/50%' });
    const options = argv.filter((_, i) => argv[i - 1] === '-o');
    expect(options).toEqual(
      expect.arrayContaining([
        ...['BatchMode=yes', 'StrictHostKeyChecking=yes', 'ControlMaster=no', 'ControlPath=none'],
        ...['ServerAliveInterval=5', 'ServerAliveCountMax=3', 'GlobalKnownHostsFile=/dev/null', 'IdentitiesOnly=yes'],
        ...['HostKeyAlias=runbook-nuc-1', `UserKnownHostsFile="${to.knownHostsFile}"`, 'IdentityFile="/etc/ssh/50%%"'],
      ]),
    );
    expect(argv.slice(-6)).toEqual(['-l', 'root', '-p', '22', '--', '10.0.0.13']);
  });

  it('knows a host by the name that it is pinned under', () => {
    expect(knownHostsLine('nuc-1', 'ssh-ed25519 AAAA comment')).toBe('runbook-nuc-1 ssh-ed25519 AAAA\n');
    expect(() => knownHostsLine('nuc-1', 'nonsense')).toThrow(TypeError);
  });

  it.each([{ address: '-oProxyCommand=x' }, { user: 'a;b' }])('refuses %j', (other) => {
    expect(() => directSshArgv({ ...to, ...other })).toThrow(TypeError);
  });
});
