import { createHash, createPrivateKey, createPublicKey, sign, X509Certificate, type KeyObject } from 'node:crypto';

/** What a server shows of itself, and its key: each is made from a word, so that it is the same in every process. */
export interface Certificate {
  pem: string;
  key: string;
  fingerprint: string;
}

/** The one that all members of a cluster show. */
export const clusterCertificate = (): Certificate => made('cluster');

/** That of a server; `index` is its machine's place among all. */
export const ownCertificate = (index: number): Certificate => made(`server ${index}`);

const known = new Map<string, Certificate>();

function made(word: string): Certificate {
  const before = known.get(word);
  if (before !== undefined) return before;
  const key = keyOf(word);
  const pem = selfSigned(word, key);
  const certificate = {
    pem,
    key: key.export({ format: 'pem', type: 'pkcs8' }).toString(),
    fingerprint: new X509Certificate(pem).fingerprint256.replaceAll(':', '').toLowerCase(),
  };
  known.set(word, certificate);
  return certificate;
}

/** PKCS #8 around the 32 bytes of an Ed25519 key. */
const PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex');

function keyOf(word: string): KeyObject {
  const seed = createHash('sha256').update(`simulated ${word}`).digest();
  return createPrivateKey({ key: Buffer.concat([PKCS8, seed]), format: 'der', type: 'pkcs8' });
}

/** X.509 in DER, valid from 2025 to 2049. */
function selfSigned(word: string, key: KeyObject): string {
  const spki = createPublicKey(key).export({ format: 'der', type: 'spki' });
  const name = sequence(set(sequence(der(0x06, '550403'), der(0x0c, Buffer.from(`root@${word.replace(' ', '-')}`)))));
  const validity = sequence(der(0x17, Buffer.from('250101000000Z')), der(0x17, Buffer.from('491231000000Z')));
  const version = der(0xa0, der(0x02, '02'));
  const serial = der(
    0x02,
    Buffer.concat([Buffer.from([1]), createHash('sha256').update(word).digest().subarray(0, 8)]),
  );
  const body = sequence(version, serial, ED25519, name, validity, name, spki);
  const signature = der(0x03, Buffer.concat([Buffer.from([0]), sign(null, body, key)]));
  const base64 = sequence(body, ED25519, signature).toString('base64');
  const lines = base64.match(/.{1,64}/g) ?? [];
  return ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n');
}

function der(tag: number, content: Buffer | string): Buffer {
  const bytes = typeof content === 'string' ? Buffer.from(content, 'hex') : content;
  const length = bytes.length < 128 ? [bytes.length] : [0x82, bytes.length >> 8, bytes.length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...length]), bytes]);
}

const sequence = (...parts: Buffer[]): Buffer => der(0x30, Buffer.concat(parts));
const set = (...parts: Buffer[]): Buffer => der(0x31, Buffer.concat(parts));
const ED25519 = sequence(der(0x06, '2b6570'));
