import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { ToolError, Unknown, WORKER, type Call } from '../core/call.ts';
import { intoRoot } from '../core/paths.ts';
import { writeAll } from '../core/streams.ts';
import { recipientsIn } from './age-keygen.ts';

/** It is read by anybody who knows how: only so that nothing plain is found by whoever looks. */
const SCRAMBLE = 0x5a;
const BEGIN = '-----BEGIN AGE ENCRYPTED FILE-----';
const END = '-----END AGE ENCRYPTED FILE-----';
const INTRO = 'age-encryption.org/v1\n';
const REPORT = 'age: report unexpected or unhelpful errors at https://filippo.io/age/report';

/**
 * `age --version`, `age --encrypt --recipient R …`, `age --decrypt --identity FILE`, from standard input. A private key is
 * that of a recipient where they are equal but for `AGE-SECRET-KEY-1` and capitals: nothing here is encrypted.
 */
export function age(call: Call): number {
  const [verb, ...rest] = call.args;
  if (verb === '--version') {
    call.out('1.2.1\n');
    return 0;
  }
  if (verb === '--encrypt') return encrypt(call, valuesOf(rest, '--recipient'));
  if (verb !== '--decrypt') throw new Unknown('expected --version, --encrypt or --decrypt');
  const [file = '', ...others] = valuesOf(rest, '--identity');
  if (others.length > 0) throw new Unknown('expected one --identity');
  return decrypt(file, call);
}

function valuesOf(words: readonly string[], option: string): string[] {
  const values = words.filter((_, at) => at % 2 === 1);
  if (values.length === 0 || words.some((word, at) => at % 2 === 0 && word !== option))
    throw new Unknown(`expected ${option} VALUE …`);
  return values;
}

function encrypt(call: Call, recipients: readonly string[]): number {
  const odd = recipients.find((each) => !/^(?:age1[02-9ac-hj-np-z]{58}$|ssh-)/.test(each));
  if (odd !== undefined) throw failed(`malformed recipient "${odd}": invalid checksum`);
  call.out(encryptedTo(recipients, readFileSync(0)));
  return 0;
}

/** What only recipients can decrypt. */
export function encryptedTo(recipients: readonly string[], content: Buffer): string {
  const payload = scramble(content).toString('base64');
  const stanzas = recipients.map(
    (each) => `-> ${each.startsWith('ssh-') ? 'ssh-ed25519' : 'X25519'} ${each.split(' ')[1] ?? each}\n`,
  );
  return `${INTRO}${stanzas.join('')}--- ${seal(payload)}\n${payload}`;
}

/** As age takes it in texts. */
export const armoured = (encrypted: string): string =>
  `${BEGIN}\n${Buffer.from(encrypted, 'latin1').toString('base64')}\n${END}\n`;

function unarmoured(text: string): string {
  if (!text.startsWith(BEGIN)) return text;
  return Buffer.from(text.slice(BEGIN.length, text.indexOf(END)), 'base64').toString('latin1');
}

function decrypt(file: string, call: Call): number {
  const path = call.machine === WORKER ? file : intoRoot(file, call.root);
  if (!existsSync(path))
    throw failed(`reading "${file}": failed to open file: open ${file}: no such file or directory`);
  writeAll(1, decrypted(readFileSync(0, 'latin1'), readFileSync(path, 'utf8')));
  return 0;
}

/** Throws a {@link ToolError} where no key of the key file is that of a recipient, or it is damaged. */
export function decrypted(input: string, keyFile: string): Buffer {
  const text = unarmoured(input);
  const [, stanzas = '', mac = '', payload = ''] =
    /^age-encryption\.org\/v1\n((?:-> .*\n)*)--- (\S+)\n([^]*)$/.exec(text) ?? [];
  if (mac === '') throw failed('failed to read header: parsing age header: failed to read intro: EOF');
  const own = recipientsIn(keyFile);
  if (!own.some((key) => stanzas.includes(` ${key}\n`))) throw failed('no identity matched any of the recipients');
  if (seal(payload) !== mac) throw failed('failed to decrypt and authenticate payload chunk');
  return scramble(Buffer.from(payload, 'base64'));
}

const failed = (message: string): ToolError => new ToolError(`age: error: ${message}\n${REPORT}`);
const scramble = (bytes: Buffer): Buffer => Buffer.from(bytes.map((byte) => byte ^ SCRAMBLE));
const seal = (payload: string): string => createHash('sha256').update(payload).digest('base64').slice(0, 43);
