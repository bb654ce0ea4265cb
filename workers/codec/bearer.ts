import { createHash, timingSafeEqual } from 'node:crypto';
import { BadSetting } from '../bad-setting.ts';
import { privateText } from './keys.ts';

const SHORTEST = 16;

/** The token in a file that nobody else may read. Throws BadSetting. */
export function readToken(file: string): string {
  const token = privateText(file, 'a file with a token').trim();
  if (token.length >= SHORTEST && /^[\x21-\x7e]+$/.test(token)) return token;
  throw new BadSetting(
    `Expected ${file} to hold one token of ${SHORTEST} characters or more without spaces. Make one:  (umask 077; openssl rand -hex 32 > ${file})`,
  );
}

/** Whether a header is `Bearer` and this token. How long it takes tells nothing of the token. */
export function isBearer(header: string | undefined, token: string): boolean {
  const [, given] = /^Bearer +(\S+)$/i.exec(header ?? '') ?? [];
  return given !== undefined && timingSafeEqual(digest(given), digest(token));
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
