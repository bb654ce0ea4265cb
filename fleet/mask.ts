/** Bounds, so that no text takes long: each place that looks like the beginning of a secret is looked at once. */
const USER = String.raw`[^\s/@:"']{0,200}`;
/** A port and a path are no password; a password may hold a slash that nobody encoded. */
const PASSWORD = String.raw`(?!\d{1,5}[/?#])[^\s"']{0,1000}`;

/** User and password of any URL; of a web address also a user alone, which may be a token. */
const URL_CREDENTIALS = new RegExp(String.raw`(?<=:\/\/)${USER}:${PASSWORD}(?=@)|(?<=https?:\/\/)${USER}(?=@)`, 'gi');
/** The value of a key called for a secret: `password: …`. A path in `passwordFile` is none. */
const NAMED_SECRET =
  /(?<=(?:pass(?:word|wd|phrase)|token|secret|api[-_]?key|private[-_]?key|access[-_]?key)["']?\s{0,20}[=:]\s{0,20})[^\s,[{}\]][^\r\n,}]{0,1000}/gi;
const PRIVATE_KEY = /AGE-SECRET-KEY-[A-Z0-9-]{1,200}/gi;

/**
 * The text with what looks like a secret masked. It stays as long as it was, so that places in it stay right:
 * diagnostics are printed, and kept in Temporal's history.
 */
export const maskSecrets = (text: string): string =>
  [URL_CREDENTIALS, NAMED_SECRET, PRIVATE_KEY].reduce(
    (masked, secret) => masked.replace(secret, (found) => '*'.repeat(found.length)),
    text,
  );

/** age's own form of one. */
export const isPrivateKey = (text: string): boolean => text.search(PRIVATE_KEY) !== -1;
