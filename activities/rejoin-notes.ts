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
  running: { project: string; name: string }[];
  volumes: VolumeRecord[];
  snapshots: VolumeSnapshotRecord[];
  /** For those whose disks are lost: they are made anew of their images. */
  instances: KnownInstance[];
  /** Absent where it was given back, and only something else was not. */
  member?: MemberRecord;
}

/** What a cluster tells that knows it still. */
type TakenNotes = Required<Omit<RejoinNotes, 'isForgotten' | 'hasEnded' | 'unseen'>>;

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

/** Of what has not come back: a later run goes on with that, and with nothing else. Without any there are no notes. */
export async function keepNotes(
  host: Host,
  member: string,
  { isMissing, unseen }: { isMissing: Picks; unseen: string[] },
  signal: AbortSignal,
): Promise<void> {
  const notes = await readNotes(host, member, signal);
  if (notes === undefined) return removeNotes(host, member, signal);
  const kept: RejoinNotes = {
    ...({ isForgotten: true, hasEnded: true, unseen } as const),
    running: notes.running.filter((each) => isMissing('instance', each)),
    volumes: notes.volumes.filter((each) => isMissing('volume', each)),
    snapshots: notes.snapshots.filter((each) => isMissing('volume', { ...each, name: each.volume })),
    instances: notes.instances.filter((each) => isMissing('instance', each)),
  };
  if (kept.volumes.length + kept.instances.length === 0) return removeNotes(host, member, signal);
  return writeNotes(host, member, kept, signal);
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
