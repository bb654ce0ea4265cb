/** Names of what holds a secret: `password`, `DB_PASSWORD`, `apiKey`. */
const SECRET =
  /(?:^|[_.-]|(?<=[a-z]))(?:pass(?:word|wd|phrase)|secret|(?:api|access|auth|bearer|bot)?[-_]?token|(?:api|private|access|secret)[-_]?key|credentials?)s?$/i;
/** Of those, names of a place of it, or of what is no secret. */
const PLACE =
  /(?:file|path|dir|command|cmd|name|id|ref|url|type|field|policy|length|hash|ttl|expiry|env|enable|public)s?$/i;

export const isSecretName = (name: string): boolean => SECRET.test(name) && !PLACE.test(name);

/** A value that stands for a secret that is elsewhere, or for none. */
const STAND_IN =
  /^$|^(?:\/|\.\.?\/|~\/|file:|env:|sops:|vault:|ENC\[|\$\{|\$\(|\$[A-Z_]|\{\{|<[^>]*>$|!|\*[A-Za-z]|%[a-z({])|^(?:true|false|null|none|x{3,}|\*+|\.{3,}|change-?me|replace-?me|placeholder|todo|example|redacted|secret|password|token)$/i;

export const isSecretValue = (value: string): boolean => !STAND_IN.test(value.trim());

/** User and password of a URL. */
export const URL_PASSWORD = /\b[a-z][a-z0-9+.-]{0,20}:\/\/[^\s/@:"'$]{1,100}:(?!\d{1,5}[/?#])[^\s/@"'$<{]{1,200}@/gi;
