import type { Host } from '../hosts/host.ts';
import { tail, unexpected, type Unexpected } from './result.ts';
import { withSignal, type ToolOptions } from './tool-options.ts';

/** An archive of some kilobytes; a key in hardware may ask its owner to touch it. */
const TIMEOUT_MS = 60_000;
const HEADER = 'age-encryption.org/v1\n';
const STANZA = /^-> (?:X25519|ssh-ed25519|ssh-rsa) /;

type Decrypted =
  | { type: 'plain'; bytes: Buffer }
  /** None of the keys in the file is that of a recipient. */
  | { type: 'wrong key' }
  | { type: 'no key file'; message: string }
  /** It is no file of age, or not the whole of it. */
  | { type: 'damaged'; message: string }
  | { type: 'no age' }
  | Unexpected;

/** In base64, because what programs print is kept as text. Nothing of it is printed anywhere else. */
const DECRYPT = `set -o pipefail
command -v age >/dev/null || exit 127
age --decrypt --identity "$1" | base64 --wrap=0`;

/** Decrypts in memory, with a key file of that machine. */
export async function decrypt(
  host: Host,
  encrypted: Uint8Array,
  identityFile: string,
  options: ToolOptions = {},
): Promise<Decrypted> {
  const argv = ['bash', '-c', DECRYPT, 'bash', identityFile];
  const result = await host.run(argv, { timeoutMs: TIMEOUT_MS, input: encrypted, ...withSignal(options) });
  const { exitCode, stderr, truncated } = result;
  if (exitCode === 0 && !truncated) return { type: 'plain', bytes: Buffer.from(result.stdout, 'base64') };
  if (exitCode === 127) return { type: 'no age' };
  if (/no identity matched any of the recipients/.test(stderr)) return { type: 'wrong key' };
  const message = tail(stderr);
  if (/": failed to open file: /.test(stderr)) return { type: 'no key file', message };
  if (/failed to read header: |bad header MAC|failed to decrypt and authenticate payload chunk/.test(stderr))
    return { type: 'damaged', message };
  // What it has decrypted until then is on standard output: it stays out of the failure.
  return unexpected('age', { argv, result: { ...result, stdout: '' } });
}

/** How many recipients a file of age names; undefined where it is none, or its header is cut off. */
export function recipientsIn(encrypted: Buffer): number | undefined {
  const text = encrypted.toString('latin1');
  if (!text.startsWith(HEADER)) return undefined;
  const end = text.indexOf('\n--- ');
  if (end === -1) return undefined;
  return text
    .slice(0, end)
    .split('\n')
    .filter((line) => STANZA.test(line)).length;
}
