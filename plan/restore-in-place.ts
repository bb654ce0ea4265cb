import { count } from './count.ts';
import { gateWords, type GateOf } from './gate-words.ts';
import { inProject } from './projects.ts';
import { formatBytes } from './bytes.ts';
import { resolveCommand } from './replica-resolve.ts';

/** What a restore in place finds where the volume is, what stands in its way, and what it comes to. Plain data. */

/** An instance that has the volume among its devices. */
export interface VolumeUser {
  project: string;
  name: string;
  /** As Incus says it: `Running`, `Stopped`, `Frozen`. */
  status: string;
  /** The fleet file has it as a guest: its health is looked at. */
  isDeclared: boolean;
}

/** The volume as its member has it now. */
export interface OriginalSeen {
  /** Where Incus looks for it. */
  dataset: string;
  users: VolumeUser[];
  /** Absent where Incus knows the volume, and nothing is there. */
  found?: { kind: 'filesystem' | 'volume'; encrypted: boolean; usedBytes: number; snapshots: number };
}

/** What becomes of the original. */
export interface InPlace {
  /** Where Incus looks for the volume: the restored one takes that place. */
  dataset: string;
  /** Where the original stays. Absent where nothing is to be set aside. */
  aside?: string;
  usedBytes: number;
  snapshots: number;
  /** All that use it, whether they run or not. */
  users: VolumeUser[];
  /** Of the replicas that copies cannot go on with afterwards: the commands by which a person decides. */
  resolve: { place: string; command: string }[];
}

/** A replica, and whether the next copies can go on from what is restored. */
export interface ReplicaAfter {
  host: string;
  dataset: string;
  goesOn: boolean;
}

export type InPlaceGate = GateOf<'original' | 'guests' | 'copies'>;

const { passed, refused, warning } = gateWords<InPlaceGate['name']>();

/** Where the original stays: beside the dataset of its pool, under the name of the run. */
export const asideOf = (pool: string, volume: string, run: string): string | undefined =>
  pool.includes('/') ? `${pool}-${volume}-${run}` : undefined;

/** Where a copy stays that was taken back after guests had written to it. */
export const writtenPlace = (aside: string): string => `${aside}-written`;

/** Pure. */
export function inPlaceGates(
  original: OriginalSeen,
  { title, kind, aside }: { title: string; kind: 'filesystem' | 'volume'; aside: string | undefined },
): InPlaceGate[] {
  return [originalGate(original, title, kind, aside), guestsGate(original)];
}

function originalGate(
  { found, dataset }: OriginalSeen,
  title: string,
  kind: 'filesystem' | 'volume',
  aside: string | undefined,
): InPlaceGate {
  if (found === undefined) return passed('original', `Incus knows ${title}, and there is no ${dataset}`);
  if (aside === undefined)
    return refused(
      'original',
      `The pool of ${title} is a whole zpool, and there is no place beside it for what is there now.`,
      'Restore beside the original, without --in-place.',
    );
  if (found.encrypted)
    return refused(
      'original',
      `${dataset} is encrypted, and its key may be that of its pool: it is not renamed out of there.`,
      'Restore beside the original, without --in-place, and attach that.',
    );
  if (found.kind !== kind)
    return refused(
      'original',
      `${title} is a ${found.kind === 'volume' ? 'block device' : 'filesystem'}, and its copy is none.`,
      'Compare the volume with runbook backups list; --backup NAME says whose copy is meant.',
    );
  return passed('original', `${title} stays as ${aside} (${formatBytes(found.usedBytes)})`);
}

function guestsGate({ users }: OriginalSeen): InPlaceGate {
  const odd = users.filter(({ status }) => status !== 'Running' && status !== 'Stopped');
  if (odd.length > 0)
    return refused(
      'guests',
      `Neither running nor stopped: ${odd.map((each) => `${inProject(each)} (${each.status})`).join(', ')}.`,
      'Start or stop it first.',
    );
  const running = runningOf(users);
  if (running.length === 0) return passed('guests', users.length === 0 ? 'No guest uses it' : 'No guest with it runs');
  return warning('guests', `${namesOf(running)} ${running.length === 1 ? 'is' : 'are'} stopped meanwhile`);
}

/** What the next nightly-backup does with each replica. */
export function copiesGates(volume: string, replicas: readonly ReplicaAfter[]): InPlaceGate[] {
  return replicas.map(({ host, dataset, goesOn }) =>
    goesOn
      ? passed('copies', `nightly-backup goes on with ${host} ${dataset} from what is restored`)
      : warning(
          'copies',
          `${host} ${dataset} has what the restored volume has not: nightly-backup leaves it as it is until you decide`,
          resolveOf(volume, { host, dataset }).command,
        ),
  );
}

export function resolveOf(
  volume: string,
  { host, dataset }: Pick<ReplicaAfter, 'host' | 'dataset'>,
): InPlace['resolve'][number] {
  const place = `${host} ${dataset.replace(/\/[^/]*$/, '')}`;
  return { place, command: resolveCommand({ volume, place }) };
}

export const runningOf = (users: readonly VolumeUser[]): VolumeUser[] =>
  users.filter(({ status }) => status === 'Running');

export const namesOf = (users: readonly Pick<VolumeUser, 'project' | 'name'>[]): string =>
  users.map(inProject).join(', ');

/** Those that use the volume by now, and that nobody was asked about. */
export const unexpectedUsers = (approved: readonly VolumeUser[], now: readonly VolumeUser[]): VolumeUser[] =>
  now.filter((user) => !approved.some(({ project, name }) => project === user.project && name === user.name));

/** For whoever approves it. */
export function whatIsReplaced(
  { aside, usedBytes, snapshots, users, resolve }: InPlace,
  { from, member }: { from: string; member: string },
): string[] {
  const running = runningOf(users);
  return [
    `Yes: Incus on ${member} has the copy of ${from} under that name, with its configuration and devices as they are.`,
    ...(running.length === 0 ? [] : [`Stopped meanwhile, and started again: ${namesOf(running)}.`]),
    ...(aside === undefined
      ? []
      : [
          `What is there now (${formatBytes(usedBytes)}, ${count(snapshots, 'snapshot')}) stays as ${aside}, until you release it by name. What was written since is only there.`,
        ]),
    ...resolve.map(
      ({ place }) =>
        `${place} has newer copies: nightly-backup makes none there until you decide (runbook backups resolve).`,
    ),
    'No, or no answer in time: nothing is changed.',
  ];
}
