import { unexpected, type Ran, type Unexpected } from './result.ts';

/** One side of a comparison: a snapshot by ZFS's name, or the folder that something is in. */
export interface Compared {
  type: 'zfs' | 'folder';
  from: string;
}

export interface DrillComparison {
  /** Of this drill alone; it is emptied first. */
  folder: string;
  source: Compared;
  copy: Compared;
  /** The content of so many files; of all without it. */
  files?: number;
  /** Which files those are: the same for the same seed. */
  seed: string;
  /** Run over a copy that it may write to, with its path in `RUNBOOK_DRILL_PATH`. */
  check?: { argv: readonly string[]; seconds: number };
}

/**
 * Shows both sides to itself alone, read-only, and compares them: type, mode, owners, size, time and link of everything, then the
 * content of files. What is mounted is in a mount namespace that ends with it. `$1` the folder, `$2` `$3` kind and place of
 * the source, `$4` `$5` of the copy, `$6` how many files or `all`, `$7` the seed, `$8` seconds for the check; then that.
 * It prints what it has compared; ends with 0, or 1 where something differs, 78 where not all could be read, 79 where a side
 * could not be shown, 80 where the check did not end with 0.
 */
const COMPARE = `fold=$1 skind=$2 source=$3 ckind=$4 copy=$5 files=$6 seed=$7 seconds=$8; shift 8
umask 077
export LC_ALL=C
rm -rf --one-file-system -- "$fold"
mkdir -p -- "$fold/source" "$fold/copy" "$fold/upper" "$fold/work" "$fold/check" || exit 79
show() {
case $1 in
zfs) mount -t zfs -o ro -- "$2" "$3" ;;
*) mount --bind -o ro -- "$2" "$3" ;;
esac
}
show "$skind" "$source" "$fold/source" && show "$ckind" "$copy" "$fold/copy" || exit 79
sorted() { sort -z -T "$fold" "$@"; }
number() { tr -dc '\\0' <"$1" >"$fold/nuls" && wc -c <"$fold/nuls"; }
list() {
(cd "$fold/$1" && find . \\( -type f -printf 'f %m %U %G %s %T@ %P\\0' \\) -o \\( -type l -printf 'l %U %G %l %P\\0' \\) -o -printf '%y %m %U %G %P\\0') >"$fold/$1.all" &&
sorted "$fold/$1.all" >"$fold/$1.list"
}
differ() {
comm -z -3 "$1" "$2" | tr '\\0\\n\\t\\r' '\\n   ' | sed -e 's/^ *//' -e 's/^[0-9a-f]\\{64\\} *//' | uniq | head -n 6 | while IFS= read -r line; do printf 'differs %.200s\\n' "$line"; done
exit 1
}
list source && list copy || exit 78
entries=$(number "$fold/source.list") || exit 78
printf 'entries %s\\n' "$entries"
cmp -s "$fold/source.list" "$fold/copy.list" || differ "$fold/source.list" "$fold/copy.list"
(cd "$fold/source" && find . -type f -print0) >"$fold/found" && sorted "$fold/found" >"$fold/files" && all=$(number "$fold/files") || exit 78
if [ "$files" != all ] && [ "$files" -lt "$all" ]; then
# Of a source of randomness sort reads the first bytes alone, in which the names of runs are the same.
printf '%s' "$seed" | sha256sum >"$fold/seed" &&
sorted -R --random-source="$fold/seed" "$fold/files" >"$fold/mixed" &&
head -z -n "$files" "$fold/mixed" >"$fold/some" && sorted "$fold/some" >"$fold/chosen" || exit 78
else files=$all && mv -- "$fold/files" "$fold/chosen" || exit 78
fi
[ "$(number "$fold/chosen")" = "$files" ] || exit 78
sum() { (cd "$fold/$1" && xargs -0 -r sha256sum -z -- <"$fold/chosen") >"$fold/$1.raw" && sorted "$fold/$1.raw" >"$fold/$1.sums"; }
sum source && sum copy || exit 78
bytes=$(cd "$fold/source" && xargs -0 -r stat -c %s -- <"$fold/chosen" | awk '{ sum += $1 } END { printf "%.0f", sum }')
printf 'compared %s of %s %s\\n' "$files" "$all" "$bytes"
cmp -s "$fold/source.sums" "$fold/copy.sums" || differ "$fold/source.sums" "$fold/copy.sums"
echo same
[ "$#" -gt 0 ] || exit 0
mount -t overlay -o "lowerdir=$fold/copy,upperdir=$fold/upper,workdir=$fold/work" -- overlay "$fold/check" || exit 79
cd / && RUNBOOK_DRILL_PATH=$fold/check timeout -k 10 "$seconds" "$@" >&2 </dev/null && exit 0
printf 'check %s\\n' "$?"
exit 80`;

export type DrillCompared =
  /** `entries`: files, folders and others by name and mode; `files` of `allFiles` by their content, `bytes` of it. */
  | { type: 'same'; entries: number; files: number; allFiles: number; bytes: number }
  /** Some of what differs. */
  | { type: 'differs'; what: string[] }
  | { type: 'check failed'; exitCode: number; message: string }
  | { type: 'not mounted'; message: string }
  | Unexpected;

/** The job that compares. */
export function drillCompareArgv({ folder, source, copy, files, seed, check }: DrillComparison): string[] {
  const own = ['unshare', '--mount', '--propagation', 'private', 'sh', '-c', COMPARE, 'sh', folder];
  const sides = [source.type, source.from, copy.type, copy.from];
  return [
    ...own,
    ...sides,
    files === undefined ? 'all' : String(files),
    seed,
    String(check?.seconds ?? 0),
    ...(check?.argv ?? []),
  ];
}

/** What follows may be any name. */
const DIFFERS = 'differs ';

/** What came of the job. */
export function readDrillCompare(ran: Ran): DrillCompared {
  const { exitCode, stdout, stderr } = ran.result;
  const lines = stdout.split('\n');
  const first = (pattern: RegExp): string[] | undefined =>
    lines.map((line) => pattern.exec(line)).find((match) => match !== null) ?? undefined;
  if (exitCode === 79) return { type: 'not mounted', message: stderr.trim().slice(-500) };
  if (exitCode === 80) {
    const [, code = ''] = first(/^check (\d+)$/) ?? [];
    return { type: 'check failed', exitCode: Number(code), message: stderr.trim().slice(-500) };
  }
  const what = lines.flatMap((line) => (line.startsWith(DIFFERS) ? [line.slice(DIFFERS.length)] : []));
  if (exitCode === 1 && what.length > 0) return { type: 'differs', what };
  const [, entries] = first(/^entries (\d+)$/) ?? [];
  const [, files, allFiles, bytes] = first(/^compared (\d+) of (\d+) (\d+)$/) ?? [];
  if (exitCode !== 0 || !lines.includes('same') || entries === undefined || bytes === undefined)
    return unexpected('sh', ran);
  return {
    type: 'same',
    ...{ entries: Number(entries), files: Number(files), allFiles: Number(allFiles), bytes: Number(bytes) },
  };
}
