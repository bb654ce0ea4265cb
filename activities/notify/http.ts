import type { Delivery } from '../../plan/notice.ts';
import { without } from './secret-file.ts';
import { answerOf, failed, failedOnTheWay, refused } from './trouble.ts';

export interface Request {
  method: 'GET' | 'POST';
  url: string;
  headers?: Record<string, string>;
  body?: string;
  /** What no message may have in it. */
  secrets: readonly (string | undefined)[];
}

export const HTTP_MS = 20_000;
/** What helps by itself: come again later, ask less often, a gateway whose server is down. */
const LATER = [408, 425, 429];

/**
 * Asks once. Redirects are not followed: what is sent is for who was named, and a token is for nobody else.
 * Resolves whatever happens.
 */
export async function request(
  { method, url, headers = {}, body, secrets }: Request,
  signal: AbortSignal,
  patienceMs = HTTP_MS,
): Promise<Delivery> {
  const target = URL.canParse(url) ? new URL(url) : undefined;
  if (target === undefined || !/^https?:$/.test(target.protocol))
    return refused('What urlFile has is no URL of http or https.');
  const where = target.host;
  try {
    const response = await fetch(target, {
      ...{ method, headers: { 'user-agent': 'runbook', ...headers }, redirect: 'manual' },
      ...(body === undefined ? {} : { body }),
      signal: AbortSignal.any([signal, AbortSignal.timeout(patienceMs)]),
    });
    const text = await beginningOf(response);
    return judged(where, response.status, answerOf(without(text, secrets)));
  } catch (error) {
    return failedOnTheWay(error, where);
  }
}

function judged(where: string, status: number, text: string): Delivery {
  const said = text === '' ? '' : `: ${text}`;
  if (status >= 200 && status < 300) return { type: 'sent', answer: `${status}${said}` };
  if (status >= 300 && status < 400)
    return refused(`${where} answered ${status}, a redirect, which is not followed. Name the URL that it leads to.`);
  const message = `${where} answered ${status}${said}`;
  return status >= 500 || LATER.includes(status) ? failed(message) : refused(message);
}

const MAX_BYTES = 4096;

/** An answer without an end must not fill the memory. */
async function beginningOf({ body }: Response): Promise<string> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of body ?? []) {
    parts.push(part as Uint8Array);
    bytes += (part as Uint8Array).length;
    if (bytes >= MAX_BYTES) break;
  }
  return Buffer.concat(parts).subarray(0, MAX_BYTES).toString();
}
