import { z } from 'zod';
import type { IncusApi } from './incus-api.ts';
import { incusError, readIncusError, type IncusFailure } from './incus-errors.ts';
import type { Ran } from './result.ts';

/** Instant on ZFS and btrfs; with the `dir` driver everything is copied. */
const SNAPSHOT_TIMEOUT_MS = 30 * 60_000;

export interface IncusSnapshot {
  /** Without the instance's or volume's name. */
  name: string;
  /** ISO 8601. */
  created: string;
  /** ISO 8601; absent: never. */
  expires?: string;
}

export type CreatedSnapshot = { type: 'created' } | { type: 'already there' } | IncusFailure;

/** `held`: a ZFS hold keeps it; deleting is refused until it is released, and so is every expiry on that member. */
export type DeletedSnapshot =
  { type: 'deleted' } | { type: 'already gone' } | { type: 'held'; message: string } | IncusFailure;

/**
 * Why ZFS refuses: a newer snapshot made through Incus (delete it first), one made past Incus (nothing in Incus can
 * override that), or a newer bookmark.
 */
export type RestoreBlocked = {
  type: 'blocked';
  by: 'newer snapshot' | 'newer snapshot outside Incus' | 'newer bookmark';
  message: string;
};

/**
 * A volume's snapshot is `already in use`; of an instance's, Incus 6.0.4 passes the words of its database on, and 7.0.2
 * says `This "Instance_snapshot" entry already exists`.
 */
const DUPLICATE =
  /^Snapshot "[^"]*" already (?:exists|in use)$|This "Instance_snapshot" entry already exists$|UNIQUE constraint failed: instances_snapshots\.instance_id, instances_snapshots\.name$/;

/** Not the instance or volume itself, which would be a mistake. */
const SNAPSHOT_GONE =
  /(?:^|: )(?:Instance_snapshot|Instance snapshot|Storage pool volume snapshot) not found$|^Storage volume "[^"]*\/[^"]*" in project .* does not exist on pool/i;

/** Incus gives a date before 1971 for "never". */
const NEVER = /^(?:0001|1970)-/;

export const snapshotsSchema = z.array(
  z.object({ name: z.string(), created_at: z.string(), expires_at: z.string().nullish() }),
);

/** Volume snapshots are listed as `volume/snapshot`, instance snapshots by their own name. */
export function toSnapshot(raw: z.output<typeof snapshotsSchema>[number]): IncusSnapshot {
  const expires = raw.expires_at ?? undefined;
  return {
    name: raw.name.slice(raw.name.lastIndexOf('/') + 1),
    created: raw.created_at,
    ...(expires === undefined || NEVER.test(expires) ? {} : { expires }),
  };
}

/** Through the API, because `snapshot create --expiry` does not exist in Incus 6.0.4. */
export async function createSnapshot(
  api: IncusApi,
  path: string,
  { snapshot, expiresAt }: { snapshot: string; expiresAt?: string },
): Promise<CreatedSnapshot> {
  const body = { name: snapshot, ...(expiresAt === undefined ? {} : { expires_at: expiresAt }) };
  const ran = await api.send('POST', path, body, SNAPSHOT_TIMEOUT_MS);
  if (ran.result.exitCode === 0) return { type: 'created' };
  return DUPLICATE.test(incusError(ran)) ? { type: 'already there' } : readIncusError(ran);
}

export async function deleteSnapshot(api: IncusApi, path: string): Promise<DeletedSnapshot> {
  const ran = await api.send('DELETE', path, undefined, SNAPSHOT_TIMEOUT_MS);
  if (ran.result.exitCode === 0) return { type: 'deleted' };
  const error = incusError(ran);
  if (/cannot destroy snapshot .*: it's being held/.test(error)) return { type: 'held', message: error };
  if (SNAPSHOT_GONE.test(error)) return { type: 'already gone' };
  return readIncusError(ran);
}

/** `known` reads the texts of the one kind of restore only. */
export async function restoreSnapshot<K>(
  api: IncusApi,
  path: string,
  snapshot: string,
  known: (error: string, ran: Ran) => K | undefined,
): Promise<{ type: 'restored' } | RestoreBlocked | K | IncusFailure> {
  const ran = await api.send('PUT', path, { restore: snapshot }, SNAPSHOT_TIMEOUT_MS);
  if (ran.result.exitCode === 0) return { type: 'restored' };
  const error = incusError(ran);
  return blocked(error) ?? known(error, ran) ?? readIncusError(ran);
}

function blocked(message: string): RestoreBlocked | undefined {
  if (/cannot be restored due to subsequent internal snapshot\(s\)/.test(message))
    return { type: 'blocked', by: 'newer snapshot outside Incus', message };
  if (/cannot be restored due to subsequent snapshot\(s\)/.test(message))
    return { type: 'blocked', by: 'newer snapshot', message };
  if (/more recent snapshots or bookmarks exist/.test(message))
    return { type: 'blocked', by: 'newer bookmark', message };
  return undefined;
}
