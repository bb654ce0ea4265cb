import { describe, expect, it } from '@jest/globals';
import { MASK, redact } from '../../hosts/redact.ts';

const joinToken = Buffer.from(
  JSON.stringify({
    server_name: 'n4',
    fingerprint: 'f00',
    addresses: ['10.0.0.1:8443'],
    secret: 'deadbeef',
    expires_at: '',
  }),
).toString('base64');

const PEM = `-----BEGIN OPENSSH PRIVATE KEY-----
b3BlbnNzaC1rZXktdjEAAAAABG5vbmU
-----END OPENSSH PRIVATE KEY-----`;

describe('redact', () => {
  it.each([
    ['an age identity', 'key AGE-SECRET-KEY-1QQPQZRFR7ZZ2WCVX0T here', `key ${MASK} here`],
    ['a PEM private key', `before\n${PEM}\nafter`, `before\n${MASK}\nafter`],
    ['a PEM private key that was cut off', PEM.slice(0, 60), MASK],
    ['a join token', `incus admin join ${joinToken}`, `incus admin join ${MASK}`],
    ['a JSON web token', 'Bearer eyJhbGciOiJIUzI1NiJ9xx.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl!', `Bearer ${MASK}!`],
    ['a token of GitHub', `said ghp_${'a1'.repeat(18)} and`, `said ${MASK} and`],
    ['a token of GitLab', `glpat-${'a1'.repeat(10)}`, MASK],
    ['an authorization header', 'Authorization: Bearer abc.def', `Authorization: Bearer ${MASK}`],
    ['an assignment', 'RESTIC_PASSWORD=hunter2 restic', `RESTIC_PASSWORD=${MASK} restic`],
    ['an option with =', '--access-key=abc --flag', `--access-key=${MASK} --flag`],
    ['YAML', 'cluster_token: abcdef\nname: n1', `cluster_token: ${MASK}\nname: n1`],
    ['JSON', '{"secret":"abc","a":1}', `{"secret":${MASK},"a":1}`],
    ['a query', 'https://x/y?token=abc&z=1', `https://x/y?token=${MASK}&z=1`],
    ['credentials of a URL', 'rest:https://user:pa:ss@host/x', `rest:https://${MASK}@host/x`],
  ])('masks %s', (_, text, masked) => {
    expect(redact(text)).toBe(masked);
  });

  it.each([
    'zfs send -w tank/a@runbook-1',
    'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGZ4H5y2TWQjWSX0kTfAyhW4aYz4vY2zXG9cQW7X2K1a',
    'age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p',
    'https://10.0.0.1:8443/1.0?project=default',
    '--password-file /run/keys/restic',
    '/nix/store/0c0p1pyckrrx6mxs2xr7q1d2jvdi4b3i-nixos-system-n1-25.11',
    Buffer.from('{"name":"nothing that must be hidden"}').toString('base64'),
  ])('leaves %s as it is', (text) => {
    expect(redact(text)).toBe(text);
  });
});
