import { z } from 'zod';
import {
  jsonLines,
  lastLine,
  problemOf,
  resticArgv,
  unexpectedOf,
  type ResticAccess,
  type ResticProblem,
} from './restic-command.ts';
import type { Ran } from './result.ts';

/** What restic reads. */
export type ResticSource =
  /** Of the machine where it runs. */
  | { type: 'paths'; paths: readonly string[] }
  /** A snapshot, by ZFS's name, or the folder that one is in: read at a fixed place, which snapshots remember as their path. */
  | { type: 'zfs' | 'folder'; from: string; at: string };

export interface ResticBackup extends ResticAccess {
  source: ResticSource;
  /** As snapshots name the machine: the same each time, whatever the machine is called. */
  hostname: string;
  tags: readonly string[];
  /** What the snapshot is dated: ISO 8601. */
  time: string;
}

export type ResticBackedUp =
  /** Every file was read. */
  | { type: 'complete'; snapshot: string; files: number; bytes: number; added: number }
  /** A snapshot without what could not be read. It is never to be taken for a backup. */
  | { type: 'incomplete'; snapshot?: string; unread: string[] }
  /** There is nothing in it: as where a disk is not mounted. */
  | { type: 'empty'; snapshot: string }
  /** What restic is to read could not be brought to its place. */
  | { type: 'not mounted'; message: string }
  | ResticProblem;

/**
 * Shows a snapshot at a fixed place, to restic alone: the place is in a mount namespace that ends with it, so that nothing is
 * left mounted, however it ends. `$1` zfs or folder, `$2` what, `$3` where; then the command.
 */
const MOUNTED = `kind=$1 from=$2 at=$3; shift 3
mkdir -p -m 700 -- "$at" || exit 79
case $kind in
zfs) mount -t zfs -o ro -- "$from" "$at" ;;
*) mount --bind -o ro -- "$from" "$at" ;;
esac || exit 79
cd "$at" && exec "$@"`;

/** Its `--time` is read in the time zone of the machine, and it would tell how far it is sixty times a second. */
export const RESTIC_ENV = { TZ: 'UTC', RESTIC_PROGRESS_FPS: '1' } as const;

/** The job that makes a snapshot. It runs with {@link RESTIC_ENV}. */
export function resticBackupArgv({ source, hostname, tags, time, ...access }: ResticBackup): string[] {
  const verb = ['backup', '--json', '--retry-lock=5m', '--group-by=host,paths'];
  const named = [`--host=${hostname}`, ...tags.map((tag) => `--tag=${tag}`), `--time=${timeOption(time)}`];
  if (source.type === 'paths') return resticArgv(access, verb, [...named, '--', ...source.paths]);
  const own = ['unshare', '--mount', '--propagation', 'private', 'sh', '-c', MOUNTED, 'sh'];
  return [...own, source.type, source.from, source.at, ...resticArgv(access, verb, [...named, '--', '.'])];
}

/** `2026-11-23 02:14:00` */
function timeOption(time: string): string {
  return new Date(time).toISOString().slice(0, 19).replace('T', ' ');
}

const summarySchema = z.object({
  message_type: z.literal('summary'),
  snapshot_id: z.string(),
  total_files_processed: z.number(),
  total_bytes_processed: z.number(),
  data_added: z.number(),
});
const statusSchema = z.object({
  message_type: z.literal('status'),
  bytes_done: z.number().default(0),
  total_bytes: z.number().default(0),
});
const errorSchema = z.object({ message_type: z.literal('error'), item: z.string().min(1) });

/** Files that are named at most. */
const MAX_UNREAD = 5;

/** What came of the job. */
export function readResticBackup(ran: Ran): ResticBackedUp {
  const { exitCode, stdout, stderr } = ran.result;
  const summary = lastLine(summarySchema, jsonLines(stdout));
  if (exitCode === 79) return { type: 'not mounted', message: stderr.trim() };
  if (exitCode === 3) return { type: 'incomplete', ...snapshotOf(summary), unread: unreadIn(stderr) };
  const problem = problemOf(ran);
  if (problem !== undefined) return problem;
  // Before restic 0.19 a path that is not there is passed over, and the end is 0.
  const skipped = [...stderr.matchAll(/^(.*) does not exist, skipping$/gm)].map(([, path = '']) => path);
  if (skipped.length > 0) return { type: 'incomplete', ...snapshotOf(summary), unread: skipped };
  if (summary === undefined) return unexpectedOf(ran);
  const { snapshot_id: snapshot, total_files_processed: files } = summary;
  if (files === 0) return { type: 'empty', snapshot };
  return { type: 'complete', snapshot, files, bytes: summary.total_bytes_processed, added: summary.data_added };
}

function snapshotOf(summary: z.infer<typeof summarySchema> | undefined): { snapshot?: string } {
  return summary === undefined ? {} : { snapshot: summary.snapshot_id };
}

function unreadIn(stderr: string): string[] {
  const items = jsonLines(stderr).flatMap((line) => errorSchema.safeParse(line).data?.item ?? []);
  return [...new Set(items)].slice(0, MAX_UNREAD);
}

/** How far it is, by the last lines of the job; undefined before it has said so. */
export function resticProgress(lines: readonly string[]): { bytes: number; totalBytes: number } | undefined {
  const last = lastLine(statusSchema, lines.flatMap(jsonLines));
  return last && { bytes: last.bytes_done, totalBytes: last.total_bytes };
}
