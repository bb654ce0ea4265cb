import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto';
import { z } from 'zod';
import { IDENTITY_FILES, MANIFEST } from '../tools/identity-archive.ts';

const schema = z.object({
  member: z.string(),
  /** Of the cluster's certificate. */
  fingerprint: z.string(),
  incusVersion: z.string(),
  /** As declared when it was taken. */
  address: z.string(),
  takenAt: z.string(),
  run: z.string(),
});

/** What a copy says of itself. */
export type IdentityManifest = z.output<typeof schema>;

/** What is wrong with an archive, or what it says of itself. Nothing of its contents is in the answer. */
export function readIdentity(
  files: ReadonlyMap<string, Buffer>,
  member: string,
): { type: 'identity'; manifest: IdentityManifest } | { type: 'problem'; problem: string } {
  const problem = (text: string) => ({ type: 'problem', problem: text }) as const;
  const missing = [...IDENTITY_FILES, MANIFEST].filter((name) => !files.has(name));
  if (missing.length > 0) return problem(`it lacks ${missing.join(', ')}`);
  const manifest = manifestOf(files.get(MANIFEST));
  if (manifest === undefined) return problem(`its ${MANIFEST} is none`);
  if (manifest.member !== member) return problem(`it is the identity of ${manifest.member}, not of ${member}`);
  for (const name of ['cluster', 'server']) {
    if (!belongTogether(files.get(`${name}.crt`), files.get(`${name}.key`)))
      return problem(`${name}.crt and ${name}.key do not belong together`);
  }
  const certificate = certificateOf(files.get('cluster.crt'));
  if (certificate?.fingerprint256.replaceAll(':', '').toLowerCase() !== manifest.fingerprint)
    return problem('its cluster.crt is that of another cluster');
  if (files.get('database/local.db')?.subarray(0, SQLITE.length).toString('latin1') !== SQLITE)
    return problem('its database/local.db is no database');
  return { type: 'identity', manifest };
}

const SQLITE = 'SQLite format 3\0';

function manifestOf(content: Buffer | undefined): IdentityManifest | undefined {
  try {
    return schema.safeParse(JSON.parse(content?.toString('utf8') ?? '')).data;
  } catch {
    return undefined;
  }
}

function certificateOf(content: Buffer | undefined): X509Certificate | undefined {
  try {
    return new X509Certificate(content ?? '');
  } catch {
    return undefined;
  }
}

function belongTogether(certificate: Buffer | undefined, key: Buffer | undefined): boolean {
  const [read, secret] = [certificateOf(certificate), keyOf(key)];
  return read !== undefined && secret !== undefined && read.checkPrivateKey(secret);
}

function keyOf(content: Buffer | undefined): KeyObject | undefined {
  try {
    return createPrivateKey(content ?? '');
  } catch {
    return undefined;
  }
}
