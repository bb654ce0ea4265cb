import { setTimeout as sleep } from 'node:timers/promises';
import { readOptions } from '../core/arguments.ts';
import { ToolError, Unknown, type Call } from '../core/call.ts';
import type { Dataset } from '../core/state.ts';
import { CHANGED_BYTES, datasetsOf, pointOf, pointsOf, type Point } from './zfs-datasets.ts';
import {
  END,
  hasGuid,
  PART,
  PARTS,
  readTokenText,
  tokenText,
  type StreamFlags,
  type StreamHeader,
} from './zfs-stream.ts';

/** Of a part, where the simulation has a pace. */
const PART_MS = 300;
const OPTIONS = {
  flags: ['n', 'v', 'P', 'w', 'L', 'c'],
  values: ['i', 't'],
  short: { n: 'n', v: 'v', P: 'P', w: 'w', L: 'L', c: 'c', i: 'i', t: 't' },
};

interface Sending {
  header: StreamHeader;
  /** `dataset@snapshot` or `dataset#bookmark`. */
  from?: string;
  /** Parts that have arrived already. */
  done: number;
}

/** `zfs send -vP [-w] [-L] [-c] [-i FROM] SNAPSHOT`, `zfs send -vP -t TOKEN`, and with `-n` only what that would be. */
export async function send(call: Call): Promise<number> {
  const asked = readOptions(call.args.slice(1), OPTIONS);
  const [to = '', ...more] = asked.positionals;
  const token = asked.value('t');
  if (!asked.has('v') || !asked.has('P') || more.length > 0 || (token === undefined) === (to === ''))
    throw new Unknown('expected send -vP [-n] with a snapshot or a token');
  const print = asked.has('n') ? call.out : call.err;
  const flags = { raw: asked.has('w'), compressed: asked.has('c'), largeBlocks: asked.has('L') };
  const datasets = datasetsOf(call.store.read(), call.machine);
  const sending =
    token === undefined ? fromNames(datasets, to, asked.value('i'), flags) : fromToken(datasets, token, print);
  const { header, from, done } = sending;
  const bytes = ((PARTS - done) / PARTS) * CHANGED_BYTES;
  print(`${from === undefined ? 'full' : `incremental\t${from}`}\t${header.toName}\t${bytes}\nsize\t${bytes}\n`);
  if (asked.has('n')) return 0;
  const dataset = datasets.get(header.toName.split('@')[0] ?? '');
  if (dataset?.key === 'unavailable' && !header.flags.raw)
    throw new ToolError(`warning: cannot send '${header.toName}': dataset key must be loaded`);
  return stream(call, sending);
}

/** Between the parts a fault may strike the tool `.zfs-sends`. */
async function stream(call: Call, { header, done }: Sending): Promise<number> {
  const { pace } = call.store.read();
  call.out(`${JSON.stringify(header)}\n`);
  for (let part = done; part < PARTS; part++) {
    const exitCode = await call.exec({
      machine: call.machine,
      argv: ['.zfs-sends', header.toName, String(part)],
      out: ignore,
    });
    if (exitCode !== 0) return exitCode;
    if (pace > 0) await sleep(PART_MS * pace);
    call.out(PART);
    call.err(
      `${new Date().toISOString().slice(11, 19)}\t${((part + 1 - done) / PARTS) * CHANGED_BYTES}\t${header.toName}\n`,
    );
  }
  call.out(END);
  return 0;
}

/** A moment in the middle of a send. */
export function zfsSends(): number {
  return 0;
}

type Datasets = ReadonlyMap<string, Dataset>;

function fromNames(datasets: Datasets, to: string, from: string | undefined, flags: StreamFlags): Sending {
  const target = named(datasets, to);
  const source = from?.includes('@') === true ? named(datasets, from) : pointNamed(datasets, from ?? '');
  if (from !== undefined && source === undefined) throw new ToolError(`warning: cannot send '${to}': No such process`);
  if (source !== undefined && BigInt(source.createtxg) >= BigInt(target.createtxg))
    throw new ToolError(`warning: cannot send '${to}': not an earlier snapshot from the same fs`);
  return sendingOf(datasets, { to, target, ...(from === undefined ? {} : { from }), source, flags, done: 0 });
}

function fromToken(datasets: Datasets, token: string, print: (text: string) => void): Sending {
  const content = readTokenText(token);
  if (content === undefined)
    throw new ToolError('cannot resume send: resume token is corrupt (incorrect checksum)', 255);
  const { toName, toGuid, fromGuid, flags, parts } = content;
  print(tokenText(content, (parts / PARTS) * CHANGED_BYTES));
  const [name = ''] = toName.split('@');
  const dataset = datasets.get(name);
  const target = pointsOf(name, dataset?.snapshots).find(hasGuid(toGuid));
  if (target === undefined) {
    const isOther = dataset?.snapshots[toName.split('@')[1] ?? ''] !== undefined;
    const why = isOther
      ? 'is no longer the same snapshot used in the initial send'
      : 'used in the initial send no longer exists';
    throw new ToolError(`cannot resume send: '${toName}' ${why}`, 255);
  }
  const snapshot = fromGuid === undefined ? undefined : pointsOf(name, dataset?.snapshots).find(hasGuid(fromGuid));
  const mark = fromGuid === undefined ? undefined : pointsOf(name, dataset?.bookmarks).find(hasGuid(fromGuid));
  if (fromGuid !== undefined && !snapshot && !mark)
    throw new ToolError(
      `cannot resume send: incremental source 0x${BigInt(fromGuid).toString(16)} no longer exists`,
      255,
    );
  const from = snapshot ? `${name}@${snapshot.name}` : mark ? `${name}#${mark.name}` : undefined;
  const more = from === undefined ? {} : { from };
  return sendingOf(datasets, {
    to: `${name}@${target.name}`,
    target,
    ...more,
    source: snapshot ?? mark,
    flags,
    done: parts,
  });
}

function sendingOf(
  datasets: Datasets,
  {
    to,
    target,
    from,
    source,
    flags,
    done,
  }: { to: string; target: Point; from?: string; source: Point | undefined; flags: StreamFlags; done: number },
): Sending {
  const { type = 'filesystem', key } = datasets.get(to.split('@')[0] ?? '') ?? {};
  const { guid: toGuid, creation } = target;
  const content = datasets.get(to.split('@')[0] ?? '')?.snapshots[target.name]?.content;
  return {
    header: {
      ...{ toName: to, toGuid, creation, kind: type, flags, encrypted: key !== undefined, resumed: done > 0 },
      ...(source === undefined ? {} : { fromGuid: source.guid }),
      ...(content === undefined ? {} : { content }),
    },
    ...(from === undefined ? {} : { from }),
    done,
  };
}

/** Throws as ZFS does where there is none. */
function named(datasets: Datasets, full: string): Point {
  const point = pointNamed(datasets, full);
  if (!point) throw new ToolError(`cannot open '${full}': dataset does not exist`);
  return point;
}

function pointNamed(datasets: Datasets, full: string): Point | undefined {
  const [, name = '', sign, short = ''] = /^([^@#]+)([@#])(.+)$/.exec(full) ?? [];
  const dataset = datasets.get(name);
  const point = sign === '@' ? dataset?.snapshots[short] : dataset?.bookmarks?.[short];
  return point && pointOf(name, short, point);
}

function ignore(): void {
  return;
}
