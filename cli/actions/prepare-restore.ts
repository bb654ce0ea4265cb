import { helpForName } from '../../fleet/suggest.ts';
import { quote } from '../../fleet/visible.ts';
import { replicaName } from '../../plan/backup-selection.ts';
import { endOfMoment } from '../../plan/moment.ts';
import type { RestoreFilesInput, RestoreInput } from '../../workflows/messages.ts';
import type { CommandContext } from '../context.ts';
import { CliError } from '../errors.ts';
import { loadRepository, requireMember } from '../repository.ts';
import { actorOf } from '../temporal/identity.ts';
import type { Start } from './prepare.ts';

export interface RestoreOptions {
  volume?: string;
  project?: string;
  at?: string;
  to?: string;
  member?: string;
  backup?: string;
  from?: string;
  path?: string;
  inPlace?: true;
}

/** As Incus takes the names of volumes and projects. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;
const LATEST = 'latest';

/** A volume from a replica, or with `--from restic` files of a guest. */
export function prepareRestore(context: CommandContext, options: RestoreOptions, planOnly: boolean): Promise<Start> {
  return options.from === 'restic'
    ? prepareFiles(context, options, planOnly)
    : prepareVolume(context, options, planOnly);
}

async function prepareFiles(
  context: CommandContext,
  { volume, project, at, to, member, backup, path, inPlace }: RestoreOptions,
  planOnly: boolean,
): Promise<Start> {
  const until = untilOf(at);
  if (inPlace === true)
    throw wrongUsage('From restic files come back beside the original: leave --in-place out, and move them there.');
  if (volume !== undefined || project !== undefined || member !== undefined)
    throw wrongUsage('From restic files come back into their guest: leave --volume, --project and --member out.');
  if (backup === undefined) throw wrongUsage('Expected --backup NAME with --from restic: whose files they are.');
  for (const [option, folder] of Object.entries({ path, to }))
    if (folder !== undefined && !isFolder(folder))
      throw wrongUsage(`Expected an absolute path of the guest after --${option}, got ${quote(folder)}.`);
  const { fleet, revision, branch } = await loadRepository(context);
  requireOneOf('the name of a backup', backup, Object.keys(fleet.backups), 'backups');
  const wish = {
    backup,
    ...(until === undefined ? {} : { until }),
    ...(path === undefined ? {} : { path }),
    ...(to === undefined ? {} : { to }),
  };
  const input: RestoreFilesInput = { fleet: { revision }, actor: actorOf(context.io.env), planOnly, wish };
  return { workflowType: 'restoreFiles', runbook: 'restore', subject: backup, input, revision, branch };
}

/** One that means the same for whoever reads it. */
const isFolder = (path: string): boolean => /^(?:\/[^/\0\n]+)+$/.test(path) && !/\/\.\.?(?:\/|$)/.test(path);

const wrongUsage = (message: string): CliError => new CliError('wrong usage', message);

async function prepareVolume(
  context: CommandContext,
  { volume, project = 'default', at, to, member, backup, from, path, inPlace }: RestoreOptions,
  planOnly: boolean,
): Promise<Start> {
  if (volume === undefined)
    throw wrongUsage('Expected --volume NAME, or --from restic with --backup NAME, got neither.');
  if (path !== undefined)
    throw wrongUsage(
      '--path is for files from restic. Of a replica the whole volume is restored beside the original: attach it, and take what you need.',
    );
  if (inPlace === true && member !== undefined)
    throw wrongUsage(
      `In place is where the volume is: leave --member out. On another member it is made without --in-place: --member ${member} --to ${volume}.`,
    );
  if (inPlace === true && to === volume)
    throw wrongUsage(
      'With --in-place, --to is what the copy arrives under, which is another name than that of the volume.',
    );
  for (const [option, name] of Object.entries({ volume, project, to }))
    if (name !== undefined) requireName(option, name);
  const until = untilOf(at);
  const { fleet, revision, branch } = await loadRepository(context);
  const places = Object.values(fleet.backups).flatMap(({ to: targets }) =>
    targets.flatMap((target) => (target.type === 'zfs' ? [target.member] : [])),
  );
  if (places.length === 0)
    throw new CliError(
      'wrong config',
      `Expected a place of type zfs in the backups of runbook.yaml of commit ${revision.slice(0, 7)}, got none.`,
      { description: ['Files in a restic repository: --from restic --backup NAME.'] },
    );
  if (member !== undefined) requireMember(fleet, member);
  if (backup !== undefined) requireOneOf('the name of a backup', backup, Object.keys(fleet.backups), 'backups');
  if (from !== undefined) requireOneOf('a host with replicas', from, [...new Set(places)], 'such hosts');
  const input: RestoreInput = {
    ...{ fleet: { revision }, actor: actorOf(context.io.env), planOnly, project, volume },
    ...(until === undefined ? {} : { until }),
    ...(to === undefined ? {} : { to }),
    ...(member === undefined ? {} : { member }),
    ...(backup === undefined ? {} : { backup }),
    ...(from === undefined ? {} : { from }),
    ...(inPlace === undefined ? {} : { inPlace }),
  };
  const subject = replicaName({ project, name: volume });
  return { workflowType: 'restore', runbook: 'restore', subject, input, revision, branch };
}

function requireName(option: string, name: string): void {
  if (NAME.test(name)) return;
  throw wrongUsage(`Expected letters, digits, dots, dashes and underscores after --${option}, got ${quote(name)}.`);
}

function requireOneOf(what: string, name: string, known: readonly string[], all: string): void {
  if (known.includes(name)) return;
  throw wrongUsage(`Expected ${what}, got ${quote(name)}. ${helpForName(name, known, all)}`);
}

function untilOf(at: string | undefined): string | undefined {
  if (at === undefined || at === LATEST) return undefined;
  const until = endOfMoment(at);
  if (until !== undefined) return until;
  throw wrongUsage(
    `Expected latest, a day like 2026-11-20 or a time like 2026-11-20T02:30 after --at, got ${quote(at)}.`,
  );
}
