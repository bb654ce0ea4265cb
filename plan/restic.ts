import { ageOf, durationMs, durationWords, formatAge } from './duration.ts';

/** What nightly-backup does with restic repositories. Plain data, small enough for a history; nothing of it is secret. */

/** Where a volume's snapshot is shown to restic. Snapshots remember it as their path, so it never changes. */
export const SHOWN_AT = '/run/runbook/restic';

/** Where restic runs, and how it reaches the repository from there. */
export interface ResticPlace {
  node: string;
  repository: string;
  passwordFile: string;
  environmentFile?: string;
}

/** What is one snapshot in a repository, night after night. */
export interface ResticSourceScope {
  /** Short, of `[a-z0-9]`: of its guest and what is read. */
  id: string;
  /** For people: `/srv/data of edge-vm`. */
  title: string;
  /** As snapshots name the machine. */
  guest: string;
  place: ResticPlace;
  reads: { type: 'paths'; paths: string[] } | { type: 'volume'; project: string; pool: string; volume: string };
  /** What its snapshots are found by again; `runbook` is among them. */
  tags: string[];
  keep?: Partial<Record<'last' | 'daily' | 'weekly' | 'monthly' | 'yearly', number>>;
  backupEvery: string;
  forgetEvery: string;
  maxAge: string;
}

/** One repository, however many targets of the fleet file name it. */
export interface ResticRepositoryScope {
  /** Short, of `[a-z0-9]`: of its address. */
  id: string;
  repository: string;
  sources: ResticSourceScope[];
  maintenance: ResticPlace;
  pruneEvery: string;
  checkEvery: string;
  checkSubsets: number;
  maxAge: string;
}

export interface ResticScope {
  repositories: ResticRepositoryScope[];
}

/** What is written down where restic runs, once it was seen to be so. Times are ISO 8601. */
export interface ResticLedger {
  /** The newest complete backup, by source. */
  backups: Record<string, { at: string; snapshot: string; run: string }>;
  forgets: Record<string, string>;
  prune?: string;
  check?: ResticChecked;
}

export interface ResticChecked {
  at: string;
  /** Which part of the data was read, of how many. */
  subset: number;
  of: number;
  /** What was found broken. */
  damage?: string | undefined;
}

export interface ResticSourceSeen {
  id: string;
  /** Why no backup can be made now. */
  problem?: string;
  /** When the newest complete backup was made that is in the repository still. */
  completeAt?: string;
}

export interface ResticRepositorySeen {
  id: string;
  sources: ResticSourceSeen[];
  maintenance: { problem?: string } & Pick<ResticLedger, 'forgets' | 'prune' | 'check'>;
}

export interface ResticObservation {
  repositories: ResticRepositorySeen[];
}

export type ResticUpkeep =
  { type: 'forget'; source: string } | { type: 'prune' } | { type: 'check'; subset: number; of: number };

export type ResticStep = { why: string } & ({ type: 'backup'; source: string } | ResticUpkeep);

export interface ResticRepositoryPlan {
  id: string;
  repository: string;
  /** The lock of workflows/support/locks.ts: who has it is the only run that works on the repository. */
  lock: string;
  /** In their order. */
  steps: ResticStep[];
  /** What would be due and is not done, with why. */
  held: { type: ResticStep['type']; source?: string; why: string }[];
}

/** Who holds it is alone at work on the repository. */
export const resticLock = (repository: string): string => `restic-${repository}`;

/** No night begins at the same second: so much of an interval is enough. */
const ENOUGH = 0.9;

/** What is due now. Each kind of work has an age of its own. */
export function planRestic(
  { repositories }: ResticScope,
  seen: ResticObservation,
  now: string,
): ResticRepositoryPlan[] {
  return repositories.map((scope) => {
    const found = seen.repositories.find(({ id }) => id === scope.id) ?? nothingSeen(scope.id);
    const plan: ResticRepositoryPlan = {
      ...{ id: scope.id, repository: scope.repository, lock: resticLock(scope.id) },
      ...{ steps: [], held: [] },
    };
    addBackups(plan, scope, found, now);
    addMaintenance(plan, scope, found.maintenance, now);
    return plan;
  });
}

const nothingSeen = (id: string): ResticRepositorySeen => ({ id, sources: [], maintenance: { forgets: {} } });

function addBackups(
  plan: ResticRepositoryPlan,
  scope: ResticRepositoryScope,
  found: ResticRepositorySeen,
  now: string,
) {
  for (const { id, backupEvery } of scope.sources) {
    const { completeAt, problem } = found.sources.find((source) => source.id === id) ?? {};
    const why = dueBecause(completeAt, backupEvery, now, 'It has no complete backup');
    if (why === undefined) continue;
    if (problem === undefined) plan.steps.push({ type: 'backup', source: id, why });
    else plan.held.push({ type: 'backup', source: id, why: problem });
  }
}

/**
 * Nothing is deleted from a repository in which the last check found damage, and a check comes first there. Snapshots of a
 * source are forgotten only by a run that has made a backup of it or needs none: {@link mayForget}.
 */
function addMaintenance(
  { steps, held }: ResticRepositoryPlan,
  scope: ResticRepositoryScope,
  { problem, forgets, prune, check }: ResticRepositorySeen['maintenance'],
  now: string,
): void {
  const damage = check?.damage === undefined ? undefined : `The last check found damage: ${check.damage}`;
  const add = (step: ResticStep | undefined): void => {
    if (step === undefined) return;
    const because = problem ?? (step.type === 'check' ? undefined : damage);
    if (because === undefined) steps.push(step);
    else held.push({ type: step.type, ...('source' in step ? { source: step.source } : {}), why: because });
  };
  for (const { id, keep, forgetEvery } of scope.sources) {
    const why = keep && dueBecause(forgets[id], forgetEvery, now, 'It was never done');
    add(why === undefined ? undefined : { type: 'forget', source: id, why });
  }
  const pruneWhy = dueBecause(prune, scope.pruneEvery, now, 'It was never done');
  add(pruneWhy === undefined ? undefined : { type: 'prune', why: pruneWhy });
  const checkWhy = damage ?? dueBecause(check?.at, scope.checkEvery, now, 'It was never done');
  add(checkWhy === undefined ? undefined : { type: 'check', ...nextSubset(check, scope), why: checkWhy });
}

/** A part that was read and found broken is read again. */
function nextSubset(check: ResticChecked | undefined, { checkSubsets: of }: ResticRepositoryScope) {
  if (check?.of !== of) return { subset: 1, of };
  return { subset: check.damage === undefined ? (check.subset % of) + 1 : check.subset, of };
}

/** A time to come is no age: clocks have been set. */
function dueBecause(at: string | undefined, every: string, now: string, never: string): string | undefined {
  if (at === undefined) return `${never}.`;
  const age = ageOf(at, now);
  if (age < 0) return `The last one is of a time to come, ${at}.`;
  if (age < durationMs(every) * ENOUGH) return undefined;
  return `The last one is ${formatAge(age)} old, and it is done every ${durationWords(every)}.`;
}

/**
 * Whether snapshots of the source may be forgotten now. An incomplete snapshot counts among those that are kept: some nights of
 * them would push the complete ones out.
 */
export function mayForget(backup: ResticBackupResult | undefined): boolean {
  return backup === undefined || backup.type === 'complete';
}

export type ResticBackupResult =
  | { type: 'complete'; snapshot: string; files: number; bytes: number; added: number }
  | { type: 'incomplete' | 'empty' | 'locked' | 'failed'; message: string };

export type ResticMaintenanceResult =
  { type: 'done'; message?: string } | { type: 'damaged' | 'refused' | 'locked' | 'failed'; message: string };

export interface ResticVerdict {
  what: ResticStep['type'];
  source?: string;
  verdict: 'fresh' | 'stale';
  message: string;
}

/** How old each kind of work is, whatever a run has said of it. The repository is as good as its worst. */
export function judgeRestic(scope: ResticRepositoryScope, seen: ResticRepositorySeen, now: string): ResticVerdict[] {
  const { forgets, prune, check } = seen.maintenance;
  const verdict = (
    what: ResticStep['type'],
    at: string | undefined,
    limitMs: number,
    source?: string,
  ): ResticVerdict => {
    const age = at === undefined ? undefined : ageOf(at, now);
    const isFresh = age !== undefined && age >= 0 && age <= limitMs;
    const message =
      age === undefined ? 'never done' : age < 0 ? `of a time to come, ${String(at)}` : `${formatAge(age)} old`;
    return { what, ...(source === undefined ? {} : { source }), verdict: isFresh ? 'fresh' : 'stale', message };
  };
  const over = (every: string, maxAge: string): number => durationMs(every) + durationMs(maxAge);
  const checked = verdict('check', check?.at, over(scope.checkEvery, scope.maxAge));
  return [
    ...scope.sources.map(({ id, maxAge }) =>
      verdict('backup', seen.sources.find((source) => source.id === id)?.completeAt, durationMs(maxAge), id),
    ),
    ...scope.sources
      .filter(({ keep }) => keep !== undefined)
      .map(({ id, forgetEvery, maxAge }) => verdict('forget', forgets[id], over(forgetEvery, maxAge), id)),
    verdict('prune', prune, over(scope.pruneEvery, scope.maxAge)),
    check?.damage === undefined
      ? checked
      : { ...checked, verdict: 'stale', message: `${checked.message}, and it found damage: ${check.damage}` },
  ];
}
