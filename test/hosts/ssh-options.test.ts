import { describe, expect, it } from '@jest/globals';
import { type SshConnection, controlPath, sshArguments } from '../../hosts/ssh-options.ts';

const to: SshConnection = { name: 'n1', address: '10.0.0.1', user: 'root', port: 22, controlDir: '/run/x' };

function option(name: string, connection: SshConnection): string | undefined {
  return sshArguments(connection)
    .find((word) => word.startsWith(`${name}=`))
    ?.slice(name.length + 1);
}

describe('sshArguments', () => {
  it('never asks, never learns a host key, forwards nothing', () => {
    expect(sshArguments(to)).toEqual(
      expect.arrayContaining(['BatchMode=yes', 'StrictHostKeyChecking=yes', 'UpdateHostKeys=no', 'ForwardAgent=no']),
    );
  });

  it('ends with the login and the address, which nothing can turn into an option', () => {
    expect(sshArguments(to).slice(-6)).toEqual(['-l', 'root', '-p', '22', '--', '10.0.0.1']);
  });

  it.each([
    { address: '-oProxyCommand=x' },
    { address: '' },
    { address: 'a b' },
    { user: '-x' },
    { user: 'a;b' },
    { hostKey: 'nonsense' },
    { hostKey: 'ssh-ed25519 AAAA\nssh-rsa BBBB' },
  ])('refuses %j', (bad) => {
    expect(() => sshArguments({ ...to, ...bad })).toThrow('Expected');
  });

  it('takes names, IPv4 and IPv6 addresses', () => {
    for (const address of ['n1.example.org', '10.0.0.1', '::1', 'fe80::1%eth0'])
      expect(sshArguments({ ...to, address }).at(-1)).toBe(address);
  });

  it('trusts the declared key alone', () => {
    const declared = { ...to, hostKey: 'ssh-ed25519 AAAA comment' };
    expect(option('GlobalKnownHostsFile', declared)).toBe('/dev/null');
    expect(option('UserKnownHostsFile', declared)).toBe(`"${controlPath(declared)}.known_hosts"`);
    expect(option('HostKeyAlias', declared)).toBe('runbook-n1');
    expect(option('UserKnownHostsFile', to)).toBeUndefined();
  });

  it('keeps ssh from expanding a path', () => {
    expect(option('UserKnownHostsFile', { ...to, knownHostsFile: '/a %h b' })).toBe('"/a %%h b"');
  });
});

describe('controlPath', () => {
  it('is another one for another user, port or key', () => {
    const all = [
      to,
      { ...to, user: 'x' },
      { ...to, port: 23 },
      { ...to, identityFile: '/k' },
      { ...to, hostKey: 'a AA' },
    ];
    expect(new Set(all.map(controlPath)).size).toBe(all.length);
  });

  it('refuses a folder that is too long for a socket', () => {
    expect(() => controlPath({ ...to, controlDir: `/${'x'.repeat(90)}` })).toThrow('choose a shorter one');
  });
});
