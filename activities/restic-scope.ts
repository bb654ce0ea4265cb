import { createHash } from 'node:crypto';
import type { Backup, Fleet, ResticTarget } from '../fleet/schema.ts';
import { declaredVolumes } from '../fleet/volume-pattern.ts';
import { durationMs } from '../plan/duration.ts';
import type { ResticPlace, ResticRepositoryScope, ResticScope, ResticSourceScope } from '../plan/restic.ts';
import type { Host } from '../hosts/host.ts';
import type { Deps } from './deps.ts';
import { failure } from './failure.ts';

/** On every snapshot that a run has made; nothing without it is ever forgotten. */
export const TAG = 'runbook';

/** What the fleet file says about restic, by repository: several targets can name one. */
export function resticScope(fleet: Fleet): ResticScope {
  const repositories = new Map<string, ResticRepositoryScope>();
  for (const backup of Object.values(fleet.backups))
    for (const target of backup.to) {
      if (target.type !== 'restic') continue;
      const sources = sourcesOf(fleet, backup, target);
      const id = short(target.repository);
      const known = repositories.get(id);
      repositories.set(id, known === undefined ? repositoryOf(id, target, sources) : merged(known, target, sources));
    }
  return { repositories: [...repositories.values()] };
}

/** One of the scope. A run asks by what an earlier look has told it, at the same revision. */
export function repositoryIn({ repositories }: ResticScope, id: string): ResticRepositoryScope {
  const found = repositories.find((repository) => repository.id === id);
  if (found === undefined) throw failure('BadConfig', `runbook.yaml has no restic repository ${id}.`);
  return found;
}

export function sourceIn({ sources, repository }: ResticRepositoryScope, id: string): ResticSourceScope {
  const found = sources.find((source) => source.id === id);
  if (found === undefined) throw failure('BadConfig', `runbook.yaml has no source ${id} of ${repository}.`);
  return found;
}

const short = (...texts: string[]): string => createHash('sha256').update(texts.join('\n')).digest('hex').slice(0, 8);

function repositoryOf(id: string, target: ResticTarget, sources: ResticSourceScope[]): ResticRepositoryScope {
  const { repository, pruneEvery, checkEvery, checkSubsets, maxAge } = target;
  const [first] = sources;
  if (first === undefined) throw failure('BadConfig', `runbook.yaml has nothing for restic to read for ${repository}.`);
  const maintenance = maintainerOf(target) ?? first.place;
  return { id, repository, sources, maintenance, pruneEvery, checkEvery, checkSubsets, maxAge };
}

/** Where targets of one repository differ, the shorter time counts. */
function merged(
  known: ResticRepositoryScope,
  target: ResticTarget,
  sources: ResticSourceScope[],
): ResticRepositoryScope {
  const shorter = (a: string, b: string): string => (durationMs(b) < durationMs(a) ? b : a);
  const ids = new Set(known.sources.map(({ id }) => id));
  return {
    ...known,
    sources: [...known.sources, ...sources.filter(({ id }) => !ids.has(id))],
    maintenance: maintainerOf(target) ?? known.maintenance,
    pruneEvery: shorter(known.pruneEvery, target.pruneEvery),
    checkEvery: shorter(known.checkEvery, target.checkEvery),
    maxAge: shorter(known.maxAge, target.maxAge),
  };
}

function maintainerOf({ maintenance }: ResticTarget): ResticPlace | undefined {
  return maintenance && placeOf(maintenance.member, maintenance);
}

function placeOf(
  node: string,
  { repository, passwordFile, environmentFile }: Pick<ResticTarget, 'repository' | 'passwordFile' | 'environmentFile'>,
): ResticPlace {
  return { node, repository, passwordFile, ...(environmentFile === undefined ? {} : { environmentFile }) };
}

function sourcesOf(fleet: Fleet, backup: Backup, target: ResticTarget): ResticSourceScope[] {
  const { guest } = backup;
  const settings = fleet.guests[guest];
  if (settings === undefined) throw failure('BadConfig', `runbook.yaml has no guest ${guest}.`);
  const { tag, keep, backupEvery, forgetEvery, maxAge } = target;
  const common = {
    ...{ guest, tags: [TAG, ...(tag === undefined ? [] : [tag])], backupEvery, forgetEvery, maxAge },
    ...(keep === undefined ? {} : { keep: given(keep) }),
  };
  if (target.from === 'guest') {
    const paths = target.paths ?? [];
    const reads = { type: 'paths' as const, paths };
    const title = `${paths.join(', ')} of ${guest}`;
    return [{ ...common, id: short(guest, ...paths), title, place: placeOf(guest, target), reads }];
  }
  return declaredVolumes(backup, settings).map(({ pool, name: volume }) => ({
    ...common,
    id: short(guest, pool, settings.project, volume),
    title: `volume ${volume} of ${guest}`,
    place: placeOf(settings.member, target),
    reads: { type: 'volume' as const, project: settings.project, pool, volume },
  }));
}

/** Without the rules that are absent. */
function given(keep: NonNullable<ResticTarget['keep']>): NonNullable<ResticSourceScope['keep']> {
  return Object.fromEntries(Object.entries(keep).filter(([, number]) => number !== undefined));
}

/** Where restic runs for a place: a guest, a member, or a backup host. */
export function hostOf({ machines }: Deps, fleet: Fleet, { node }: ResticPlace): Host {
  return Object.hasOwn(fleet.backupHosts, node) ? machines.receiver(fleet, node) : machines.node(fleet, node);
}
