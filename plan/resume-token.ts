import { findOnSender, isSendable, newestCommon } from './replica-relation.ts';
import type { ReplicationPair, ResumeToken, SendFlags, SnapshotFact } from './replication.ts';

export type JudgedToken =
  { type: 'none' } | { type: 'accepted'; token: string; to: SnapshotFact } | { type: 'refused'; reason: string };

/** Whether what the receiver has in part can be completed, and still is what would be sent. Pure. */
export function judgeToken(pair: ReplicationPair, flags: SendFlags): JudgedToken {
  const found = pair.target?.resumeToken;
  if (found === undefined) return { type: 'none' };
  if ('type' in found) return { type: 'refused', reason: 'the sender cannot read its resume token' };
  const to = pair.source.snapshots.find(({ guid }) => guid === found.toGuid);
  if (to === undefined) return { type: 'refused', reason: `${found.toName} is no more` };
  const reason = refusal(pair, found, to, flags);
  return reason === undefined ? { type: 'accepted', token: found.token, to } : { type: 'refused', reason };
}

function refusal(pair: ReplicationPair, token: ResumeToken, to: SnapshotFact, flags: SendFlags): string | undefined {
  const [dataset] = token.toName.split('@');
  if (dataset !== pair.source.name) return `it is of ${token.toName}, and not of ${pair.source.name}`;
  if (!isSendable(to.name)) return `${token.toName} is none that is sent`;
  return refusedBase(pair, token, to) ?? refusedFlags(token, flags);
}

function refusedBase({ source, target }: ReplicationPair, token: ResumeToken, to: SnapshotFact): string | undefined {
  const newest = target && newestCommon(source, target);
  if (token.fromGuid !== newest?.guid)
    return newest === undefined
      ? 'it is an increment, and there is nothing that it adds to'
      : `it does not begin at the newest snapshot there, @${newest.name}`;
  const from = newest && findOnSender(source, newest.guid);
  if (from !== undefined && BigInt(from.createtxg) >= BigInt(to.createtxg))
    return `${token.toName} is not newer than what is there`;
  return undefined;
}

/**
 * A stream has large blocks only where the dataset has some, so a token without them is right as well. Embedded blocks are
 * asked for by nobody here, and an encrypted dataset has none (OpenZFS, `setup_featureflags` in dmu_send.c).
 */
function refusedFlags(token: ResumeToken, flags: SendFlags): string | undefined {
  if (token.raw !== flags.raw)
    return `it was begun ${token.raw ? 'raw' : 'in plain'}, and this copy is ${flags.raw ? 'raw' : 'in plain'}`;
  if (token.compressed !== flags.compressed || (token.largeBlocks && !flags.largeBlocks))
    return 'it was begun with other flags than this copy has';
  if (token.embedded) return 'it was begun with embedded blocks, which this copy has not';
  return undefined;
}
