import { formatAge, ageOf } from './duration.ts';
import type { Gate } from './gates.ts';
import type { Problem } from './problem.ts';
import { dated } from './restore.ts';
import type { StepView } from './run.ts';
import { asSentence } from './sentence.ts';

/** Files of a guest, from a restic repository and beside the original. Plain data, small enough for a history. */

export interface RestoreFilesWish {
  /** An entry of `backups`. */
  backup: string;
  /** ISO 8601: the newest snapshot that is not younger. Absent: the newest. */
  until?: string;
  /** Only what is in this folder of the guest. */
  path?: string;
  /** A folder of the guest, empty or not there. */
  to?: string;
}

/** What the fleet file says at the run's revision. */
export interface RestoreFilesScope {
  wish: RestoreFilesWish;
  guest: string;
  member: string;
  /** Short ids. */
  repository: string;
  source: string;
  /** For people. */
  address: string;
  lock: string;
  path: string;
}

export interface ResticSnapshotSeen {
  id: string;
  /** ISO 8601. */
  at: string;
}

export interface RestoreFilesObservation {
  /** Why nothing can be told. */
  problem?: Problem;
  oldestAt?: string;
  /** The newest that is not younger than was asked for. */
  fitting?: ResticSnapshotSeen;
  /** There is something in the folder that it is to come to. */
  isTaken: boolean;
}

export interface RestoreFiles {
  guest: string;
  repository: string;
  source: string;
  address: string;
  snapshot: ResticSnapshotSeen;
  path: string;
  target: string;
}

type FilesGate = Omit<Gate, 'name'> & { name: 'copy' | 'name' };

export interface RestoreFilesPlan {
  gates: FilesGate[];
  refusals: FilesGate[];
  files?: RestoreFiles;
}

/** `/srv/data.restored-20261128-1200-3f9c` */
export const restoredFolder = ({ wish, path }: Pick<RestoreFilesScope, 'wish' | 'path'>, run: string): string =>
  wish.to ?? `${path}.restored-${run.replace(/^runbook-/, '')}`;

/** Pure. */
export function planRestoreFiles(
  scope: RestoreFilesScope,
  seen: RestoreFilesObservation,
  { run, now }: { run: string; now: string },
): RestoreFilesPlan {
  const { guest, address, path, repository, source } = scope;
  const { problem, fitting, isTaken } = seen;
  const target = restoredFolder(scope, run);
  const gates = [copyGate(scope, seen, now), ...(problem === undefined ? [folderGate(guest, target, isTaken)] : [])];
  const refusals = gates.filter(({ verdict }) => verdict === 'refused');
  if (fitting === undefined) return { gates, refusals };
  return { gates, refusals, files: { guest, repository, source, address, snapshot: fitting, path, target } };
}

const folderGate = (guest: string, target: string, isTaken: boolean): FilesGate =>
  isTaken
    ? refused('name', `There is something in ${target} of ${guest}`, 'Choose another folder: --to FOLDER.')
    : { name: 'name', verdict: 'passed', message: `${target} of ${guest} is free` };

function copyGate(
  { guest, address, path, wish }: RestoreFilesScope,
  { problem, oldestAt, fitting }: RestoreFilesObservation,
  now: string,
): FilesGate {
  if (problem !== undefined)
    return refused('copy', `${address} cannot be asked from ${guest}: ${problem.message}`, problem.whatToDo);
  if (fitting !== undefined)
    return {
      ...{ name: 'copy', verdict: 'passed' },
      message: `${path} of ${dated(fitting.at)}, ${formatAge(ageOf(fitting.at, now))} old, snapshot ${fitting.id.slice(0, 8)}`,
    };
  if (oldestAt === undefined || wish.until === undefined)
    return refused('copy', `${address} has no snapshot of it`, 'runbook backups list shows what there is.');
  return refused(
    'copy',
    `No snapshot is as old as ${dated(wish.until)}: they begin with ${dated(oldestAt)}`,
    'Ask for a later time: --at DATE. runbook backups list shows what there is.',
  );
}

export const filesStep = ({ guest, path, target }: Pick<RestoreFiles, 'guest' | 'path' | 'target'>): StepView => ({
  ...{ id: 'copy', phase: 'copy', state: 'pending' },
  title: `${path} of ${guest} to ${target}`,
});

const refused = (name: FilesGate['name'], message: string, whatToDo: string): FilesGate => ({
  ...{ name, verdict: 'refused', message: asSentence(message), whatToDo },
});
