import type { Host } from '../hosts/host.ts';
import { tail, unexpected, type Unexpected } from './result.ts';
import { withSignal, type ToolOptions } from './tool-options.ts';

const TIMEOUT_MS = 60_000;
/** Its time: a database is written within milliseconds. */
const CHANGED = 75;

/** What is in an archive, beside the manifest. */
export const IDENTITY_FILES = ['cluster.crt', 'cluster.key', 'database/local.db', 'server.crt', 'server.key'] as const;
export const MANIFEST = 'manifest.json';

/**
 * `$1` folder of the manifest, which is no secret, in memory; `$2` the manifest; then recipients. The plain archive is in
 * pipes only. The database is copied while Incus runs: where it was written meanwhile, or a write was under way, the copy is
 * none (SQLite keeps a journal beside it for as long as a write takes).
 */
const SCRIPT = `set -o pipefail
umask 077
command -v age >/dev/null || exit 127
cd /var/lib/incus || exit 1
at=$1 manifest=$2; shift 2
for each; do set -- "$@" --recipient "$each"; shift; done
quiet() { ! ls database/local.db-journal database/local.db-wal >/dev/null 2>&1 && stat -c '%.Y %s %i' database/local.db; }
trap 'rm -rf "$at"' EXIT
mkdir -p "$at" && printf '%s' "$manifest" >"$at/${MANIFEST}" || exit 1
before=$(quiet) || exit ${CHANGED}
tar --create --format=ustar --owner=0 --group=0 --numeric-owner ${IDENTITY_FILES.join(' ')} -C "$at" ${MANIFEST} |
age --encrypt "$@" | base64 --wrap=0 || exit $?
[ "$before" = "$(quiet)" ] || exit ${CHANGED}`;

type Archived =
  | { type: 'archived'; encrypted: Buffer }
  /** Its database was being written. Trying again helps. */
  | { type: 'changing' }
  | { type: 'no age' }
  /** A file is not there: it is no member of a cluster. */
  | { type: 'incomplete'; message: string }
  /** age does not take it: a checksum is wrong. */
  | { type: 'bad recipient'; message: string }
  | Unexpected;

/** Who this host's Incus is to its cluster, encrypted before it leaves the host. Changes nothing there. */
export async function archiveIdentity(
  host: Host,
  { run, manifest, recipients }: { run: string; manifest: object; recipients: readonly string[] },
  options: ToolOptions = {},
): Promise<Archived> {
  const folder = `/run/runbook-identity-${run}`;
  const argv = ['bash', '-c', SCRIPT, 'bash', folder, JSON.stringify(manifest), ...recipients];
  const result = await host.run(argv, { timeoutMs: TIMEOUT_MS, ...withSignal(options) });
  const { exitCode, stdout, stderr, truncated } = result;
  if (exitCode === 0 && !truncated) return { type: 'archived', encrypted: Buffer.from(stdout, 'base64') };
  if (exitCode === 127) return { type: 'no age' };
  if (exitCode === CHANGED) return { type: 'changing' };
  if (/^tar: .*: Cannot stat: No such file or directory$/m.test(stderr))
    return { type: 'incomplete', message: tail(stderr) };
  if (/malformed recipient/.test(stderr)) return { type: 'bad recipient', message: tail(stderr) };
  return unexpected('bash', { argv, result: { ...result, stdout: '' } });
}
