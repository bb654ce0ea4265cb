import type { DatasetFacts, ReplicationDecision, ResumeToken, TransferStep } from '../../plan/replication.ts';
import { isSendable } from '../../plan/replica-relation.ts';

/** As much of ZFS as replication needs: what it takes, and what it refuses with which words. Each host has its own txgs. */

interface ModelSnapshot {
  name: string;
  guid: string;
  txg: number;
  /** Milliseconds since 1970, by the clock of the source. */
  at: number;
}

interface ModelDataset {
  name: string;
  encrypted: boolean;
  keyLoaded: boolean;
  written: number;
  snapshots: ModelSnapshot[];
  bookmarks: ModelSnapshot[];
  partial?: ResumeToken;
  /** Of a replica: how it was begun. */
  raw?: boolean;
}

/** What real ZFS would answer. */
export class Refused extends Error {}

/** GUIDs do not fit into a number. */
const GUIDS = 2n ** 63n;
let serial = 0;

export class ModelHost {
  readonly datasets = new Map<string, ModelDataset>();
  private txg: number;

  constructor(firstTxg: number) {
    this.txg = firstTxg;
  }

  create(name: string, { encrypted = false } = {}): void {
    this.datasets.set(name, {
      ...{ name, encrypted, keyLoaded: encrypted, written: 0 },
      ...{ snapshots: [], bookmarks: [] },
    });
  }

  dataset(name: string): ModelDataset {
    const found = this.datasets.get(name);
    if (found === undefined) throw new Refused(`cannot open '${name}': dataset does not exist`);
    return found;
  }

  snapshot(dataset: string, name: string, at: number): void {
    serial += 1;
    const guid = String(GUIDS + BigInt(serial));
    this.dataset(dataset).snapshots.push({ name, guid, txg: this.nextTxg(), at });
    this.dataset(dataset).written = 0;
  }

  destroy(dataset: string, guid: string): void {
    const { snapshots } = this.dataset(dataset);
    const at = snapshots.findIndex((each) => each.guid === guid);
    if (at === -1) throw new Refused('could not find any snapshots to destroy');
    snapshots.splice(at, 1);
  }

  bookmark(dataset: string, guid: string, name: string): void {
    const { snapshots, bookmarks } = this.dataset(dataset);
    const of = snapshots.find((each) => each.guid === guid);
    if (of !== undefined && !bookmarks.some((each) => each.name === name)) bookmarks.push({ ...of, name });
  }

  /** With `-r`: newer snapshots and bookmarks go. */
  rollback(dataset: string, guid: string): void {
    const found = this.dataset(dataset);
    const txg = found.snapshots.find((each) => each.guid === guid)?.txg ?? Infinity;
    found.snapshots = found.snapshots.filter((each) => each.txg <= txg);
    found.bookmarks = found.bookmarks.filter((each) => each.txg <= txg);
    found.written = 0;
  }

  abort(dataset: string): void {
    const found = this.dataset(dataset);
    if (found.partial === undefined) throw new Refused('does not have any resumable receive state to abort');
    delete found.partial;
    if (found.snapshots.length === 0) this.datasets.delete(dataset);
  }

  nextTxg(): number {
    this.txg += 7;
    return this.txg;
  }

  facts(dataset: string): DatasetFacts | undefined {
    const found = this.datasets.get(dataset);
    if (found === undefined) return undefined;
    const fact = ({ name, guid, txg }: ModelSnapshot) => ({ name, guid, createtxg: String(txg) });
    return {
      ...{ name: found.name, kind: 'filesystem', encrypted: found.encrypted, keyLoaded: found.keyLoaded },
      // What is there in part of a first copy counts as written, that of an increment does not.
      ...{ usedBytes: 1, writtenBytes: found.snapshots.length === 0 ? 1 : found.written },
      snapshots: found.snapshots.map(fact),
      bookmarks: found.bookmarks.map(fact),
      ...(found.partial === undefined ? {} : { resumeToken: { ...found.partial } }),
    };
  }
}

/** One step of a plan, as sender and receiver would take it. With `isCut` the line breaks in the middle. */
export function transfer(sender: ModelHost, receiver: ModelHost, step: TransferStep, isCut = false): void {
  const source = sender.dataset(step.source);
  const to = source.snapshots.find(({ guid, name }) => guid === step.to.guid && name === step.to.name);
  if (to === undefined) throw new Refused(`${step.source}@${step.to.name} does not exist`);
  if (!isSendable(to.name)) throw new Error(`${to.name} must never be sent`);
  checkFrom(source, step, to);
  if (source.encrypted && !step.flags.raw && !source.keyLoaded) throw new Refused('dataset key must be loaded');
  const target = prepare(receiver, source, step);
  if (isCut) {
    target.partial = tokenOf(step);
    return;
  }
  target.snapshots.push({ ...to, txg: receiver.nextTxg() });
  delete target.partial;
}

function checkFrom(source: ModelDataset, { from }: TransferStep, to: ModelSnapshot): void {
  if (from === undefined) return;
  const among = from.kind === 'snapshot' ? source.snapshots : source.bookmarks;
  const found = among.find(({ guid, name }) => guid === from.guid && name === from.name);
  if (found === undefined) throw new Refused(`incremental source ${from.name} does not exist`);
  if (found.txg >= to.txg) throw new Refused('not an earlier snapshot from the same fs');
}

/** What the receiver checks before it takes a stream. */
function prepare(receiver: ModelHost, source: ModelDataset, step: TransferStep): ModelDataset {
  const there = receiver.datasets.get(step.target);
  if (there?.partial?.token !== step.resume) throw new Refused('contains partially-complete state');
  if (there === undefined) {
    if (step.from !== undefined || !step.initial) throw new Refused('destination does not exist');
    receiver.create(step.target, { encrypted: step.flags.raw && source.encrypted });
    const made = receiver.dataset(step.target);
    Object.assign(made, { raw: step.flags.raw, keyLoaded: false });
    return made;
  }
  const newest = there.snapshots.at(-1);
  if (step.from === undefined && newest !== undefined) throw new Refused('destination exists, must specify -F');
  if (step.from?.guid !== newest?.guid) throw new Refused('does not match incremental source');
  if (there.written > 0) throw new Refused('destination has been modified since most recent snapshot');
  if (there.raw !== step.flags.raw) throw new Refused('IV set guid mismatch');
  return there;
}

const tokenOf = ({ source, to, from, flags }: TransferStep): ResumeToken => ({
  token: `1-${to.guid}-${from?.guid ?? ''}-${flags.raw}`,
  ...{ toGuid: to.guid, toName: `${source}@${to.name}`, ...(from === undefined ? {} : { fromGuid: from.guid }) },
  ...{ ...flags, embedded: false },
});

/** Does what a plan says, up to a number of steps; the one after them is cut in the middle. */
export function execute(
  sender: ModelHost,
  receiver: ModelHost,
  { target, abortPartial, steps }: ReplicationDecision,
  complete = Infinity,
): void {
  if (abortPartial) receiver.abort(target);
  steps.slice(0, complete + 1).forEach((step, at) => {
    transfer(sender, receiver, step, at >= complete);
  });
}

/** After a copy: one bookmark of what both sides have, the new one before the old one goes. */
export function moveCursor(
  { sender, source }: { sender: ModelHost; source: string },
  { receiver, target, id = '' }: { receiver: ModelHost; target: string; id?: string },
): void {
  const newest = receiver.datasets.get(target)?.snapshots.at(-1);
  if (newest === undefined) return;
  const prefix = `runbook-${id}-`;
  const name = `${prefix}${BigInt(newest.guid).toString(16)}`;
  sender.bookmark(source, newest.guid, name);
  const found = sender.dataset(source);
  if (found.bookmarks.some((each) => each.name === name))
    found.bookmarks = found.bookmarks.filter((each) => each.name === name || !each.name.startsWith(prefix));
}
