import { isDeepStrictEqual } from 'node:util';
import { sizeInBytes } from '../plan/bytes.ts';
import type { Incus } from '../tools/incus.ts';
import type { MemberRecord, VolumeRecord, VolumeSnapshotRecord } from '../tools/incus-records.ts';
import { expecting } from './expecting.ts';
import type { RejoinNotes } from './rejoin-notes.ts';

interface Reminding {
  /** Of another member. */
  incus: Incus;
  member: string;
  /** Of a volume that was not back when the run ended. */
  dataOf: (volume: VolumeRecord) => Promise<VolumeData>;
}

/** Whose data a volume has that came late: its own after all, or what somebody has put in its place. */
export interface VolumeData {
  isItsOwn: boolean;
  usedBytes: number;
}

interface Reminded {
  changed: boolean;
  /** What was not there to be reminded of. A later run is not to give back again what people may have changed by then. */
  left: RejoinNotes;
}

/** What was written down, to all that is in the records by now. Idempotent. */
export async function remind(
  reminding: Reminding,
  notes: RejoinNotes,
  now: Required<Pick<RejoinNotes, 'member' | 'volumes' | 'snapshots' | 'instances'>>,
): Promise<Reminded> {
  const { incus, member } = reminding;
  const isLate = notes.hasEnded === true;
  let changed = notes.member !== undefined && (await remindOfMember(incus, member, notes.member, now.member));
  const isThere = (then: { pool: string; project: string; name: string }): VolumeRecord | undefined =>
    now.volumes.find(({ pool, project, name }) => pool === then.pool && project === then.project && name === then.name);
  for (const volume of notes.volumes) {
    const found = isThere(volume);
    if (found !== undefined) changed = (await remindOfVolume(reminding, volume, found, isLate)) || changed;
  }
  for (const snapshot of notes.snapshots)
    changed = (await remindOfSnapshot(incus, member, snapshot, now.snapshots)) || changed;
  return {
    changed,
    left: {
      ...withoutMember(notes),
      given: [
        ...new Set([
          ...(notes.given ?? []),
          ...notes.volumes.filter(isThere).map(({ pool, name }) => `${pool}/${name}`),
        ]),
      ],
      volumes: notes.volumes.filter((each) => isThere(each) === undefined),
      snapshots: notes.snapshots.filter((each) => isThere({ ...each, name: each.volume }) === undefined),
      instances: notes.instances.filter(
        (each) => !now.instances.some(({ project, name }) => project === each.project && name === each.name),
      ),
    },
  };
}

function withoutMember(notes: RejoinNotes): RejoinNotes {
  const rest = { ...notes };
  delete rest.member;
  return rest;
}

async function remindOfMember(incus: Incus, member: string, then: MemberRecord, now: MemberRecord): Promise<boolean> {
  // The database gives and takes its own roles.
  const others = then.roles.filter((role) => !role.startsWith('database'));
  const wanted = { ...then, roles: [...new Set([...now.roles, ...others])] };
  if (isDeepStrictEqual(normal(wanted), normal(now))) return false;
  expecting(await incus.replaceMemberRecord(member, wanted), 'replaced', member);
  return true;
}

const normal = (record: MemberRecord): MemberRecord => ({
  ...record,
  groups: record.groups.toSorted(),
  roles: record.roles.toSorted(),
});

/** With `volatile.idmap.last`: without it the next start takes files for unshifted, and gives them to others. */
async function remindOfVolume(
  { incus, member, dataOf }: Reminding,
  then: VolumeRecord,
  now: VolumeRecord,
  isLate: boolean,
): Promise<boolean> {
  const wanted = isLate ? lateRecord(then, now, await dataOf(then)) : then;
  if (isDeepStrictEqual(now, wanted)) return false;
  expecting(await incus.replaceVolumeRecord(member, wanted), 'replaced', member);
  return true;
}

/** It may be another one by now, with more in it: its size never becomes less than it has, or was given. */
function lateRecord(then: VolumeRecord, now: VolumeRecord, { isItsOwn, usedBytes }: VolumeData): VolumeRecord {
  const config = isItsOwn ? { ...then.config } : { ...withoutVolatile(then), ...volatileOf(now) };
  const given = sizeInBytes(now.config['size']);
  const wanted = sizeInBytes(then.config['size']);
  if (wanted !== undefined && wanted < Math.max(given ?? 0, usedBytes)) {
    delete config['size'];
    if (now.config['size'] !== undefined) config['size'] = now.config['size'];
  }
  return { ...then, config };
}

const VOLATILE = 'volatile.';
/** What Incus notes of the files in it. */
const volatileOf = ({ config }: VolumeRecord): Record<string, string> =>
  Object.fromEntries(Object.entries(config).filter(([key]) => key.startsWith(VOLATILE)));
const withoutVolatile = ({ config }: VolumeRecord): Record<string, string> =>
  Object.fromEntries(Object.entries(config).filter(([key]) => !key.startsWith(VOLATILE)));

async function remindOfSnapshot(
  incus: Incus,
  member: string,
  then: VolumeSnapshotRecord,
  snapshots: readonly VolumeSnapshotRecord[],
): Promise<boolean> {
  const isIt = ({ pool, project, volume, name }: VolumeSnapshotRecord): boolean =>
    pool === then.pool && project === then.project && volume === then.volume && name === then.name;
  const now = snapshots.find(isIt);
  if (now === undefined || isDeepStrictEqual(now, then)) return false;
  expecting(await incus.replaceVolumeSnapshotRecord(member, then), 'replaced', member);
  return true;
}
