/**
 * Masks what looks like a secret. Applied to every argument list, output and message on its way out of this room into
 * a log or an error; results themselves are left whole, since tools read them.
 */
export const MASK = '[redacted]';

const KEY_WORDS = '(?:pass(?:word|wd|phrase)?|token|secret|api[-_]?key|private[-_]?key|access[-_]?key)';

/** An option such as `--token`, whose value is the next word. */
const SECRET_OPTION = new RegExp(`^--?[a-z0-9-]*${KEY_WORDS}$`, 'i');
/** `password=…`, `RESTIC_PASSWORD: …`, `"secret":"…"`; a path after `-file` or `-command` is no secret. */
const ASSIGNMENT = new RegExp(`(\\b[\\w-]*${KEY_WORDS}["']?\\s*[=:]\\s*)("[^"]*"|'[^']*'|[^\\s,;&"'}]+)`, 'gi');
const AGE_IDENTITY = /AGE-SECRET-KEY-[A-Z0-9-]{10,}/gi;
const AGE_PLUGIN_IDENTITY = /AGE-PLUGIN-[A-Z0-9]+-1[A-Z0-9]{6,}/gi;
/** To the end of the text where the END line was cut off. */
const PEM_PRIVATE_KEY = /-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z0-9 ]*PRIVATE KEY-----|$)/g;
const URL_CREDENTIALS = /(\b[a-z][a-z0-9+.-]*:\/\/)[^\s/@:]*:[^\s/@]+@/gi;
/** Base64 of JSON starts with `eyJ` for `{"`; dots make it a JSON web token. */
const BASE64_JSON = /\beyJ[\w+/=-]{10,}(?:\.[\w-]+){0,2}/g;
const AUTHORIZATION = /(\bauthorization\s*:\s*(?:bearer|basic)\s+)\S+/gi;

/** Tokens of GitHub, GitLab and Slack begin with what they are. */
const NAMED_TOKEN = /\b(?:gh[pousr]_\w{36,}|github_pat_\w{22,}|glpat-[\w-]{20,}|xox[abprs]-[\w-]{10,})/g;

/** `text` with secrets masked. `before` is the word in front of it in an argument list, if it stands in one. */
export function redact(text: string, before?: string): string {
  if (before !== undefined && SECRET_OPTION.test(before)) return MASK;
  return text
    .replace(PEM_PRIVATE_KEY, MASK)
    .replace(AGE_IDENTITY, MASK)
    .replace(AGE_PLUGIN_IDENTITY, MASK)
    .replace(NAMED_TOKEN, MASK)
    .replace(BASE64_JSON, (found) => (holdsSecret(found) ? MASK : found))
    .replace(URL_CREDENTIALS, `$1${MASK}@`)
    .replace(AUTHORIZATION, `$1${MASK}`)
    .replace(ASSIGNMENT, `$1${MASK}`);
}

/** An Incus join token is base64 of `{"server_name",…,"secret",…}`; a three-part web token is secret as such. */
function holdsSecret(base64: string): boolean {
  return base64.includes('.') || /"secret"/.test(Buffer.from(base64, 'base64').toString('latin1'));
}
