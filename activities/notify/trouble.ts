import { types } from 'node:util';
import { redact } from '../../hosts/redact.ts';
import type { Delivery } from '../../plan/notice.ts';

/** What OpenSSL says of certificates that nobody vouches for, as Node.js names it. */
const CERTIFICATE =
  /^(?:CERT_|ERR_TLS_CERT|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_(?:GET_ISSUER|VERIFY)|HOSTNAME_MISMATCH)/;
export const TRUST = 'NODE_EXTRA_CA_CERTS in the worker’s environment names a CA of your own.';
const MAX_ANSWER = 200;

/** Something that went wrong on the way to `where`: only what somebody has to mend first is a refusal. */
export function failedOnTheWay(error: unknown, where: string): Delivery {
  const code = codeOf(error);
  if (CERTIFICATE.test(code)) return refused(`The certificate of ${where} is not trusted (${code}). ${TRUST}`);
  if (isTimeout(error)) return failed(`${where} did not answer in time.`);
  return failed(`${where} does not answer: ${code === '' ? oneLine(String(error)) : code}.`);
}

export const failed = (message: string): Delivery => ({ type: 'failed', isRefusal: false, message: oneLine(message) });
export const refused = (message: string): Delivery => ({ type: 'failed', isRefusal: true, message: oneLine(message) });

/** What a server answered, short enough for a history: nobody knows what it has in it. */
export function oneLine(text: string, length = MAX_ANSWER * 5): string {
  const line = redact(text.replace(/[\s\p{Cc}]+/gu, ' ').trim());
  return line.length <= length ? line : `${line.slice(0, length - 1)}…`;
}

export const answerOf = (text: string): string => oneLine(text, MAX_ANSWER);

/** Of the error or what caused it: fetch says only that it failed, nodemailer keeps the system's word beside its own. */
function codeOf(error: unknown): string {
  for (let at = error; types.isNativeError(at); at = at.cause) {
    const codes = ['originalCode', 'code'].map((key) => (at as unknown as Record<string, unknown>)[key]);
    const code = codes.find((each) => typeof each === 'string');
    if (code !== undefined) return code;
  }
  return '';
}

/** That of a signal is a DOMException, which is no error of the language. */
const isTimeout = (error: unknown): boolean =>
  (typeof error === 'object' && error !== null && 'name' in error && error.name === 'TimeoutError') ||
  codeOf(error) === 'ETIMEDOUT';
