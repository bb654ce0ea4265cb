import { replicaName } from './backup-selection.ts';
import { judgeCopy, type CopySeen, type JudgedCopy, type ProofView } from './copy-age.ts';
import { ageOf, durationMs } from './duration.ts';
import { allPairs, failingOf, placeOf, unmetIn, type BackupObservation, type BackupScope } from './nightly-backup.ts';
import { problemOf, type Problem } from './problem.ts';
import { inProject } from './projects.ts';
import type { CopyProof } from './restore-drill.ts';
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
  /** By receiver, and by the name of the replica; a receiver that could not be asked is absent. */
  proofs: Record<string, Record<string, CopyProof>>;
}

/** Pure. `maxAge` is that of replicas; a repository has its own. */
export function judgeBackups(seen: SeenBackups, { now, maxAge }: { now: string; maxAge: string }): BackupsView {
  const limit = { now, maxAgeMs: durationMs(maxAge) };
  return {
    copies: [
      ...replicasOf(seen, now).map(({ proof, ...copy }) => ({
        ...judgeCopy(copy, limit),
        ...(proof === undefined ? {} : { proof }),
      })),
      ...inRepositories(seen, now),
    ],
    problems: [
      ...seen.observation.selection.problems,
      ...unmetIn(seen.scope, seen.observation.selection).map(({ problem }) => problem),
    ],
    upkeep: upkeepOf(seen, now),
  };
}

type SeenReplica = CopySeen & { proof?: ProofView };

function replicasOf({ scope, observation, proofs }: SeenBackups, now: string): SeenReplica[] {
  return allPairs(scope, observation).flatMap((pair) => {
    const failing = failingOf(pair, observation);
    const known = proofs[pair.target.member];
    const maxAgeMs = durationMs(scope.policy.drill.maxAge);
    return pair.volumes.map((volume): SeenReplica => {
      const proof = known?.[`${pair.target.dataset}/${replicaName(volume)}`];
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
        ...(known === undefined ? {} : { proof: proofView(proof, now, maxAgeMs) }),
      };
    });
  });
}

function proofView(proof: CopyProof | undefined, now: string, maxAgeMs: number): ProofView {
  if (proof === undefined) return { type: 'never' };
  const { outcome, at, snapshotAt, words, bytes, seconds } = proof;
  const ageMs = Math.max(0, ageOf(at, now));
  if (outcome === 'failed') return { type: 'failed', at, ageMs, words };
  return {
    ...{ type: 'proven', at, ageMs, isOld: ageMs > maxAgeMs, snapshotAt, words },
    ...(bytes === undefined ? {} : { bytes }),
    ...(seconds === undefined ? {} : { seconds }),
  };
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
      // No drill restores from a repository yet.
      return { ...judgeCopy(seen, { now, maxAgeMs: durationMs(maxAge) }), proof: { type: 'never' } };
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
