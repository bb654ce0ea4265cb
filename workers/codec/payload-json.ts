/** Payloads as protobuf writes them in JSON: bytes are base64. */
import type { Payload } from '@temporalio/common';

/** A body that is not `{"payloads": […]}`. */
export class NotPayloads extends Error {
  override readonly name = 'NotPayloads';
}

/** Throws NotPayloads. */
export function payloadsFrom(text: string): Payload[] {
  const body: unknown = parse(text);
  const payloads = isRecord(body) ? (body['payloads'] ?? []) : undefined;
  if (!Array.isArray(payloads)) throw new NotPayloads('Expected {"payloads": […]}.');
  return payloads.map((each: unknown, index) => payloadFrom(each, `payloads[${index}]`));
}

/** What {@link payloadsFrom} reads. */
export const payloadsText = (payloads: readonly Payload[]): string =>
  JSON.stringify({
    payloads: payloads.map(({ metadata, data }) => ({
      metadata: Object.fromEntries(Object.entries(metadata ?? {}).map(([name, bytes]) => [name, base64(bytes)])),
      ...(data && data.length > 0 ? { data: base64(data) } : {}),
    })),
  });

function payloadFrom(value: unknown, place: string): Payload {
  if (!isRecord(value)) throw new NotPayloads(`Expected ${place} to be an object.`);
  const metadata = value['metadata'] ?? {};
  if (!isRecord(metadata)) throw new NotPayloads(`Expected ${place}.metadata to be an object.`);
  return {
    metadata: Object.fromEntries(
      Object.entries(metadata).map(([name, text]) => [name, bytesFrom(text, `${place}.metadata`)]),
    ),
    data: bytesFrom(value['data'] ?? '', `${place}.data`),
  };
}

/** Both alphabets of base64, as protobuf takes them. */
function bytesFrom(value: unknown, place: string): Uint8Array {
  if (typeof value !== 'string' || !/^[\w+/-]*={0,2}$/.test(value))
    throw new NotPayloads(`Expected ${place} to be base64.`);
  return Buffer.from(value, 'base64');
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new NotPayloads('Expected JSON.');
  }
}

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
