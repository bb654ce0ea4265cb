import { judgeCopy, type CopySeen, type JudgedCopy } from './copy-age.ts';
import { durationMs } from './duration.ts';
import { allPairs, failingOf, placeOf, type BackupObservation, type BackupScope } from './nightly-backup.ts';
import { problemOf, type Problem } from './problem.ts';
import { inProject } from './projects.ts';
import { judgeRestic, type ResticObservation, type ResticScope } from './restic.ts';

/** How all copies are, as they were seen where they are. Plain data. */
export interface BackupsView {
  /** Of each volume or path at each of its places. */
  copies: JudgedCopy[];
  /** Entries of `backups` that select nothing, and the like. */
  problems: Problem[];
  /** What repositories need and did not get in time. */
  upkeep: { repository: string; message: string }[];
}

export interface SeenBackups {
  scope: BackupScope;
  observation: BackupObservation;
  resticScope: ResticScope;
  restic: ResticObservation;
}

/** Pure. `maxAge` is that of replicas; a repository has its own. */
export function judgeBackups(seen: SeenBackups, { now, maxAge }: { now: string; maxAge: string }): BackupsView {
  const limit = { now, maxAgeMs: durationMs(maxAge) };
  return {
    copies: [...replicasOf(seen).map((copy) => judgeCopy(copy, limit)), ...inRepositories(seen, now)],
    problems: seen.observation.selection.problems,
    upkeep: upkeepOf(seen, now),
  };
}

function replicasOf({ scope, observation }: SeenBackups): CopySeen[] {
  return allPairs(scope, observation).flatMap((pair) => {
    const failing = failingOf(pair, observation);
    return pair.volumes.map((volume): CopySeen => {
      const of = inProject(volume);
      const state = observation.replicas.find((each) => each.pair === pair.id && each.volume === of);
      const problem = failing.find((each) => each.volume === of)?.problem;
      return {
        ...{ of, place: placeOf(pair.target) },
        newest:
          state?.newestAt !== undefined
            ? { type: 'copy', at: state.newestAt }
            : { type: state === undefined && problem !== undefined ? 'unseen' : 'none' },
        ...(problem === undefined ? {} : { problem }),
      };
    });
  });
}

function inRepositories({ resticScope, restic }: SeenBackups, now: string): JudgedCopy[] {
  return resticScope.repositories.flatMap(({ id, repository, sources }) => {
    const found = restic.repositories.find((each) => each.id === id);
    return sources.map(({ id: source, title, maxAge }) => {
      const { completeAt, problem } = found?.sources.find((each) => each.id === source) ?? {};
      const seen: CopySeen = {
        ...{ of: title, place: `restic ${repository}` },
        newest:
          completeAt === undefined
            ? { type: problem === undefined ? 'none' : 'unseen' }
            : { type: 'copy', at: completeAt },
        ...(problem === undefined ? {} : { problem: problemOf('Unexpected', problem) }),
      };
      return judgeCopy(seen, { now, maxAgeMs: durationMs(maxAge) });
    });
  });
}

function upkeepOf({ resticScope, restic }: SeenBackups, now: string): BackupsView['upkeep'] {
  return resticScope.repositories.flatMap((scope) => {
    const found = restic.repositories.find(({ id }) => id === scope.id);
    if (found === undefined) return [];
    return judgeRestic(scope, found, now)
      .filter(({ what, verdict }) => what !== 'backup' && verdict === 'stale')
      .map(({ what, message }) => ({ repository: scope.repository, message: `${what}: ${message}` }));
  });
}
