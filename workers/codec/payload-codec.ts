import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { types } from 'node:util';
import type { Payload, PayloadCodec } from '@temporalio/common';
import proto from '@temporalio/proto';
import type { CodecKey, CodecKeys } from './keys.ts';

const { Payload: PayloadMessage } = proto.temporal.api.common.v1;
const CIPHER = 'aes-256-gcm';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
/** What Temporal's own programs and its samples call it. */
export const ENCRYPTED = 'binary/encrypted';
const KEY_ID = 'encryption-key-id';

/** A payload whose key is not here, or that its key does not open. The message names the key. */
export class CannotDecrypt extends Error {
  override readonly name = 'CannotDecrypt';
}

/**
 * Encrypts whole payloads, and decrypts those that are encrypted: what was written without keys stays readable. Without
 * keys nothing is encrypted, and what is encrypted throws CannotDecrypt. Data: nonce, ciphertext, tag, of the payload as
 * protobuf, as in the samples of Temporal's SDKs.
 */
export function createPayloadCodec(keys: CodecKeys | undefined): PayloadCodec {
  return {
    encode: (payloads) => Promise.resolve(keys === undefined ? payloads : payloads.map(encryptedBy(keys.keys[0]))),
    // Async, so that what cannot be decrypted rejects.
    decode: async (payloads) => Promise.resolve(payloads.map((payload) => decrypted(payload, keys))),
  };
}

const encryptedBy =
  ({ id, secret }: CodecKey) =>
  (payload: Payload): Payload => {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv(CIPHER, secret, nonce, { authTagLength: TAG_BYTES });
    const sealed = [cipher.update(PayloadMessage.encode(payload).finish()), cipher.final()];
    return {
      metadata: { encoding: Buffer.from(ENCRYPTED), [KEY_ID]: Buffer.from(id) },
      data: Buffer.concat([nonce, ...sealed, cipher.getAuthTag()]),
    };
  };

function decrypted(payload: Payload, keys: CodecKeys | undefined): Payload {
  if (textOf(payload, 'encoding') !== ENCRYPTED) return payload;
  const id = textOf(payload, KEY_ID);
  const { secret } = keyOf(id, keys);
  const data = Buffer.from(payload.data ?? []);
  try {
    const decipher = createDecipheriv(CIPHER, secret, data.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES });
    decipher.setAuthTag(data.subarray(-TAG_BYTES));
    const opened = [decipher.update(data.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()];
    return PayloadMessage.decode(Buffer.concat(opened));
  } catch (error) {
    const message = `The key "${id}" does not open what was encrypted by a key of that name: it is another, or the data are damaged.`;
    throw new CannotDecrypt(message, { cause: error });
  }
}

function keyOf(id: string, keys: CodecKeys | undefined): CodecKey {
  const key = keys?.keys.find((each) => each.id === id);
  if (key !== undefined) return key;
  const here =
    keys === undefined
      ? 'no keys are configured here (RUNBOOK_CODEC_KEYS)'
      : `${keys.file} does not have it, only ${keys.keys.map((each) => each.id).join(', ')}`;
  throw new CannotDecrypt(`It is encrypted by the key "${id}", and ${here}.`);
}

const textOf = ({ metadata }: Payload, name: string): string => Buffer.from(metadata?.[name] ?? []).toString();

/** Whether an error, or what is below it, is {@link CannotDecrypt}; by its name, as programs are built apart. */
export function findCannotDecrypt(error: unknown): Error | undefined {
  for (let at = error; types.isNativeError(at); at = at.cause) if (at.name === 'CannotDecrypt') return at;
  return undefined;
}
