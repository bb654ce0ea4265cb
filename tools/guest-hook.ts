import type { Host } from '../hosts/host.ts';
import { tail } from './result.ts';
import { withSignal, type ToolOptions } from './tool-options.ts';

/** What a guest does around its snapshots, told by argument lists. */
export interface GuestHooks {
  /** Of letters, digits and hyphens; the same for every attempt. */
  id: string;
  before?: readonly string[] | undefined;
  after?: readonly string[] | undefined;
  timeoutMs: number;
}

export type HookEnd =
  | { type: 'ran' }
  | { type: 'failed'; exitCode: number; message: string }
  | { type: 'timed out' }
  | { type: 'too late' };

/** On a file system of the memory: the guest's disks may be frozen. */
const FOLDER = '/run/runbook-hooks';
/** What `timeout` of coreutils ends with. */
const TIMED_OUT = 124;
/** What {@link AFTER} ends with where the guard was faster. */
const TOO_LATE = 75;
const GRACE_SECONDS = '5';

/** Runs the rest of its words once its time is over. `$1` its file, which has its process group, `$2` seconds. */
const GUARD = `echo $$ >"$1.new" && mv "$1.new" "$1" || exit
sleep "$2"
mv "$1" "$1.late" || exit
shift 2
exec "$@"`;

/**
 * Starts the guard, which outlives whoever started it: a worker that dies leaves no guest frozen. What an earlier attempt
 * has left is thawed first. `$1` file, `$2` seconds, `$3` the guard, then the words of `after`.
 */
const START_GUARD = `file=$1 seconds=$2 guard=$3; shift 3
mkdir -p "\${file%/*}" || exit
if [ -e "$file" ]; then
read -r group <"$file" && kill -KILL "-$group" 2>/dev/null
timeout -k ${GRACE_SECONDS} "$seconds" "$@" >/dev/null 2>&1
fi
rm -f "$file" "$file.late"
setsid sh -c "$guard" sh "$file" "$((seconds * 2))" "$@" </dev/null >/dev/null 2>&1 &
tries=0
until [ -e "$file" ]; do [ "$tries" -lt 100 ] || exit; tries=$((tries + 1)); sleep 0.05; done`;

/**
 * Does the guard's work and ends it, in this order: what fails here the guard does again. Without one there is nothing to thaw.
 * That it was faster stays known until it is started anew. `$1` file, `$2` seconds, then the words of `after`.
 */
const AFTER = `file=$1 seconds=$2; shift 2
[ ! -e "$file.late" ] || exit ${TOO_LATE}
[ -e "$file" ] || exit 0
timeout -k ${GRACE_SECONDS} "$seconds" "$@" || exit
mv "$file" "$file.done" 2>/dev/null || exit ${TOO_LATE}
read -r group <"$file.done" && kill -KILL "-$group" 2>/dev/null
rm -f "$file.done"`;

/** The two hooks of a guest, bounded on the guest itself. */
export interface HooksOf {
  /** Idempotent: what an earlier attempt has left frozen is thawed first. */
  before: () => Promise<HookEnd>;
  /** Idempotent. `too late`: its time was over, so `after` has run by itself, maybe before all was done. */
  after: () => Promise<HookEnd>;
}

export function createGuestHooks(
  guest: Host,
  { id, before = [], after = [], timeoutMs }: GuestHooks,
  options: ToolOptions & { folder?: string } = {},
): HooksOf {
  const file = `${options.folder ?? FOLDER}/${id}`;
  const seconds = String(Math.max(1, Math.ceil(timeoutMs / 1000)));
  const limits = { timeoutMs: 3 * timeoutMs + 30_000 };
  const run = async (argv: readonly string[], more: ToolOptions = {}): Promise<HookEnd> => {
    const { exitCode, stdout, stderr } = await guest.run(argv, { ...limits, ...withSignal(more) });
    if (exitCode === 0) return { type: 'ran' };
    if (exitCode === TIMED_OUT) return { type: 'timed out' };
    return { type: 'failed', exitCode, message: tail(`${stdout}${stderr}`) };
  };
  return {
    before: async () => {
      if (after.length > 0) {
        const guarded = await run(['sh', '-c', START_GUARD, 'sh', file, seconds, GUARD, ...after], options);
        if (guarded.type !== 'ran') return guarded;
      }
      return before.length === 0 ? { type: 'ran' } : run(['timeout', '-k', GRACE_SECONDS, seconds, ...before], options);
    },
    // Not for the signal to stop: a guest that is frozen would stay so.
    after: async () => {
      if (after.length === 0) return { type: 'ran' };
      const end = await run(['sh', '-c', AFTER, 'sh', file, seconds, ...after]);
      return end.type === 'failed' && end.exitCode === TOO_LATE ? { type: 'too late' } : end;
    },
  };
}
