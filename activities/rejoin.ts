import type { Host } from '../hosts/host.ts';
import { sourceOf } from '../plan/formation.ts';
import { inProject } from '../plan/projects.ts';
import { zpoolOf } from '../plan/rejoin.ts';
import { isHalfReceived, volumeDataset } from '../plan/restore.ts';
import { createIncus, type Incus } from '../tools/incus.ts';
import type { UnknownVolume } from '../tools/incus-recovery.ts';
import type { VolumeRecord } from '../tools/incus-records.ts';
import { createZfs } from '../tools/zfs.ts';
import type { RejoinActivities, RunRef } from './contract.ts';
import type { Deps } from './deps.ts';
import { expecting } from './expecting.ts';
import { failure, toolFailure } from './failure.ts';
import { guarded, type ActivityContext } from './guard.ts';
import { followDatabase } from './follow-database.ts';
import { isMember } from './join-cluster.ts';
import { adoptIdentity, removeStaged } from './adopt-identity.ts';
import { declaredOn } from './observe-missing.ts';
import { observeRejoin, rejoinScope } from './observe-rejoin.ts';
import { isCustom, RESTORED, targetOn } from './observe-restore.ts';
import { bringIncusToDisk } from './on-disk.ts';
import {
  declaredNotes,
  keepNotes,
  noteForgotten,
  noteStarted,
  readNotes,
  takeNotes,
  withLeft,
  writeNotes,
} from './rejoin-notes.ts';
import { closeAside, importPool, moveBack, setAside } from './rejoin-pools.ts';
import { remakeInstance } from './remake-instance.ts';
import { remind, type VolumeData } from './remind-member.ts';
import { datasetOn } from './replica-facts.ts';
import { setOn } from './restored-volume.ts';
import { startInstances } from './start-instances.ts';
import { untilOnline } from './until-online.ts';

/** A member is Online with its first heartbeat, ten seconds after its daemon is up; that takes a minute on a slow host. */
const ONLINE_WITHIN_MS = 5 * 60_000;
const LOOK_EVERY_MS = 2_000;

/** A lost member back into its cluster: each looks, acts, looks again. */
export function createRejoinActivities(deps: Deps): RejoinActivities {
  const open = async ({ fleet: ref }: RunRef, member: string, { signal }: ActivityContext) => {
    const fleet = await deps.fleetAt(ref);
    const host = deps.machines.member(fleet, member);
    return { fleet, host, incus: createIncus(host, { signal }) };
  };
  const poolNames = (input: Opened): string[] => Object.keys(input.fleet.cluster?.pools ?? {});
  type Opened = Awaited<ReturnType<typeof open>>;
  const poolsOf = ({ fleet }: Opened): { name: string; dataset: string }[] =>
    Object.entries(fleet.cluster?.pools ?? {}).map(([name, pool]) => ({ name, dataset: sourceOf(pool) }));
  /** What an earlier run has written down counts from when the cluster forgot it until it was given back. */
  const remember = async (
    own: Opened,
    member: string,
    via: Incus,
    signal: AbortSignal,
  ): Promise<'already' | 'done'> => {
    const before = await readNotes(own.host, member, signal);
    if (before?.member !== undefined && before.isForgotten !== false) return 'already';
    const now = { ...(await takeNotes(via, member, poolNames(own))), isForgotten: false };
    await writeNotes(own.host, member, before === undefined ? now : withLeft(now, before), signal);
    return 'done';
  };
  /** A run that ends after the join finds a member of which nobody else says what it had. */
  const rememberDeclared = async (own: Opened, member: string, signal: AbortSignal): Promise<'already' | 'done'> => {
    const before = await readNotes(own.host, member, signal);
    await noteForgotten(own.host, member, signal);
    if (before !== undefined) return before.isForgotten === false ? 'done' : 'already';
    await writeNotes(own.host, member, declaredNotes(declaredOn(own.fleet, member)), signal);
    return 'done';
  };
  const dataOf = async (own: Opened, volume: VolumeRecord, signal: AbortSignal): Promise<VolumeData> => {
    const dataset = volumeDataset(datasetOf(own, volume.pool), volume);
    const target = await targetOn(own.host, dataset, signal);
    return {
      isItsOwn: target?.restored !== undefined,
      usedBytes: (await datasetOn(own.host, dataset, signal))?.usedBytes ?? 0,
    };
  };
  /** They are taken in when they are whole, each by a step of its own. */
  const halfReceived = async (own: Opened, volumes: readonly UnknownVolume[], signal: AbortSignal) => {
    const half: UnknownVolume[] = [];
    for (const volume of volumes.filter(isCustom)) {
      const target = await targetOn(own.host, volumeDataset(datasetOf(own, volume.pool), volume), signal);
      if (target !== undefined && isHalfReceived(target)) half.push(volume);
    }
    return half;
  };
  /** Taken in, it is a volume like any other: a later restore to its name is not to find one of its own. */
  const endRestore = async (own: Opened, volume: UnknownVolume, run: string, signal: AbortSignal): Promise<void> => {
    const dataset = volumeDataset(datasetOf(own, volume.pool), volume);
    const mark = (await targetOn(own.host, dataset, signal))?.restored;
    if (mark !== undefined && /^\d+$/.test(mark)) await setOn(own.host, dataset, { [RESTORED]: run }, signal);
  };
  const areImported = async (own: Opened, signal: AbortSignal): Promise<boolean> => {
    const { pools } = expecting(await createZfs(own.host, { signal }).pools(), 'pools', own.host.name);
    return poolsOf(own).every(({ dataset }) => pools.some(({ name }) => name === zpoolOf(dataset)));
  };
  const datasetOf = ({ fleet }: Opened, pool: string): string => {
    const declared = fleet.cluster?.pools[pool];
    if (declared === undefined) throw failure('BadConfig', `runbook.yaml declares no pool ${pool}.`);
    return sourceOf(declared);
  };

  return {
    resolveRejoin: guarded(async ({ fleet, member }) => rejoinScope(await deps.fleetAt(fleet), member)),
    observeRejoin: guarded((input, context) => observeRejoin(deps, input, context)),

    importPool: guarded(async ({ member, zpool, force, ...run }, context) => {
      const { host } = await open(run, member, context);
      return importPool(host, zpool, force, context.signal);
    }),

    rememberMember: guarded(async ({ member, via, isForgotten, ...run }, context) => {
      const own = await open(run, member, context);
      await bringIncusToDisk(own.host, context.signal);
      if (isForgotten === true) return rememberDeclared(own, member, context.signal);
      const { incus } = await open(run, via, context);
      return remember(own, member, incus, context.signal);
    }),

    setAside: guarded(async ({ member, pool, at, ...run }, context) => {
      const own = await open(run, member, context);
      return setAside(own.host, { dataset: datasetOf(own, pool), runName: run.name, at }, context.signal);
    }),

    adoptIdentity: guarded(async ({ member, via, staged, ...run }, context) => {
      const own = await open(run, member, context);
      const { incus } = await open(run, via, context);
      const { fingerprint } = expecting(await incus.identity(), 'identity', via);
      return adoptIdentity(own.host, { staged, fingerprint, runName: run.name, pools: poolsOf(own) }, context);
    }),

    forgetLostMember: guarded(async ({ member, via, ...run }, context) => {
      const own = await open(run, member, context);
      const { incus } = await open(run, via, context);
      const listed = async () =>
        expecting(await incus.members(), 'members', via).members.find(({ name }) => name === member);
      const found = await listed();
      if (found === undefined) return 'already';
      // A removal by force does not ask the member: one that lives would go on as if it were one.
      if (found.status === 'Online' || isMember(await own.incus.identity(), member))
        throw failure('Unexpected', `${member} is a member that lives: ${via} lists it as ${found.status}.`);
      // Nobody knows it any more after this.
      await remember(own, member, incus, context.signal);
      await noteForgotten(own.host, member, context.signal);
      const removed = await incus.removeMemberByForce(member);
      if (removed.type !== 'removed' && removed.type !== 'none') throw toolFailure(`Removing ${member}`, removed);
      if ((await listed()) !== undefined)
        throw failure('Unexpected', `${via} still lists ${member} after its removal.`);
      return 'done';
    }),

    moveBack: guarded(async ({ member, pool, leave = [], ...run }, context) => {
      const own = await open(run, member, context);
      return moveBack(own.host, datasetOf(own, pool), leave, context.signal);
    }),

    recoverPools: guarded(async ({ member, pools, ...run }, context) => {
      const own = await open(run, member, context);
      const { incus } = own;
      const look = async () => expecting(await incus.unknownVolumes(pools), 'unknown volumes', member);
      const { volumes: all, dependencies } = await look();
      const half = await halfReceived(own, all, context.signal);
      const volumes = all.filter((each) => !half.includes(each));
      if (volumes.length === 0) return [];
      if (half.length > 0) throw wouldTakeIn(member, half);
      if (dependencies.length > 0) throw missing(dependencies);
      context.report({ progress: `${volumes.length} instances and volumes` });
      const answer = await incus.recover(pools);
      if (answer.type === 'dependencies') throw missing(answer.missing);
      expecting(answer, 'recovered', member);
      const left = (await look()).volumes;
      if (left.length > 0)
        throw failure('Unexpected', `Incus has not recovered ${left.map(({ name }) => name).join(', ')}.`);
      for (const volume of volumes.filter(isCustom)) await endRestore(own, volume, run.name, context.signal);
      return volumes.map(inProject);
    }),

    remindMember: guarded(async ({ member, via, ...run }, context) => {
      const own = await open(run, member, context);
      const notes = await readNotes(own.host, member, context.signal);
      if (notes === undefined) return 'nothing known';
      const { incus } = await open(run, via, context);
      const now = await takeNotes(incus, member, poolNames(own));
      const data = (volume: VolumeRecord): Promise<VolumeData> => dataOf(own, volume, context.signal);
      const { changed, left } = await remind({ incus, member, dataOf: data }, notes, now);
      await writeNotes(own.host, member, left, context.signal);
      if (!changed && notes.declared !== undefined && notes.hasEnded !== true) return 'nothing known';
      return changed ? 'done' : 'already';
    }),

    remakeInstance: guarded(async ({ member, instance, ...run }, context) => {
      const own = await open(run, member, context);
      return remakeInstance(own.host, own.incus, { member, instance }, context);
    }),

    awaitOnline: guarded(async ({ member, via, ...run }, context) => {
      const own = await open(run, member, context);
      const { incus } = await open(run, via, context);
      const and = async (): Promise<boolean> => isMember(await own.incus.identity(), member);
      const seen = (progress: string): void => {
        context.report({ progress });
      };
      const complaint = `${member} is not Online`;
      const times = { withinMs: ONLINE_WITHIN_MS, everyMs: LOOK_EVERY_MS };
      return untilOnline({ incus, member, ...times, and, complaint, seen }, context.signal);
    }),

    followDatabase: guarded(async ({ member, via, ...run }, context) => {
      const own = await open(run, member, context);
      const other = await open(run, via, context);
      const host = (name: string): Host => deps.machines.member(own.fleet, name);
      return followDatabase({ member, incus: own.incus, via, viaIncus: other.incus, host }, context);
    }),

    startInstances: guarded(async ({ member, ...run }, context) => {
      const own = await open(run, member, context);
      const notes = await readNotes(own.host, member, context.signal);
      const started = await startInstances(own.incus, { member, notes, pools: poolNames(own) }, context);
      await noteStarted(own.host, member, context.signal);
      return started;
    }),

    endRejoin: guarded(async ({ member, missing = NOTHING, unseen = [], leave = [], ...run }, context) => {
      const own = await open(run, member, context);
      await removeStaged(own.host, run.name, context.signal);
      // What such a pool has nobody has seen: a later run has to go on with it.
      if (!(await areImported(own, context.signal))) return [];
      const kept: string[] = [];
      for (const pool of poolNames(own))
        kept.push(...(await closeAside(own.host, datasetOf(own, pool), leave, context.signal)));
      const isMissing: Parameters<typeof keepNotes>[2]['isMissing'] = (kind, record) =>
        kind === 'instance'
          ? missing.instances.includes(inProject(record))
          : missing.volumes.includes(`${record.pool ?? ''}/${inProject(record)}`);
      await keepNotes(own.host, member, { isMissing, unseen, declared: declaredOn(own.fleet, member) }, context.signal);
      return kept;
    }),
  };
}

const NOTHING = { volumes: [], instances: [] };

/** Incus takes in all that it does not know, or nothing. */
const wouldTakeIn = (member: string, half: readonly UnknownVolume[]) =>
  failure(
    'GateRefused',
    `Incus would take in ${half.map(inProject).join(', ')} with the rest, of which ${member} has received a part only: move that aside there (zfs rename), then go on.`,
  );

const missing = (dependencies: readonly string[]) =>
  failure('Unexpected', `Incus recovers nothing before this is there: ${dependencies.join('; ')}`);
