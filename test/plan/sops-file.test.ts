import { describe, expect, it } from '@jest/globals';
import { readSecretFile } from '../../plan/sops-file.ts';

const KEY = `age1${'q'.repeat(58)}`;
const OTHER = `age1${'e'.repeat(58)}`;
const ENC = '-----BEGIN AGE ENCRYPTED FILE-----\nYWdl\n-----END AGE ENCRYPTED FILE-----\n';
const AT = '2026-11-28T06:24:21Z';
const value = (data: string): string => `ENC[AES256_GCM,data:${data},iv:kr+/=,tag:5Y==,type:str]`;
const flat = JSON.stringify(ENC).slice(1, -1);

/** As SOPS 3.12 writes them. */
const FILES: Record<string, string> = {
  'edge.enc.yaml': `caddy:
    token: ${value('a')}
    list:
        - ${value('b')}
#${value('c')}
plain_unencrypted: x
sops:
    age:
        - recipient: ${KEY}
          enc: |
${ENC.replaceAll(/^(?=.)/gm, '            ')}        - recipient: ${OTHER}
          enc: |
${ENC.replaceAll(/^(?=.)/gm, '            ')}    lastmodified: "${AT}"
    mac: ${value('mac')}
    version: 3.12.2
`,
  'edge.enc.json': JSON.stringify({
    caddy: { token: value('a'), list: [value('b')] },
    sops: { age: [KEY, OTHER].map((recipient) => ({ recipient, enc: ENC })), lastmodified: AT, mac: value('mac') },
  }),
  'edge.env': `token=${value('a')}
#${value('c')}
sops_age__list_0__map_enc=${flat}
sops_age__list_0__map_recipient=${KEY}
sops_age__list_1__map_enc=${flat}
sops_age__list_1__map_recipient=${OTHER}
sops_lastmodified=${AT}
`,
  'edge.ini': `top = ${value('a')}

[sec]
key = ${value('b')}

[sops]
age__list_1__map_recipient = ${OTHER}
age__list_0__map_enc       = ${flat}
age__list_1__map_enc       = ${flat}
lastmodified               = ${AT}
age__list_0__map_recipient = ${KEY}
`,
  photo: JSON.stringify({
    data: value('a'),
    sops: { age: [KEY, OTHER].map((recipient) => ({ recipient, enc: ENC })), lastmodified: AT },
  }),
};
const NAMES: Record<string, string[]> = {
  'edge.enc.yaml': ['caddy.token', 'caddy.list.0'],
  'edge.enc.json': ['caddy.token', 'caddy.list.0'],
  'edge.env': ['token'],
  'edge.ini': ['top', 'sec.key'],
  photo: [],
};

describe('a file of SOPS', () => {
  it.each(Object.keys(FILES))('%s tells who can decrypt it, since when, and where its values are', (path) => {
    expect(readSecretFile(path, FILES[path] ?? '')).toMatchObject({
      type: 'encrypted',
      stanzas: [
        { recipient: KEY, enc: ENC },
        { recipient: OTHER, enc: ENC },
      ],
      others: [],
      lastModified: AT,
      valueNames: NAMES[path],
      ciphertexts: expect.arrayContaining([value('a')]),
    });
  });

  it('tells of recipients of other kinds, and of groups', () => {
    const sops = {
      pgp: [{ fp: '85D7' }],
      key_groups: [{ age: [{ recipient: KEY, enc: ENC }] }, { kms: [{ arn: 'a:b' }] }],
    };
    expect(readSecretFile('a.json', JSON.stringify({ sops }))).toMatchObject({
      stanzas: [{ recipient: KEY }],
      others: ['pgp 85D7', 'kms a:b'],
    });
  });

  it.each([
    ['a.yaml', 'password: hunter2\n'],
    ['a.json', '{"password":"hunter2"}'],
    ['a.env', 'password=hunter2\n'],
    ['a.ini', '[a]\npassword=hunter2\n'],
    ['a.bin', 'hunter2'],
    ['a.bin', '"hunter2"'],
  ])('%s is none where nothing is encrypted: %j', (path, text) => {
    expect(readSecretFile(path, text)).toEqual({ type: 'plain' });
  });

  it.each([
    ['a.yaml', 'a: hunter2: "x\n'],
    ['a.json', '{"password": hunter2'],
  ])('%s that cannot be read shows nothing of itself', (path, text) => {
    const read = readSecretFile(path, text);
    expect(read.type).toBe('unreadable');
    expect(JSON.stringify(read)).not.toContain('hunter2');
  });
});
