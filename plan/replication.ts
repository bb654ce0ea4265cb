import { problemOf, type Problem } from './problem.ts';
import { newerOnes, relationOf } from './replica-relation.ts';
import { judgeToken } from './resume-token.ts';
import { flagsFor } from './send-flags.ts';

/** What is sent from where to where. docs/backups-algorithm.md says how it is decided. */

/** A snapshot or a bookmark: its name after `@` or `#`. Both numbers are unsigned and have 64 bits, so they are text. */
export interface SnapshotFact {
  name: string;
  /** The same on both sides; a bookmark has that of its snapshot. */
  guid: string;
  /** Orders what one side has. The other side has numbers of its own. */
  createtxg: string;
}

/** A dataset of one side, as it was seen there. */
export interface DatasetFacts {
  name: string;
  kind: 'filesystem' | 'volume';
  snapshots: SnapshotFact[];
  /** Copies make none on a receiver. */
  bookmarks: SnapshotFact[];
  encrypted: boolean;
  /** Of an encrypted one: whether it can be read there. */
  keyLoaded: boolean;
  usedBytes: number;
  /** Since its newest snapshot. */
  writtenBytes: number;
  /** Both of a receiver only. */
  readonly?: boolean;
  mounted?: boolean;
  /** Of a receiver that has a snapshot in part. */
  resumeToken?: ResumeToken | { type: 'unreadable'; token: string };
}

/** What the sender reads in a token. */
export interface ResumeToken {
  token: string;
  toGuid: string;
  /** `dataset@snapshot` */
  toName: string;
  fromGuid?: string;
  bytes?: number;
  raw: boolean;
  compressed: boolean;
  largeBlocks: boolean;
  embedded: boolean;
}

/** They stay what they were at the first send of a pair. */
export interface SendFlags {
  raw: boolean;
  compressed: boolean;
  largeBlocks: boolean;
}

export type Relation =
  /** `common` is what the receiver calls it. */
  | { type: 'up to date'; common: SnapshotFact }
  | { type: 'initial' }
  /** `base` is what the sender calls it. */
  | { type: 'incremental'; base: SnapshotFact & { from: 'snapshot' | 'bookmark' } }
  /** The receiver has newer ones that the sender has not; without `common` it is a dataset that no copy has made. */
  | { type: 'diverged'; common?: SnapshotFact; senderOnly: SnapshotFact[]; receiverOnly: SnapshotFact[] }
  /** Nothing is on both sides any more. */
  | { type: 'no base'; receiverNewest: SnapshotFact };

export interface TransferStep {
  source: string;
  target: string;
  /** `name` as in {@link SnapshotFact}. */
  from?: { name: string; guid: string; kind: 'snapshot' | 'bookmark' };
  to: SnapshotFact;
  flags: SendFlags;
  /** The token: what is there in part is completed. */
  resume?: string;
  /** It makes the dataset, or goes on with making it. */
  initial: boolean;
  kind: 'filesystem' | 'volume';
}

export interface ReplicationDecision {
  source: string;
  target: string;
  relation: Relation;
  /** What is there in part is of no use and goes first (`zfs receive -A`), for this reason. */
  abortPartial: boolean;
  abortReason?: string;
  /** In their order, one snapshot each. */
  steps: TransferStep[];
  /** Nothing is done for this pair. */
  problem?: Problem;
  warnings: string[];
}

export interface ReplicationPair {
  source: DatasetFacts;
  /** Absent where there is none yet. */
  target?: DatasetFacts;
  targetName: string;
  /** As the first send of this pair has noted it. Without it, the replica tells. */
  pinned?: SendFlags;
}

export interface ReplicationPolicy {
  /** How the first copy of an encrypted dataset is sent. */
  encrypted: 'raw' | 'plain';
  /** How many snapshots between the base and the newest one are sent, the latest of them; all without it. */
  intermediates?: number;
}

/**
 * What brings every replica to the newest snapshot of its source, parents before children. What a person has to decide is a
 * problem and has no steps. Pure.
 */
export function planReplication({
  pairs,
  policy,
}: {
  pairs: readonly ReplicationPair[];
  policy: ReplicationPolicy;
}): ReplicationDecision[] {
  const depth = ({ targetName }: ReplicationPair): number => targetName.split('/').length;
  const decisions: ReplicationDecision[] = [];
  /** Replicas that are not there and that nothing makes. */
  const missing = new Set<string>();
  for (const pair of [...pairs].sort((a, b) => depth(a) - depth(b))) {
    const decided = missing.has(parentOf(pair.targetName)) ? blocked(pair) : decide(pair, policy);
    if (pair.target === undefined && decided.steps.length === 0) missing.add(pair.targetName);
    decisions.push(decided);
  }
  return decisions;
}

const parentOf = (dataset: string): string => dataset.slice(0, Math.max(0, dataset.lastIndexOf('/')));

const undecided = ({ source, target, targetName }: ReplicationPair): ReplicationDecision => ({
  ...{ source: source.name, target: targetName, relation: relationOf(source, target) },
  ...{ abortPartial: false, steps: [], warnings: warningsOf(target) },
});

const blocked = (pair: ReplicationPair): ReplicationDecision => ({
  ...undecided(pair),
  problem: problemOf(
    'ParentMissing',
    `${parentOf(pair.targetName)} is not there, so ${pair.targetName} cannot be received.`,
  ),
});

function decide(pair: ReplicationPair, policy: ReplicationPolicy): ReplicationDecision {
  const nothing = undecided(pair);
  const { relation } = nothing;
  const problem = problemOfRelation(pair, relation);
  if (problem !== undefined) return { ...nothing, problem };
  const mode = flagsFor(pair, policy);
  if (mode.type === 'problem') return { ...nothing, problem: mode.problem };
  const judged = judgeToken(pair, mode.flags);
  const resumed = judged.type === 'accepted' ? judged : undefined;
  return {
    ...nothing,
    ...(judged.type === 'refused' ? { abortPartial: true, abortReason: judged.reason } : {}),
    steps: stepsOf(pair, relation, mode.flags, policy, resumed),
  };
}

function problemOfRelation({ source, target, targetName }: ReplicationPair, relation: Relation): Problem | undefined {
  switch (relation.type) {
    case 'up to date':
      return undefined;
    case 'initial':
      return newerOnes(source, undefined).length > 0
        ? undefined
        : problemOf('NothingToSend', `${source.name} has no snapshot of runbook’s or of Incus’s.`);
    case 'incremental':
      return target === undefined || target.writtenBytes === 0
        ? undefined
        : problemOf(
            'ReplicaModified',
            `${targetName} was written to since its newest snapshot (${target.writtenBytes} bytes), so it takes no newer one.`,
          );
    case 'diverged':
      return problemOf(
        'Diverged',
        relation.common === undefined
          ? `${targetName} is there, has no snapshot, and was not made by a copy.`
          : `${targetName} has ${namesOf(relation.receiverOnly)} since @${relation.common.name}, which ${source.name} has not.`,
      );
    case 'no base':
      return problemOf(
        'NoBase',
        `${source.name} has no snapshot and no bookmark of what ${targetName} has (its newest: @${relation.receiverNewest.name}).`,
      );
  }
}

const SHOWN = 3;

function namesOf(snapshots: readonly SnapshotFact[]): string {
  const more = snapshots.length > SHOWN ? ` and ${snapshots.length - SHOWN} more` : '';
  return `${snapshots
    .slice(0, SHOWN)
    .map(({ name }) => `@${name}`)
    .join(', ')}${more}`;
}

function stepsOf(
  { source, targetName }: ReplicationPair,
  relation: Relation,
  flags: SendFlags,
  { intermediates }: ReplicationPolicy,
  resumed: { token: string; to: SnapshotFact } | undefined,
): TransferStep[] {
  const base = relation.type === 'incremental' ? relation.base : undefined;
  if (base === undefined && relation.type !== 'initial') return [];
  const newer = newerOnes(source, resumed?.to ?? base);
  const chosen = intermediates === undefined ? newer : newer.slice(-1 - intermediates);
  const all = resumed === undefined ? chosen : [resumed.to, ...chosen];
  return all.map((to, at) => {
    const from = fromOf(all[at - 1], base);
    return {
      ...{ source: source.name, target: targetName, to, flags, initial: from === undefined, kind: source.kind },
      ...(from === undefined ? {} : { from }),
      ...(at === 0 && resumed !== undefined ? { resume: resumed.token } : {}),
    };
  });
}

/** The one that was sent just before, or the base. */
function fromOf(
  before: SnapshotFact | undefined,
  base: (SnapshotFact & { from: 'snapshot' | 'bookmark' }) | undefined,
): TransferStep['from'] {
  if (before !== undefined) return { name: before.name, guid: before.guid, kind: 'snapshot' };
  return base && { name: base.name, guid: base.guid, kind: base.from };
}

/** What does not stop a copy today. */
function warningsOf(target: DatasetFacts | undefined): string[] {
  if (target === undefined) return [];
  return [
    ...(target.readonly === false ? [`${target.name} is not read-only: what is written there stops its copies.`] : []),
    ...(target.mounted === true ? [`${target.name} is mounted on the host that keeps it.`] : []),
  ];
}
