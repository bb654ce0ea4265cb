import { homedir, hostname } from 'node:os';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
/** As the SDK names a process, and the task queue of its cached runs after it. */
const PROCESS = `${process.pid}@${hostname()}`;

/** Stack traces and identities name the machine that recorded; replay looks at neither. */
export function neutral(json: string): string {
  const parsed: unknown = JSON.parse(json, (key: string, value: unknown) => {
    if (key === 'identity') return 'runbook@recorder';
    if (typeof value !== 'string') return value;
    return value.replaceAll(`file://${ROOT}`, '').replaceAll(ROOT, '').replaceAll(PROCESS, 'runbook@recorder');
  });
  return `${JSON.stringify(parsed, undefined, 1)}\n`;
}

const PATTERNS: Record<string, RegExp> = {
  'a private key': /-----BEGIN [A-Z ]*PRIVATE KEY/,
  'an age identity': /AGE-SECRET-KEY-1/,
  'a token': /\b(gh[pousr]_\w{20,}|glpat-[\w-]{20,}|eyJ[\w-]{20,}\.[\w-]{20,})/,
  'a password in an address': /\b[a-z]+:\/\/[^\s/:@"]+:[^\s/:@"]+@/,
  // At its beginning: a fleet's own files may be below /srv/home.
  'a home folder (any)': /(?<![\w.-])\/home\//,
  'a password': /\b(password|passphrase|secret|token)["']?\s*[=:]\s*["']?[^\s"',}]{4,}/i,
};
/** What every machine may have in common stays: paths below /tmp and of the simulated hosts. */
const places = (): Record<string, string> => ({
  'the path of the checkout': ROOT,
  'a home folder': `${homedir()}/`,
  // With the sign before it, because a short name is part of many words.
  'the name of this machine': `@${hostname()}`,
});

/** Secrets, and what belongs to the machine that recorded, also inside payloads: each as a sentence. */
export function findLeaks(json: string): string[] {
  const text = [...strings(JSON.parse(json))].join('\n');
  const patterns = Object.entries(PATTERNS).flatMap(([what, pattern]) => {
    const found = pattern.exec(text)?.[0];
    return found === undefined ? [] : [`It has ${what}: ${found.slice(0, 40)}`];
  });
  const traces = Object.entries(places()).flatMap(([what, word]) => {
    const at = text.indexOf(word);
    return at === -1 ? [] : [`It has ${what}: ${text.slice(Math.max(0, at - 40), at + 60)}`];
  });
  return [...patterns, ...traces];
}

/** Every string; where it is the data of a payload, what it stands for. */
function* strings(value: unknown, key = ''): Generator<string> {
  if (typeof value === 'string') yield key === 'data' ? Buffer.from(value, 'base64').toString() : value;
  else if (Array.isArray(value)) for (const each of value) yield* strings(each);
  else if (typeof value === 'object' && value !== null)
    for (const [name, each] of Object.entries(value)) yield* strings(each, name);
}
