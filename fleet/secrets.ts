import { atKey, type Mistake, type Path } from './mistake.ts';
import { maskSecrets } from './mask.ts';

/** Incus's keys whose values are secrets (6.0.4): `loki.auth.password`, `openfga.api.token`, `network.ovn.client_key`; and what others call theirs. */
const SECRET_KEY =
  /(?:^|[._-])(?:pass(?:word|wd|phrase)|secret|token|(?:client|private|access|api|secret)[-_]?key)$|^acme\.provider\.environment$/i;
const URL = /:\/\//;

/** The fleet file is in a repository, and what it says goes into histories: no secret belongs there. */
export const checkSecret = (path: Path, key: string, value: unknown): Mistake[] => {
  const isUrlWithOne = typeof value === 'string' && URL.test(value) && maskSecrets(value) !== value;
  if (!SECRET_KEY.test(key) && !isUrlWithOne) return [];
  return [
    atKey({
      path,
      part: 'key',
      severity: 'error',
      message: `Expected configuration without secrets, got ${key}`,
      help: 'Take it out, and change the secret if this was committed. Set it once the cluster is there: incus config set, or Terraform with SOPS.',
    }),
  ];
};
