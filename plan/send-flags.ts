import { problemOf, type Problem } from './problem.ts';
import type { DatasetFacts, ReplicationPair, ReplicationPolicy, SendFlags } from './replication.ts';

/** `zfs send -w` means the other two as well. */
const RAW: SendFlags = { raw: true, compressed: true, largeBlocks: true };
const PLAIN: SendFlags = { raw: false, compressed: true, largeBlocks: true };

export type SendMode = { type: 'flags'; flags: SendFlags } | { type: 'problem'; problem: Problem };

/**
 * How a pair is sent. A replica goes on as it was begun: an increment in plain on top of a raw one is taken by ZFS without
 * a word, and every raw one after that is refused. Where nobody noted how it was begun, an encrypted replica of an
 * encrypted source counts as raw, since of the two mistakes ZFS refuses only that one. Pure.
 */
export function flagsFor(pair: ReplicationPair, policy: ReplicationPolicy): SendMode {
  const { source, target, targetName, pinned } = pair;
  const wantsRaw = source.encrypted && policy.encrypted === 'raw';
  const begun = target !== undefined && target.snapshots.length > 0 ? target : undefined;
  if (begun === undefined) return withKeys(wantsRaw ? RAW : PLAIN, source, undefined);
  const flags = pinned ?? (source.encrypted && begun.encrypted ? RAW : PLAIN);
  if (flags.raw && !(source.encrypted && begun.encrypted))
    return changed(
      `${targetName} was begun raw, and ${source.encrypted ? targetName : source.name} is not encrypted now.`,
    );
  if (!flags.raw && wantsRaw)
    return changed(`${targetName} was begun in plain, and ${source.name} is encrypted and to be sent raw.`);
  return withKeys(flags, source, begun);
}

const changed = (message: string): SendMode => ({ type: 'problem', problem: problemOf('SendModeChanged', message) });

/** What is not sent raw is read on one side and written on the other. */
function withKeys(flags: SendFlags, ...sides: (DatasetFacts | undefined)[]): SendMode {
  const locked = flags.raw ? undefined : sides.find((side) => side !== undefined && side.encrypted && !side.keyLoaded);
  if (locked === undefined) return { type: 'flags', flags };
  return {
    type: 'problem',
    problem: problemOf('KeyNotLoaded', `The key of ${locked.name} is not loaded, and its copy is not raw.`),
  };
}
