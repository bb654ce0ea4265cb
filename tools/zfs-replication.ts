import type { Host } from '../hosts/host.ts';
import { unexpected, type NotFound, type Ran, type Unexpected } from './result.ts';
import { datasetName, holdTag, shortName } from './zfs-names.ts';
import { zfsProblem } from './zfs-problems.ts';
import { readZfsError } from './zfs.ts';
import { withSignal, type ToolOptions } from './tool-options.ts';

const TIMEOUT_MS = 2 * 60_000;
/** Freeing goes on in the background, but many snapshots take their time. */
const DESTROY_TIMEOUT_MS = 15 * 60_000;
/** Names in one command: it has to fit into what ssh can carry, and one that can't go stops the others only so far. */
const BATCH = 100;

/** A hold of a snapshot, by its full name. */
export interface ZfsHold {
  snapshot: string;
  tag: string;
}

/** A snapshot that stayed, by its name after `@`. */
export interface KeptSnapshot {
  name: string;
  why: (typeof KEEPING)[number];
  message: string;
}

type Answer<T> = T | NotFound | Unexpected;

/** What keeps replication safe on both sides. All throw a TypeError for a name that ZFS would take for something else. */
export interface ZfsReplication {
  /** Of snapshots by their full names, each with the same tag. Idempotent. `missing`: those that are not there. */
  hold(tag: string, snapshots: readonly string[]): Promise<{ type: 'held'; missing: string[] } | Unexpected>;
  /** Idempotent: what was not held, or is not there, is released as well. */
  release(tag: string, snapshots: readonly string[]): Promise<{ type: 'released' } | Unexpected>;
  /** Of snapshots by their full names; what is not there has none. */
  holds(snapshots: readonly string[]): Promise<{ type: 'holds'; holds: ZfsHold[] } | Unexpected>;
  /** `exists`: one of that name is there, of whatever snapshot. */
  bookmark(dataset: string, snapshot: string, bookmark: string): Promise<Answer<{ type: 'made' } | { type: 'exists' }>>;
  /** Idempotent. */
  destroyBookmark(dataset: string, bookmark: string): Promise<{ type: 'destroyed' } | { type: 'none' } | Unexpected>;
  /**
   * Those that can go, go; the others stay, and why. Never what is below the dataset, nor a clone. Idempotent: what is not
   * there any more counts as destroyed.
   */
  destroySnapshots(
    dataset: string,
    snapshots: readonly string[],
  ): Promise<{ type: 'destroyed'; destroyed: string[]; kept: KeptSnapshot[] } | Unexpected>;
  /**
   * The dataset that replicas are received into, with the parents that it lacks: none is mounted, all are read-only.
   * What is there already stays as it is. Idempotent. `not found`: not even its pool is there.
   */
  createParents(dataset: string): Promise<Answer<{ type: 'created' } | { type: 'exists' }>>;
}

export function createZfsReplication(host: Host, options: ToolOptions = {}): ZfsReplication {
  const run = async (argv: readonly string[], timeoutMs = TIMEOUT_MS): Promise<Ran> => ({
    argv,
    result: await host.run(argv, { timeoutMs, ...withSignal(options) }),
  });

  /** Goes through all of them whatever it says of one, so each complaint has to be known: that one is away, or `already`. */
  const onMany = async (
    argv: readonly string[],
    snapshots: readonly string[],
    already: RegExp,
  ): Promise<{ ran: Ran; named: string[] }[] | Unexpected> => {
    const all: { ran: Ran; named: string[] }[] = [];
    for (const some of batches(snapshots.map(fullName))) {
      const ran = await run([...argv, ...some]);
      const complaints = linesOf(ran.result.stderr).filter((line) => !already.test(line));
      const named = complaints.flatMap((line) => GONE.exec(line)?.[1] ?? []);
      const isKnown = ran.result.stderr !== '' && named.length === complaints.length;
      if (ran.result.exitCode !== 0 && !isKnown) return unexpected('zfs', ran);
      all.push({ ran, named });
    }
    return all;
  };

  const destroyOnce = (dataset: string, names: readonly string[]): Promise<Ran> =>
    run(['zfs', 'destroy', `${dataset}@${names.join(',')}`], DESTROY_TIMEOUT_MS);

  /** Each round takes out those that ZFS named; where it named none of them, each is tried alone. */
  const destroySome = async (dataset: string, names: readonly string[]): Promise<KeptSnapshot[] | Unexpected> => {
    const kept: KeptSnapshot[] = [];
    let left = names;
    while (left.length > 0) {
      const ran = await destroyOnce(dataset, left);
      if (ran.result.exitCode === 0 || areGone(ran)) return kept;
      const found = keptIn(ran, dataset, left);
      const stays = left.length === 1 && found.length === 0 ? whyNot(ran.result.stderr, left[0] ?? '') : undefined;
      if (stays !== undefined) return [...kept, stays];
      if (found.length === 0 && left.length === 1) return unexpected('zfs', ran);
      if (found.length === 0) {
        for (const name of left) {
          const alone = await destroySome(dataset, [name]);
          if (!Array.isArray(alone)) return alone;
          kept.push(...alone);
        }
        return kept;
      }
      kept.push(...found);
      left = left.filter((name) => !found.some((each) => each.name === name));
    }
    return kept;
  };

  const create = async (dataset: string): Promise<Answer<{ type: 'created' } | { type: 'exists' }>> => {
    const argv = ['zfs', 'create', '-o', 'canmount=off', '-o', 'mountpoint=none', '-o', 'readonly=on', dataset];
    const ran = await run(argv);
    if (ran.result.exitCode === 0) return { type: 'created' };
    if (/^cannot create '[^']*': dataset already exists$/m.test(ran.result.stderr)) return { type: 'exists' };
    if (!/^cannot create '[^']*': parent does not exist$/m.test(ran.result.stderr)) return readCreateError(ran);
    const parent = await create(dataset.replace(/\/[^/]*$/, ''));
    return parent.type === 'created' || parent.type === 'exists' ? create(dataset) : parent;
  };

  return {
    hold: async (tag, snapshots) => {
      const all = await onMany(['zfs', 'hold', holdTag(tag)], snapshots, /: tag already exists on this dataset$/);
      if (!Array.isArray(all)) return all;
      return { type: 'held', missing: snapshots.filter((snapshot) => isGone(snapshot, all)) };
    },
    release: async (tag, snapshots) => {
      const all = await onMany(['zfs', 'release', holdTag(tag)], snapshots, /: no such tag on this dataset$/);
      return Array.isArray(all) ? { type: 'released' } : all;
    },
    holds: async (snapshots) => {
      const all = await onMany(['zfs', 'holds', '-H'], snapshots, /^no datasets available$/);
      if (!Array.isArray(all)) return all;
      const holds = all.flatMap(({ ran }) =>
        linesOf(ran.result.stdout).flatMap((line) => {
          const [snapshot, tag] = line.split('\t');
          return snapshot === undefined || tag === undefined ? [] : [{ snapshot, tag }];
        }),
      );
      return { type: 'holds', holds };
    },
    bookmark: async (dataset, snapshot, bookmark) => {
      const name = datasetName(dataset);
      const ran = await run(['zfs', 'bookmark', `${name}@${shortName(snapshot)}`, `${name}#${shortName(bookmark)}`]);
      if (ran.result.exitCode === 0) return { type: 'made' };
      if (/^cannot create bookmark '[^']*': bookmark exists$/m.test(ran.result.stderr)) return { type: 'exists' };
      return notFoundOr(ran, `${name}@${snapshot}`);
    },
    destroyBookmark: async (dataset, bookmark) => {
      const ran = await run(['zfs', 'destroy', `${datasetName(dataset)}#${shortName(bookmark)}`]);
      if (ran.result.exitCode === 0) return { type: 'destroyed' };
      return /^bookmark '[^']*' does not exist\.$/m.test(ran.result.stderr) ? { type: 'none' } : unexpected('zfs', ran);
    },
    destroySnapshots: async (dataset, snapshots) => {
      const kept: KeptSnapshot[] = [];
      for (const some of batches(snapshots.map(shortName))) {
        const stayed = await destroySome(datasetName(dataset), some);
        if (!Array.isArray(stayed)) return stayed;
        kept.push(...stayed);
      }
      const destroyed = snapshots.filter((name) => !kept.some((each) => each.name === name));
      return { type: 'destroyed', destroyed, kept };
    },
    createParents: (dataset) => create(datasetName(dataset)),
  };
}

/** The snapshot is away, or its whole dataset. */
const GONE = /^cannot [^']*'([^']*)': dataset does not exist$/;

const isGone = (snapshot: string, all: readonly { named: string[] }[]): boolean =>
  all.some(({ named }) => named.some((gone) => gone === snapshot || gone === snapshot.split('@')[0]));

/** None of them is there any more, or the whole dataset is not. */
const areGone = ({ result }: Ran): boolean =>
  /^could not find any snapshots to destroy; check snapshot names\.$/m.test(result.stderr) ||
  /^cannot open '[^']*': dataset does not exist$/m.test(result.stderr);

const linesOf = (text: string): string[] => text.split('\n').filter((line) => line !== '');

/** Those that ZFS named in its refusal of a batch, of which it has then destroyed none. */
function keptIn({ result }: Ran, dataset: string, names: readonly string[]): KeptSnapshot[] {
  return linesOf(result.stderr).flatMap((line) => {
    const at = /^cannot destroy (?:snapshot )?'?([^']*?)'?: /.exec(line)?.[1];
    const name = names.find((each) => at === `${dataset}@${each}`);
    return name === undefined ? [] : (whyNot(line, name) ?? []);
  });
}

const KEEPING = ['held', 'has clones', 'busy'] as const;

function whyNot(text: string, name: string): KeptSnapshot | undefined {
  const problem = zfsProblem(text);
  const why = KEEPING.find((each) => each === problem?.type);
  return problem === undefined || why === undefined ? undefined : { name, why, message: problem.message };
}

function readCreateError(ran: Ran): NotFound | Unexpected {
  const missing = /^cannot create '([^']*)': no such pool '[^']*'$/m.exec(ran.result.stderr);
  return missing === null ? readZfsError('zfs', ran) : { type: 'not found', what: missing[1] ?? '' };
}

function notFoundOr(ran: Ran, what: string): NotFound | Unexpected {
  return zfsProblem(ran.result.stderr)?.type === 'not found' ? { type: 'not found', what } : unexpected('zfs', ran);
}

function fullName(snapshot: string): string {
  const at = snapshot.indexOf('@');
  if (at === -1) throw new TypeError(`Expected a snapshot as dataset@name, got ${JSON.stringify(snapshot)}.`);
  return `${datasetName(snapshot.slice(0, at))}@${shortName(snapshot.slice(at + 1))}`;
}

function batches<T>(all: readonly T[]): T[][] {
  const found: T[][] = [];
  for (let from = 0; from < all.length; from += BATCH) found.push(all.slice(from, from + BATCH));
  return found;
}
