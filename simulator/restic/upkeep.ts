import { Unknown, type Call } from '../core/call.ts';
import type { Parsed } from '../core/arguments.ts';
import type { ResticSnapshot } from '../core/state.ts';
import { chosen, grouped, optionsOf, repositoryOf, requireUnlocked, ResticError } from './repository.ts';

const RULES = ['last', 'daily', 'weekly', 'monthly', 'yearly'].map((rule) => `keep-${rule}`);

/** `restic forget`. Of the rules by the calendar it knows that each day, week … keeps its newest. */
export async function forget(call: Call): Promise<number> {
  const asked = optionsOf(call, { values: ['group-by', 'host', 'tag', ...RULES] });
  const repository = repositoryOf(call, asked);
  requireUnlocked(repository, true);
  const doomed = grouped(chosen(repository.snapshots, asked)).flatMap((group) => {
    const sorted = [...group].sort((a, b) => b.time.localeCompare(a.time));
    const kept = new Set(RULES.flatMap((rule) => keptBy(rule, asked, sorted)));
    return sorted.filter(({ id }) => !kept.has(id));
  });
  if (repository.appendOnly && doomed.length > 0) {
    for (const { id } of doomed) {
      call.err(`Remove(<snapshot/${id.slice(0, 10)}>) failed: unexpected HTTP response (403): 403 Forbidden\n`);
      call.err(`unable to remove snapshot/${id} from the repository\n`);
    }
    return 0;
  }
  await call.update((state) => {
    const own = repositoryOf(call, asked, state);
    own.snapshots = own.snapshots.filter(({ id }) => !doomed.some((each) => each.id === id));
  });
  call.out(`Applying Policy\n${doomed.length} snapshots have been removed\n`);
  return 0;
}

/** How much of a time its days, weeks … have in common. */
const PERIODS: Readonly<Record<string, (time: string) => string>> = {
  'keep-last': (time) => time,
  'keep-daily': (time) => time.slice(0, 10),
  'keep-weekly': (time) => String(Math.floor((Date.parse(time) / 86_400_000 + 3) / 7)),
  'keep-monthly': (time) => time.slice(0, 7),
  'keep-yearly': (time) => time.slice(0, 4),
};

function keptBy(rule: string, asked: Parsed, newestFirst: readonly ResticSnapshot[]): string[] {
  const number = Number(asked.value(rule) ?? 0);
  const newest = new Map<string, string>();
  for (const { id, time } of newestFirst) {
    const key = rule === 'keep-last' ? id : (PERIODS[rule]?.(time) ?? '');
    if (!newest.has(key)) newest.set(key, id);
  }
  return [...newest.values()].slice(0, number);
}

/** `restic prune`: nothing here takes room. */
export function prune(call: Call): number {
  const repository = repositoryOf(call, optionsOf(call));
  requireUnlocked(repository, true);
  if (repository.damage !== undefined) throw new ResticError(1, 'Fatal: packs from index missing in repo');
  call.out('done\n');
  return 0;
}

/** `restic check --json --read-data-subset=n/t`. */
export function check(call: Call): number {
  const asked = optionsOf(call, { values: ['read-data-subset'] });
  const summary = (errors: number): void => {
    const of = { message_type: 'summary', num_errors: errors, broken_packs: null };
    call.out(`${JSON.stringify({ ...of, suggest_repair_index: false, suggest_prune: false })}\n`);
  };
  try {
    const repository = repositoryOf(call, asked);
    requireUnlocked(repository, true);
    if (repository.damage !== undefined) {
      call.err(`${JSON.stringify({ message_type: 'error', message: repository.damage })}\n`);
      throw new ResticError(1, 'Fatal: repository contains errors');
    }
  } catch (error) {
    // A lock and no repository are one error in it as well.
    if (error instanceof ResticError) summary(1);
    throw error;
  }
  summary(0);
  return 0;
}

/** `restic unlock`: of processes that are no more. */
export async function unlock(call: Call): Promise<number> {
  const asked = optionsOf(call);
  const stale = repositoryOf(call, asked).locks.filter(({ dead }) => dead).length;
  await call.update((state) => {
    const own = repositoryOf(call, asked, state);
    own.locks = own.locks.filter(({ dead }) => !dead);
  });
  if (stale > 0) call.out(`successfully removed ${stale} locks\n`);
  return 0;
}

/** `restic list locks`. */
export function list(call: Call): number {
  const asked = optionsOf(call);
  if (asked.positionals.join(' ') !== 'locks') throw new Unknown('expected list locks');
  for (const { id } of repositoryOf(call, asked).locks) call.out(`${id}\n`);
  return 0;
}
