/** The file with the keys that payloads are encrypted with. Node.js built-ins only. */
import { readFileSync, statSync } from 'node:fs';
import { types } from 'node:util';
import { BadSetting } from '../bad-setting.ts';
import type { Environment } from '../environment.ts';

export interface CodecKey {
  /** Stays readable beside everything that this key encrypted. */
  id: string;
  secret: Buffer;
}

/** The first encrypts, every one decrypts. */
export interface CodecKeys {
  file: string;
  keys: readonly [CodecKey, ...CodecKey[]];
}

/** AES-256. */
export const KEY_BYTES = 32;
export const KEY_ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
const OTHERS = 0o077;
const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;

/**
 * The keys of the file that `RUNBOOK_CODEC_KEYS` names; undefined where it names none. Not in temporal.toml: `temporal config
 * set` (1.9.1) forgets what it does not know, and payloads would be written in the clear from then on. Throws BadSetting.
 */
export function findCodecKeys(env: Environment): CodecKeys | undefined {
  const file = env['RUNBOOK_CODEC_KEYS'];
  if (file === '')
    throw new BadSetting(
      'Expected RUNBOOK_CODEC_KEYS to name a key file, found nothing. Unset it to write in the clear.',
    );
  return file === undefined ? undefined : readCodecKeys(file);
}

/**
 * Reads a key file: a line per key, its id and its 32 bytes in base64; `#` begins a remark.
 * Throws BadSetting, which never repeats what is in the file.
 */
export function readCodecKeys(file: string): CodecKeys {
  const keys = privateText(file, 'a key file')
    .split('\n')
    .map((text, index) => ({ text: text.trim(), place: `line ${index + 1} of ${file}` }))
    .filter(({ text }) => text !== '' && !text.startsWith('#'))
    .map(({ text, place }) => parseKey(text, place));
  const [first, ...rest] = keys;
  if (first === undefined)
    throw new BadSetting(`Expected ${file} to have a key, found none. Make one:  runbook codec new-key <file>`);
  const twice = keys.find(({ id }, index) => keys.findIndex((each) => each.id === id) < index);
  if (twice !== undefined) throw new BadSetting(`Expected each id once in ${file}, found "${twice.id}" again.`);
  return { file, keys: [first, ...rest] };
}

function parseKey(text: string, place: string): CodecKey {
  const [id = '', secret, ...more] = text.split(/\s+/);
  if (secret === undefined || more.length > 0)
    throw new BadSetting(
      `Expected ${place} to be an id and a key, got ${more.length + (secret === undefined ? 1 : 2)} word(s).`,
    );
  if (!KEY_ID.test(id))
    throw new BadSetting(`Expected the id on ${place} to be letters, digits, dots and dashes, 64 at most.`);
  const bytes = Buffer.from(secret, 'base64');
  if (!BASE64.test(secret) || bytes.toString('base64') !== secret)
    throw new BadSetting(`Expected the key "${id}" on ${place} to be base64.`);
  if (bytes.length !== KEY_BYTES)
    throw new BadSetting(`Expected the key "${id}" on ${place} to have ${KEY_BYTES} bytes, got ${bytes.length}.`);
  return { id, secret: bytes };
}

/** The text of a file that nobody else may read. Throws BadSetting; `what` is what the file should be. */
export function privateText(file: string, what: string): string {
  try {
    const found = statSync(file);
    if (!found.isFile()) throw new BadSetting(`Expected ${file} to be ${what}, found something else than a file.`);
    if ((found.mode & OTHERS) !== 0)
      throw new BadSetting(
        `Expected ${file} to be for its owner alone, found mode ${(found.mode & 0o777).toString(8).padStart(4, '0')}. Correct it:  chmod 600 ${file}`,
      );
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (error instanceof BadSetting) throw error;
    const code = codeOf(error);
    const why = code === 'ENOENT' ? 'found nothing there' : `cannot read it (${String(code ?? error)})`;
    throw new BadSetting(`Expected ${file} to be ${what}, ${why}.`, { cause: error });
  }
}

/** What Node.js calls a failure of the system: `ENOENT`. */
export const codeOf = (error: unknown): unknown =>
  types.isNativeError(error) && 'code' in error ? error.code : undefined;
