import { type Host, HostError } from './host.ts';
import { newNonce } from './process.ts';

const PUT_TIMEOUT_MS = 120_000;

/**
 * `$1` path, `$2` nonce of the temporary name, `$3` mode, `$4` bytes. The size is compared because a broken connection looks like
 * the end of the input; `mv` into a folder would put the file inside of it. Both are brought to the disk: a loss of power
 * in the next half minute would take the file back. What is half written goes when it is told to stop; what one has left
 * that was killed, as the process in its name tells, goes with the next.
 */
const SCRIPT = `umask 077
for left in "$1".runbook-*; do
kill -0 "\${left##*-}" || rm -f "$left"
done 2>/dev/null
set -- "$1" "$1.runbook-$2-$$" "$3" "$4"
trap 'rm -f "$2"; exit 1' HUP INT TERM
[ ! -d "$1" ] || { printf '%s is a directory\\n' "$1" >&2; exit 1; }
if cat >"$2" && [ "$(wc -c <"$2")" -eq "$4" ] && chmod "$3" "$2" && sync "$2" && mv -f "$2" "$1"; then
folder=\${1%/*}
sync "\${folder:-/}"
exit
fi
rm -f "$2"
exit 1`;

/** {@link Host.putFile} by way of `run`: written beside and renamed, 0600 unless a mode is given. */
export async function putFile(
  host: Pick<Host, 'run' | 'name'>,
  path: string,
  content: string | Uint8Array,
  { mode = 0o600, signal }: { mode?: number; signal?: AbortSignal } = {},
): Promise<void> {
  if (!path.startsWith('/')) throw new TypeError(`Expected an absolute path to write on ${host.name}, got ${path}.`);
  const bytes = String(Buffer.byteLength(content));
  const argv = ['sh', '-c', SCRIPT, 'sh', path, newNonce(), mode.toString(8), bytes];
  const options = { timeoutMs: PUT_TIMEOUT_MS, input: content, ...(signal === undefined ? {} : { signal }) };
  const { exitCode, stderr } = await host.run(argv, options);
  if (exitCode !== 0)
    throw new HostError('NotRun', host.name, `Could not write ${path} on ${host.name}: ${stderr.trim()}`);
}
