import { tail } from './result.ts';

/** Why ZFS did not send, receive or destroy. What to do about each is the caller's knowledge. */
export type ZfsProblem =
  /** A hold keeps the snapshot. */
  | 'held'
  /** Something was cloned from the snapshot. */
  | 'has clones'
  /** In use: by another send or receive, or mounted and looked into. */
  | 'busy'
  /** A full stream for a dataset that is there. */
  | 'exists'
  /** Written to, or rolled back, since the snapshot that the stream builds on. */
  | 'modified'
  /** The newest snapshot there is not the one that the stream builds on. */
  | 'other source'
  /** An interrupted receive has left its part, which is to be resumed or given up first. */
  | 'partial'
  /** An increment was received that was not raw, so no raw one fits any more. */
  | 'raw broken'
  | 'key not loaded'
  | 'no space'
  | 'not found'
  /** The stream had no end: whoever sent it, or the connection, was cut off. */
  | 'incomplete';

/** The first one that is found counts: a stream that is refused also ends incomplete. */
const TEXTS: readonly (readonly [ZfsProblem, RegExp])[] = [
  ['held', /it's being held\b/],
  ['has clones', /\bhas dependent clones$/m],
  ['exists', /^must specify -F to overwrite it$/m],
  ['modified', /\bhas been modified\s+since most recent snapshot\b/],
  ['other source', /\bdoes not\s+match incremental source\b/],
  ['partial', /\bcontains partially-complete state from "zfs receive -s"/],
  ['raw broken', /\bIV set guid mismatch\b/],
  ['key not loaded', /\bkey must be loaded\b/],
  ['no space', /\bspace quota exceeded\b/],
  ['no space', /: out of space$/m],
  ['busy', /\bis busy$/m],
  ['not found', /: dataset does not exist$/m],
  ['not found', /^cannot receive [^:]*: destination '[^']*' does not exist$/m],
  // A bookmark or a snapshot that an increment was to begin at.
  ['not found', /^warning: cannot send [^:]*: No such process$/m],
  ['incomplete', /\bincomplete stream\b/],
];

/** What ZFS's words say; undefined where no text is known. */
export function zfsProblem(text: string): { type: ZfsProblem; message: string } | undefined {
  const found = TEXTS.find(([, pattern]) => pattern.test(text));
  return found === undefined ? undefined : { type: found[0], message: tail(text) };
}
