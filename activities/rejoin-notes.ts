import { z } from 'zod';
import type { Host } from '../hosts/host.ts';
import type { KnownInstance } from '../tools/incus-instance-records.ts';
import type { Incus } from '../tools/incus.ts';
import type { MemberRecord, VolumeRecord, VolumeSnapshotRecord } from '../tools/incus-records.ts';
import { expecting } from './expecting.ts';
import { failure } from './failure.ts';
import { STATE_DIR } from './join-mark.ts';
import { plainly } from './plainly.ts';

const FOLDER = `${STATE_DIR}/rejoin`;
/** On the member itself, readable by root only: configuration can hold secrets. It is gone with the next root disk. */
const fileOf = (member: string): string => `${FOLDER}/${member}.json`;
const TIMEOUT_MS = 30_000;

const config = z.record(z.string(), z.string());
const notesSchema = z.object({
  isForgotten: z.boolean().exactOptional(),
  hasEnded: z.literal(true).exactOptional(),
  unseen: z.array(z.string()).exactOptional(),
  given: z.array(z.string()).exactOptional(),
  declared: z
    .object({
      volumes: z.array(z.object({ pool: z.string(), project: z.string(), name: z.string() })),
      instances: z.array(
        z.object({ project: z.string(), name: z.string(), type: z.enum(['container', 'virtual-machine']) }),
      ),
    })
    .exactOptional(),
  running: z.array(z.object({ project: z.string(), name: z.string() })),
  volumes: z.array(
    z.object({ pool: z.string(), project: z.string(), name: z.string(), description: z.string(), config }),
  ),
  snapshots: z.array(
    z.object({
      pool: z.string(),
      project: z.string(),
      volume: z.string(),
      name: z.string(),
      description: z.string(),
      expiresAt: z.string().exactOptional(),
    }),
  ),
  // A run of an earlier release noted none.
  instances: z
    .array(
      z.object({
        ...{ project: z.string(), name: z.string(), config },
        type: z.enum(['container', 'virtual-machine']),
        devices: z.record(z.string(), config),
        profiles: z.array(z.string()),
      }),
    )
    .default([]),
  member: z
    .object({
      description: z.string(),
      failureDomain: z.string(),
      groups: z.array(z.string()),
      roles: z.array(z.string()),
      config,
    })
    .exactOptional(),
});

/** What only the cluster's database knows of a member: a forced removal drops it. */
export interface RejoinNotes {
  /**
   * The cluster has them no more, or is about to lose them. While it is false, the cluster knows better than these notes. Absent in
   * those of an earlier release, which counted at once.
   */
  isForgotten?: boolean;
  /** Of what a run has not brought back that came to its end: nothing of it is on the disks, or set aside. */
  hasEnded?: true;
  /** Volumes of those whose replicas nobody could look at: `tank/work/data`. */
  unseen?: string[];
  /** Volumes whose configuration was given back, until what ran is started: `tank/data`. */
  given?: string[];
  /** By the fleet file, where the cluster had forgotten the member before anybody wrote down more. */
  declared?: Declared;
  running: { project: string; name: string }[];
  volumes: VolumeRecord[];
  snapshots: VolumeSnapshotRecord[];
  /** For those whose disks are lost: they are made anew of their images. */
  instances: KnownInstance[];
  /** Absent where it was given back, and only something else was not. */
  member?: MemberRecord;
}

/** What belongs on a member by its name alone. */
export interface Declared {
  volumes: { pool: string; project: string; name: string }[];
  instances: { project: string; name: string; type: 'container' | 'virtual-machine' }[];
}

/** What a cluster tells that knows it still. */
type TakenNotes = Required<Pick<RejoinNotes, 'running' | 'volumes' | 'snapshots' | 'instances' | 'member'>>;

export const declaredNotes = (declared: Declared): RejoinNotes => ({
  ...{ isForgotten: true, running: [], volumes: [], snapshots: [], instances: [] },
  declared,
});

/** Undefined also where there is nothing whole: a run that was stopped by a loss of power noted nothing. */
export async function readNotes(host: Host, member: string, signal: AbortSignal): Promise<RejoinNotes | undefined> {
  const path = fileOf(member);
  const { exitCode, stdout, stderr } = await host.run(['cat', path], { timeoutMs: TIMEOUT_MS, signal });
  if (exitCode !== 0) {
    if (/: No such file or directory$/m.test(stderr)) return undefined;
    throw failure('NotRun', `cat ${path} on ${host.name}: ${stderr.trim()}`);
  }
  const written = wholeJson(stdout);
  if (written === undefined) return undefined;
  const read = notesSchema.safeParse(written);
  if (read.success) return read.data;
  throw failure('Unexpected', `${path} on ${host.name} is not what a run wrote there: ${read.error.message}`);
}

function wholeJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** From here on nobody but these notes knows it. */
export async function noteForgotten(host: Host, member: string, signal: AbortSignal): Promise<void> {
  const notes = await readNotes(host, member, signal);
  if (notes?.isForgotten === false) await writeNotes(host, member, { ...notes, isForgotten: true }, signal);
}

/** With what an earlier run could not bring back, and the cluster does not know. */
export function withLeft<T extends RejoinNotes>(now: T, before: RejoinNotes): T {
  const keyOf = (each: { pool?: string; project: string; volume?: string; name: string }): string =>
    [each.pool, each.project, each.volume, each.name].join(' ');
  const joined = <R extends Parameters<typeof keyOf>[0]>(all: readonly R[], more: readonly R[]): R[] => {
    const known = new Set(all.map(keyOf));
    return [...all, ...more.filter((each) => !known.has(keyOf(each)))];
  };
  return {
    ...now,
    running: joined(now.running, before.running),
    volumes: joined(now.volumes, before.volumes),
    snapshots: joined(now.snapshots, before.snapshots),
    instances: joined(now.instances, before.instances),
  };
}

export async function writeNotes(host: Host, member: string, notes: RejoinNotes, signal: AbortSignal): Promise<void> {
  await plainly(host, ['mkdir', '-p', '-m', '700', STATE_DIR, FOLDER], signal);
  await host.putFile(fileOf(member), `${JSON.stringify(notes)}\n`, { signal });
}

/** Whether a record of the notes is meant. */
type Picks = (kind: 'volume' | 'instance', record: { project: string; name: string; pool?: string }) => boolean;

/**
 * All data is back but what is missing: a later run goes on with that, and with what ran and was not started yet. Without any there
 * are no notes. Of what nobody has written down, `declared` is all that is known.
 */
export async function keepNotes(
  host: Host,
  member: string,
  { isMissing, unseen, declared }: { isMissing: Picks; unseen: string[]; declared: Declared },
  signal: AbortSignal,
): Promise<void> {
  const notes = (await readNotes(host, member, signal)) ?? declaredNotes(declared);
  // The cluster has never forgotten them: what it says of its volumes is what they had.
  const neverLost = notes.isForgotten === false ? notes.volumes.filter((each) => !isMissing('volume', each)) : [];
  const given = [...new Set([...(notes.given ?? []), ...neverLost.map(({ pool, name }) => `${pool}/${name}`)])];
  const kept: RejoinNotes = {
    ...({ isForgotten: true, hasEnded: true, unseen } as const),
    ...(given.length === 0 ? {} : { given }),
    ...(notes.declared === undefined
      ? {}
      : {
          declared: {
            volumes: notes.declared.volumes.filter((each) => isMissing('volume', each)),
            instances: notes.declared.instances.filter((each) => isMissing('instance', each)),
          },
        }),
    running: notes.running,
    volumes: notes.volumes.filter((each) => isMissing('volume', each)),
    snapshots: notes.snapshots.filter((each) => isMissing('volume', { ...each, name: each.volume })),
    instances: notes.instances.filter((each) => isMissing('instance', each)),
  };
  return writeUnlessEmpty(host, member, kept, signal);
}

/** What ran runs again: a later run starts nothing that people have stopped since then. */
export async function noteStarted(host: Host, member: string, signal: AbortSignal): Promise<void> {
  const notes = await readNotes(host, member, signal);
  // While the cluster knows better, and before the data is back, they are of use as they are.
  if (notes?.hasEnded !== true) return;
  const kept = { ...notes };
  delete kept.given;
  const isLeft = (each: { project: string; name: string }): boolean =>
    notes.instances.some(({ project, name }) => project === each.project && name === each.name);
  return writeUnlessEmpty(host, member, { ...kept, running: notes.running.filter(isLeft) }, signal);
}

async function writeUnlessEmpty(host: Host, member: string, notes: RejoinNotes, signal: AbortSignal): Promise<void> {
  const { declared = { volumes: [], instances: [] } } = notes;
  const all = [notes.running, notes.given ?? [], notes.volumes, notes.instances, declared.volumes, declared.instances];
  return all.every(({ length }) => length === 0)
    ? removeNotes(host, member, signal)
    : writeNotes(host, member, notes, signal);
}

async function removeNotes(host: Host, member: string, signal: AbortSignal): Promise<void> {
  await plainly(host, ['rm', '-f', fileOf(member)], signal);
}

/** Asked of another member, while it still lists this one. */
export async function takeNotes(incus: Incus, member: string, pools: readonly string[]): Promise<TakenNotes> {
  return {
    running: expecting(await incus.lastRunning(member), 'last running', member).instances,
    volumes: expecting(await incus.volumeRecords(member, pools), 'volume records', member).volumes,
    snapshots: expecting(await incus.volumeSnapshotRecords(member, pools), 'snapshot records', member).snapshots,
    instances: expecting(await incus.instanceRecords(member), 'instance records', member).instances,
    member: expecting(await incus.memberRecord(member), 'member record', member).record,
  };
}
