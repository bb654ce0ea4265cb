import type { BackupsView } from './backups-view.ts';
import type { JudgedCopy } from './copy-age.ts';
import { durationMs } from './duration.ts';
import { sample, unixSeconds, type Sample } from './metrics.ts';
import type { ResticScope } from './restic.ts';

/** Copies as they were seen where they are, and how old they may be. Durations as in the fleet file: `26h`. */
export interface MeasuredBackups {
  view: BackupsView;
  restic: ResticScope;
  /** Of replicas; a repository has its own. */
  maxAge: string;
  proofMaxAge: string;
}

/** What the metrics say of copies. Pure. */
export function backupSamples({ view, restic, maxAge, proofMaxAge }: MeasuredBackups): Sample[] {
  const own = repositoryAges(restic);
  return [
    ...view.copies.flatMap((copy) => {
      const age = own.get(keyOf(copy));
      const proof = age === undefined ? proofSamples(copy) : [];
      return [...copySamples(copy, age ?? maxAge), ...proof];
    }),
    sample('runbook_backup_proof_max_age_seconds', {}, seconds(proofMaxAge)),
    sample('runbook_backup_problems', {}, view.problems.length),
    ...restic.repositories.map(({ repository }) => {
      const overdue = view.upkeep.filter((each) => each.repository === repository);
      return sample('runbook_backup_upkeep_overdue', { repository }, overdue.length);
    }),
  ];
}

type Named = Pick<JudgedCopy, 'of' | 'place'>;
const keyOf = ({ of, place }: Named): string => JSON.stringify([of, place]);
const labelsOf = ({ of, place }: Named): { volume: string; target: string } => ({ volume: of, target: place });
const seconds = (duration: string): number => durationMs(duration) / 1000;

/** By copy: how old each source of a repository may be. */
const repositoryAges = ({ repositories }: ResticScope): Map<string, string> =>
  new Map(
    repositories.flatMap(({ repository, sources }) =>
      sources.map(({ title, maxAge }) => [keyOf({ of: title, place: `restic ${repository}` }), maxAge] as const),
    ),
  );

function copySamples(copy: JudgedCopy, maxAge: string): Sample[] {
  const labels = labelsOf(copy);
  const { newest, outcome } = copy;
  return [
    sample('runbook_backup_outcome', { ...labels, outcome }),
    sample('runbook_backup_max_age_seconds', labels, seconds(maxAge)),
    ...(newest.type === 'copy'
      ? [sample('runbook_backup_newest_timestamp_seconds', labels, unixSeconds(newest.at))]
      : []),
  ];
}

/** Not of a repository: no drill restores from one, so that none was is no news. */
function proofSamples(copy: JudgedCopy): Sample[] {
  const { proof } = copy;
  if (proof === undefined) return [];
  const labels = labelsOf(copy);
  const state = sample('runbook_backup_proof', { ...labels, outcome: proof.type });
  if (proof.type !== 'proven') return [state];
  return [state, sample('runbook_backup_last_proven_timestamp_seconds', labels, unixSeconds(proof.at))];
}
