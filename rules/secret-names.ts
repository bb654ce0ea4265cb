/** Names of what holds a secret: `password`, `DB_PASSWORD`, `apiKey`. */
const KEY_OF = '(?:api|private|access|secret|encryption|signing|master|auth|session|cookie|(?:pre)?-?shared)';
const SECRET = new RegExp(
  [
    '(?:(?:^|[_.-])pass|(?:^|[_.-]|(?<=[a-z]))',
    `(?:pass(?:word|wd|phrase)|secret|(?:api|access|auth|bearer|bot)?[-_]?token|${KEY_OF}[-_]?key|credentials?|psk|(?<=[a-z_-])pwd))`,
    's?',
    // What such a name goes on with when it is one still: `secret_key_base`, `DB_PASSWORD_2`, `privateKeyPem`.
    '(?:[-_]?(?:raw|text|value|base|plain|plaintext|pem|base64|b64|old|new|prod|production|staging|dev|[0-9]{1,2}))?$',
  ].join(''),
  'i',
);
/** Of those, names of a place of it, or of what is no secret. */
const PLACE =
  /(?:file|path|dir|command|cmd|name|id|ref|url|type|field|policy|length|hash|ttl|expiry|env|enable|public|limit|count)s?$|^(?:max|min|num|total)[-_]?\w*tokens?$|^(?:Load|Import)Credential|Encrypted$|^(?:proxy|fastcgi|uwsgi|scgi|grpc)_pass$/i;

export const isSecretName = (name: string): boolean => SECRET.test(name) && !PLACE.test(name);

/** Whether each item of a list by that name is a secret. `secrets` and `credentials` are often names of some. */
export const isListOfSecrets = (name: string): boolean => isSecretName(name) && !/(?:secret|credential)s?$/i.test(name);

/** A value that stands for a secret that is elsewhere, or for none. */
const STAND_IN =
  /^$|^(?:\/|\.\.?\/|~\/|file:|env:|sops:|vault:|ENC\[|''\$\{|\$\{|\$\(|\$[A-Za-z_]\w*(?![\w-])|\$\d$|\$@|\{\{|<[^>]*>$|!|\*[A-Za-z]|%[a-z({])|^(?:true|false|null|none|x{3,}|\*+|\.{3,}|change-?me|replace-?me|placeholder|todo|example|redacted|secret|password|token)$/i;

export const isSecretValue = (value: string): boolean => !isPasswordHash(value) && !STAND_IN.test(value.trim());

/** As crypt(3) writes it, and NixOS, Caddy and htpasswd take it: `$y$…`, `$6$…`, `$2b$…`, `$apr1$…`; also after `user:`. */
export const isPasswordHash = (value: string): boolean =>
  /^(?:[^\s:$]+:)?\$(?:[1-7]|2[abxy]|y|gy|sha1|apr1|argon2id?)\$\S{8,}$/.test(value.trim());

/** Names of what takes such a hash: `hashedPassword`, `password_hash`, `basicauth`. */
export const isPasswordName = (name: string): boolean => /pass|hash|basic_?auth/i.test(name) && !/file$/i.test(name);

/** User and password of a URL. */
export const URL_PASSWORD = /\b[a-z][a-z0-9+.-]{0,20}:\/\/[^\s/@:"'$]{1,100}:(?!\d{1,5}[/?#])[^\s/@"'$<{]{1,200}@/gi;
