import { z } from 'zod';
import type { Host } from '../hosts/host.ts';
import {
  exitMessage,
  jsonLines,
  lastLine,
  problemOf,
  resticArgv,
  type ResticAccess,
  type ResticProblem,
} from './restic-command.ts';
import { tail, type Ran } from './result.ts';
import { withSignal, type ToolOptions } from './tool-options.ts';

/** How many of the newest of each kind `forget` leaves. */
export interface ResticKeep {
  last?: number;
  daily?: number;
  weekly?: number;
  monthly?: number;
  yearly?: number;
}

interface Forgotten {
  /** Only of this machine and with all of these tags. */
  hostname: string;
  tags: readonly string[];
  keep: ResticKeep;
}

/** Longer than a backup that somebody else has just begun may hold them up. */
const RETRY = '--retry-lock=5m';

/**
 * Snapshots are grouped as backups group them. Without a rule restic refuses. Throws a TypeError for no tag: it would forget
 * what somebody else has made.
 */
export function resticForgetArgv(access: ResticAccess, { hostname, tags, keep }: Forgotten): string[] {
  if (tags.length === 0) throw new TypeError('Expected a tag of the snapshots to forget.');
  const rules = Object.entries(keep).flatMap(([rule, number]) => `--keep-${rule}=${String(number)}`);
  const words = [`--host=${hostname}`, `--tag=${tags.join(',')}`, ...rules];
  return resticArgv(access, ['forget', RETRY, '--group-by=host,paths'], words);
}

/** restic 0.18 ends with 0 where a server that only takes backups (`--append-only`) has refused to delete. */
export function readResticForget(
  ran: Ran,
): { type: 'forgotten' } | { type: 'refused'; message: string } | ResticProblem {
  const { exitCode, stderr } = ran.result;
  if (/^unable to remove snapshot\//m.test(stderr)) return { type: 'refused', message: tail(stderr, 500) };
  if (exitCode === 3) return { type: 'refused', message: tail(stderr, 500) };
  return problemOf(ran) ?? { type: 'forgotten' };
}

export function resticPruneArgv(access: ResticAccess): string[] {
  return resticArgv(access, ['prune', RETRY]);
}

export function readResticPrune(ran: Ran): { type: 'pruned' } | ResticProblem {
  return problemOf(ran) ?? { type: 'pruned' };
}

/** The structure whole, and of the data one part of so many. */
export function resticCheckArgv(access: ResticAccess, { subset, of }: { subset: number; of: number }): string[] {
  return resticArgv(access, ['check', '--json', RETRY, `--read-data-subset=${subset}/${of}`]);
}

export interface ResticDamage {
  type: 'damaged';
  /** Packs that could not be read as they were written. */
  brokenPacks: string[];
  /** The first errors. */
  message: string;
}

const summarySchema = z.object({
  message_type: z.literal('summary'),
  num_errors: z.number(),
  broken_packs: z.array(z.string()).nullable(),
});
const errorSchema = z.object({ message_type: z.literal('error'), message: z.string() });

/** A lock makes its summary say one error as well, so the exit code is asked first. */
export function readResticCheck(ran: Ran): { type: 'sound' } | ResticDamage | ResticProblem {
  const { exitCode, stdout, stderr } = ran.result;
  const problem = problemOf(ran);
  if (problem !== undefined && exitCode !== 1) return problem;
  const lines = jsonLines(`${stdout}\n${stderr}`);
  const summary = lastLine(summarySchema, lines);
  const isDamaged = exitMessage(stderr).includes('repository contains errors');
  if (!isDamaged && (summary?.num_errors ?? 0) === 0) return problem ?? { type: 'sound' };
  const errors = lines.flatMap((line) => errorSchema.safeParse(line).data?.message ?? []);
  return {
    type: 'damaged',
    brokenPacks: (summary?.broken_packs ?? []).slice(0, 20),
    message: tail(
      errors
        .map((line) => line.trim())
        .join('\n')
        .slice(0, 500) || exitMessage(stderr),
    ),
  };
}

/** Reads the list of locks, and deletes some. */
const UNLOCK_TIMEOUT_MS = 60_000;

/**
 * Removes locks that restic itself takes for stale: half an hour old, or of a process that this machine has no more. Never
 * all of them. Only for who holds the mutex of the repository.
 */
export async function resticUnlock(
  host: Host,
  access: ResticAccess,
  options: ToolOptions = {},
): Promise<{ type: 'unlocked' } | ResticProblem> {
  const argv = resticArgv(access, ['unlock']);
  const result = await host.run(argv, { timeoutMs: UNLOCK_TIMEOUT_MS, ...withSignal(options) });
  return problemOf({ argv, result }) ?? { type: 'unlocked' };
}
