import type { JobSpec } from './host.ts';
import { SHELL } from './shells.ts';
import { quoteArgv, quoteExport, quoteWord } from './quote.ts';

/** From SIGTERM to SIGKILL. */
const JOB_GRACE_SECONDS = 10;
/** Names follow {@link JobSpec.name}, so they are safe as a path and as a unit. */
const unitOf = (name: string): string => `runbook-${name}.service`;

/** Everything of one job. */
function jobFolder(stateDir: string, name: string): string {
  return `${stateDir}/jobs/${name}`;
}

/**
 * The supervisor: a small shell that outlives whoever started it, sees one command through and writes down how it ended.
 *
 * - `lock` is held while it lives, `fences/<fence>` too; both by open descriptors, so they can't be left behind.
 * - `leash` is a pipe of which it alone holds the writing end: the command's group is killed when the supervisor dies,
 *   so `lost` means that nothing is at work any more. The timers read it too, and so end with it. It is opened while there is a writer:
 *   later, that would wait for ever.
 * - the result is written aside and renamed, after the group is gone: `ended` means ended.
 * /proc/uptime instead of `date`: a builtin reads it, and it does not jump.
 */
export function supervisorScript(spec: JobSpec, stateDir: string, startedAt: string): string {
  const folder = jobFolder(stateDir, spec.name);
  const exports = Object.entries(spec.env ?? {}).map(([name, value]) => `${quoteExport(name, value)}\n`);
  const fence =
    spec.fence === undefined
      ? ''
      : `exec 8<>${quoteWord(`${stateDir}/fences/${spec.fence}`)}
flock -w 5 8 || { printf 'fenced\\n' 1<>ack; exit 1; }
printf '%s\\n' ${spec.name} >${quoteWord(`${stateDir}/fences/${spec.fence}`)}
`;
  return `# ${spec.name}
mask=$(umask)
umask 077
cd ${quoteWord(folder)} || exit 1
exec 9<>lock
flock -w 5 9 || exit 1
${fence}child= why=
alone() { exec 6>&- 8>&- 9>&- >/dev/null 2>&1; }
end() {
why=\${why:-$1}
if [ -n "$child" ]; then (alone; kill -TERM "-$child"; reach ${JOB_GRACE_SECONDS} && kill -KILL "-$child") & fi
}
reach() { timeout "$1" cat <&4 >/dev/null; [ $? -eq 124 ]; }
trap 'end stopped' TERM
trap 'end "timed out"' USR1
mkfifo leash && exec 6<>leash && exec 4<leash || exit 1
read -r up _ </proc/uptime
printf '%s\\n' $$ >pid
printf '%s\\n%s\\n' ${quoteWord(startedAt)} "$up" >started.new
mv started.new started
printf 'ok\\n' 1<>ack
exec 5>&- 7>&-
(
umask "$mask"
${exports.join('')}cd ${quoteWord(spec.cwd ?? '/')} || exit
exec setsid ${SHELL} -c '(trap "" HUP INT TERM; read -r _; kill -KILL -$$) <&3 >/dev/null 2>&1 &
exec "$@" 3<&- 8>&- 9>&-' sh ${quoteArgv(spec.argv)}
) 3<&4 4<&- 6>&- </dev/null >stdout 2>stderr &
child=$!
[ -z "$why" ] || end
(alone; reach ${Math.max(0.001, spec.timeoutMs / 1000)} && kill -USR1 $$) &
while :; do
wait "$child"; code=$?
kill -0 "$child" 2>/dev/null || break
done
wait "$child" 2>/dev/null; again=$?
[ "$again" -eq 127 ] || code=$again
kill -KILL "-$child" 2>/dev/null
read -r up _ </proc/uptime
printf '%s\\n%s\\n%s\\n' "\${why:-exited}" "$code" "$up" >result.new
mv result.new result
exit "$code"
`;
}

/**
 * Starts the supervisor that comes on standard input, or finds that there is nothing to start. `start.lock` lets one
 * starter in at a time and is free again when it has been killed. Prints `started`, `attached` or `fenced HOLDER`.
 * `$1` state folder, `$2` name, `$3` fence or nothing, `$4` unit or nothing for a plain process, `$5` cwd.
 */
const START = `mask=$(umask)
umask 077
mkdir -p "$1/jobs" "$1/fences" || exit 1
[ -d "$5" ] || { printf '%s is no folder\\n' "$5" >&2; exit 1; }
cd "$1/jobs" || exit 1
exec 7>../start.lock
flock -w 20 7 || { echo 'another start hangs' >&2; exit 1; }
if [ -e "$2/started" ]; then echo attached; exit 0; fi
if [ -n "$3" ]; then
exec 8<>"../fences/$3"
flock -w 0.3 8 || { read -r holder <&8; printf 'fenced %s\\n' "$holder"; exit 0; }
exec 8>&-
fi
unit=
if [ -n "$4" ] && [ -d /run/systemd/system ] && command -v systemd-run >/dev/null; then unit=$4; fi
if [ -n "$unit" ]; then
case $(systemctl show -p SubState "$unit") in
SubState=running|SubState=start) echo attached; exit 0;;
SubState=exited|SubState=failed) systemctl stop "$unit"; systemctl reset-failed "$unit" 2>/dev/null;;
esac
fi
rm -rf "$2"
mkdir "$2" && cat >"$2/job" && mkfifo "$2/ack" && exec 5<>"$2/ack" || exit 1
if [ -n "$unit" ]; then
systemd-run --quiet --unit="$unit" --service-type=exec -p RemainAfterExit=yes -p KillMode=mixed -p TimeoutStopSec=30 \\
-p RuntimeMaxSec="$6" --setenv=PATH="$PATH" --setenv=HOME="\${HOME:-/root}" -- ${SHELL} "$PWD/$2/job" 7>&- 5>&- || { rm -rf "$2"; exit 1; }
else
(umask "$mask"; exec setsid ${SHELL} "$PWD/$2/job") </dev/null >/dev/null 2>&1 &
fi
read -r answer <&5
if [ "$answer" = ok ]; then echo "started \${unit:-process}"; exit 0; fi
[ -z "$unit" ] || systemctl stop "$unit"
rm -rf "$2"
echo "fenced another job"`;

export function startArguments(spec: JobSpec, stateDir: string, systemd: boolean): string[] {
  const backstop = Math.ceil(spec.timeoutMs / 1000) + 6 * JOB_GRACE_SECONDS;
  const unit = systemd ? unitOf(spec.name) : '';
  return ['sh', '-c', START, 'sh', stateDir, spec.name, spec.fence ?? '', unit, spec.cwd ?? '/', String(backstop)];
}

/**
 * Prints what is known of a job, sections apart by a line that no output has by chance. Changes nothing.
 * (`command exec`: a shell dies of a plain `exec` that can't open its file.)
 * `$1` folder, `$2` the line, `$3` bytes of each end of an output that are kept, `$4` seconds to wait for its end.
 */
const STATUS = `cd "$1" 2>/dev/null || { echo absent; exit 0; }
state=ended
if [ ! -e result ]; then
[ -e lock ] && command exec 9<lock || { echo absent; exit 0; }
if flock -w "$4" -s 9; then state=lost; [ ! -e result ] || state=ended; else state=running; fi
fi
[ -e started ] || { echo absent; exit 0; }
echo "$state"
cat started
[ "$state" != ended ] || cat result
cut=
for file in stdout stderr; do
printf '\\n%s\\n' "$2"
if [ ! -e "$file" ]; then :
elif [ "$state" = running ]; then tail -n 50 "$file"
elif [ "$(wc -c <"$file")" -le $(($3 * 2)) ]; then cat "$file"
else cut=cut; head -c "$3" "$file"; printf '\\n… part left out …\\n'; tail -c "$3" "$file"
fi
done
printf '\\n%s\\n%s' "$2" "$cut"`;

export function statusArguments(
  stateDir: string,
  name: string,
  { boundary, keptBytes, waitMs }: { boundary: string; keptBytes: number; waitMs: number },
): string[] {
  return ['sh', '-c', STATUS, 'sh', jobFolder(stateDir, name), boundary, String(keptBytes), String(waitMs / 1000)];
}

/** The held lock proves that the pid is still the supervisor's; then waits for the lock. `$1` folder, `$2` seconds. */
const STOP = `cd "$1" 2>/dev/null || exit 0
[ ! -e result ] || exit 0
[ -e lock ] && command exec 9<lock || exit 0
flock -n -s 9 && exit 0
read -r pid <pid && kill -TERM "$pid"
flock -w "$2" -s 9`;

export function stopArguments(stateDir: string, name: string, seconds: number): string[] {
  return ['sh', '-c', STOP, 'sh', jobFolder(stateDir, name), String(seconds)];
}

/** `$1` folder, `$2` unit or nothing. Leaves a running job alone. */
const REMOVE = `[ -d "$1" ] || exit 0
if [ -e "$1/lock" ] && command exec 9<"$1/lock"; then flock -n -s 9 || exit 0; fi
if [ -n "$2" ] && [ -d /run/systemd/system ] && command -v systemctl >/dev/null; then
systemctl stop "$2" 2>/dev/null
systemctl reset-failed "$2" 2>/dev/null
fi
rm -rf "$1"`;

export function removeArguments(stateDir: string, name: string, systemd: boolean): string[] {
  return ['sh', '-c', REMOVE, 'sh', jobFolder(stateDir, name), systemd ? unitOf(name) : ''];
}

/** `$1` folder of jobs, `$2` prefix. */
const LIST = `cd "$1" 2>/dev/null || exit 0
for job in "$2"*; do [ ! -e "$job/started" ] || printf '%s\\n' "$job"; done`;

export function listArguments(stateDir: string, prefix: string): string[] {
  return ['sh', '-c', LIST, 'sh', `${stateDir}/jobs`, prefix];
}
