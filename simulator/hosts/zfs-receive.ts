import { createInterface } from 'node:readline';
import { existsSync } from 'node:fs';
import { readOptions } from '../core/arguments.ts';
import { ToolError, Unknown, type Call } from '../core/call.ts';
import type { Dataset } from '../core/state.ts';
import { machineOf } from '../core/store.ts';
import { datasetNamed, datasetsOf, newPoint, parentOf, pointsOf } from './zfs-datasets.ts';
import { MORE_HELP } from './zfs-marks.ts';
import { hasGuid, readTokenText, tokenOf, type StreamHeader } from './zfs-stream.ts';

const PROPERTIES = ['readonly=on', 'canmount=noauto', 'mountpoint=none', 'volmode=none'];

/** `zfs receive -s -u [-o PROPERTY=VALUE…] DATASET`, which reads a stream of {@link StreamHeader}, and `zfs receive -A DATASET`. */
export async function receive(call: Call): Promise<number> {
  const asked = readOptions(call.args.slice(1), {
    flags: ['s', 'u', 'A'],
    values: ['o'],
    short: { s: 's', u: 'u', A: 'A', o: 'o' },
  });
  const [name = '', ...more] = asked.positionals;
  if (more.length > 0 || name === '') throw new Unknown('expected receive … DATASET');
  if (asked.has('A')) return abort(call, name);
  const properties = asked.all('o');
  if (!asked.has('s') || !asked.has('u') || properties.some((each) => !PROPERTIES.includes(each)))
    throw new Unknown(`expected receive -s -u with any of ${PROPERTIES.join(', ')}`);
  const arrived = createInterface({ input: process.stdin });
  let header: StreamHeader | undefined;
  let isWhole = false;
  for await (const line of arrived) {
    if (header === undefined) {
      header = JSON.parse(line) as StreamHeader;
      if (isThere(call, name, header)) return 0;
      await begin(call, name, header, properties);
    } else if (line === 'end') isWhole = true;
    else await addPart(call, name);
  }
  if (header === undefined) throw new ToolError('cannot receive: failed to read from stream');
  if (!isWhole) throw incomplete(await interrupted(call, name), header);
  await commit(call, name, header);
  return 0;
}

const what = ({ resumed, fromGuid }: StreamHeader): string =>
  `cannot receive ${resumed ? 'resume' : fromGuid === undefined ? 'new filesystem' : 'incremental'} stream`;

function incomplete(token: string, header: StreamHeader): ToolError {
  return new ToolError(
    `${what(header)}: checksum mismatch or incomplete stream.\nPartially received snapshot is saved.\nA resuming stream can be generated on the sending system by running:\n    zfs send -t ${token}`,
  );
}

const isAlive = (pid: number): boolean => existsSync(`/proc/${pid}`);

/** What has arrived already is passed over without a word. */
function isThere({ store, machine }: Call, name: string, { fromGuid, toGuid }: StreamHeader): boolean {
  const { snapshots } = datasetsOf(store.read(), machine).get(name) ?? {};
  return fromGuid !== undefined && pointsOf(name, snapshots).some(hasGuid(toGuid));
}

/** Everything that ZFS refuses, and otherwise the beginning of what it keeps. */
async function begin(call: Call, name: string, header: StreamHeader, properties: readonly string[]): Promise<void> {
  await call.update((state) => {
    const datasets = datasetsOf(state, call.machine);
    const refused = refusal(datasets, name, header);
    if (refused !== undefined) throw new ToolError(refused);
    const { toName, toGuid, fromGuid, flags } = header;
    const before = datasets.get(name);
    const token = before?.partial?.token;
    const parts = (token === undefined ? undefined : readTokenText(token)?.parts) ?? 0;
    const dataset: Dataset = before ?? {
      snapshots: {},
      ...(header.kind === 'volume' ? { type: 'volume' as const } : {}),
      ...(properties.includes('readonly=on') ? { readonly: true } : {}),
      ...(header.encrypted && flags.raw ? { key: 'unavailable' as const } : {}),
    };
    const initial = before === undefined || before.partial?.initial === true;
    const content = { toName, toGuid, flags, parts, ...(fromGuid === undefined ? {} : { fromGuid }) };
    dataset.partial = { token: tokenOf(content), pid: process.pid, initial };
    if (before === undefined) machineOf(state, call.machine).datasets[name] = dataset;
  });
}

function refusal(datasets: ReadonlyMap<string, Dataset>, name: string, header: StreamHeader): string | undefined {
  const found = datasets.get(name);
  const { partial } = found ?? {};
  const refuse = (why: string): string => `${what(header)}: ${why}`;
  if (partial !== undefined && isAlive(partial.pid) && partial.pid !== process.pid)
    return `cannot receive: destination '${name}' is busy`;
  if (header.resumed) return partial === undefined ? refuse(`destination '${name}' does not exist`) : undefined;
  if (header.fromGuid === undefined) {
    if (found !== undefined) return refuse(`destination '${name}' exists\nmust specify -F to overwrite it`);
    const parent = parentOf(name) ?? '';
    return datasets.has(parent)
      ? undefined
      : `cannot open '${parent}': dataset does not exist\n${refuse('unable to restore to destination')}`;
  }
  if (found === undefined) return refuse(`destination '${name}' does not exist`);
  if (partial !== undefined)
    return refuse(`destination ${name} contains partially-complete state from "zfs receive -s".`);
  const points = pointsOf(name, found.snapshots);
  const base = points.find(hasGuid(header.fromGuid));
  if (base === undefined) return refuse(`most recent snapshot of ${name} does not\nmatch incremental source`);
  const isChanged = points.slice(points.indexOf(base) + 1).some(({ name: each }) => found.snapshots[each]?.changed);
  if (isChanged || (found.written ?? 0) > 0)
    return refuse(`destination ${name} has been modified\nsince most recent snapshot`);
  if (header.flags.raw && found.rawBroken === true) return refuse(`IV set guid mismatch. ${IV_SET}`);
  if (header.encrypted && !header.flags.raw && found.key === 'unavailable')
    return refuse('inherited key must be loaded');
  return undefined;
}

const IV_SET = "See the 'zfs receive' man page section\n discussing the limitations of raw encrypted send streams.";

async function addPart(call: Call, name: string): Promise<void> {
  await call.update((state) => {
    const { partial } = datasetsOf(state, call.machine).get(name) ?? {};
    const content = partial === undefined ? undefined : readTokenText(partial.token);
    if (partial !== undefined && content !== undefined)
      partial.token = tokenOf({ ...content, parts: content.parts + 1 });
  });
}

/** Nobody receives it any more. */
async function interrupted(call: Call, name: string): Promise<string> {
  return call.update((state) => {
    const { partial } = datasetsOf(state, call.machine).get(name) ?? {};
    if (partial) partial.pid = 0;
    return partial?.token ?? '';
  });
}

async function commit(call: Call, name: string, header: StreamHeader): Promise<void> {
  await call.update((state) => {
    const dataset = datasetNamed(datasetsOf(state, call.machine), name);
    const { toGuid: guid, creation, toName, encrypted, flags, content } = header;
    dataset.snapshots[toName.split('@')[1] ?? ''] = {
      ...newPoint(name, dataset, { guid, creation }),
      ...{ changed: true, ...(content === undefined ? {} : { content }) },
    };
    if (encrypted && !flags.raw && dataset.key !== undefined) dataset.rawBroken = true;
    delete dataset.partial;
    delete dataset.written;
  });
}

async function abort(call: Call, name: string): Promise<number> {
  await call.update((state) => {
    const { partial } = datasetOrUsage(datasetsOf(state, call.machine), name);
    if (!partial) throw new ToolError(`'${name}' does not have any resumable receive state to abort`);
    if (isAlive(partial.pid)) throw new ToolError(`cannot destroy '${name}': dataset is busy`);
    if (partial.initial) Reflect.deleteProperty(machineOf(state, call.machine).datasets, name);
    else delete datasetsOf(state, call.machine).get(name)?.partial;
  });
  return 0;
}

/** Where there is none, it explains itself. */
function datasetOrUsage(datasets: ReadonlyMap<string, Dataset>, name: string): Dataset {
  const found = datasets.get(name);
  if (!found) throw new ToolError(`cannot open '${name}': dataset does not exist\n${USAGE}`, 2);
  return found;
}

const USAGE = `usage:
	receive [-vMnsFhu] [-o <property>=<value>] ... [-x <property>] ...
	    <filesystem|volume|snapshot>
	receive [-vMnsFhu] [-o <property>=<value>] ... [-x <property>] ... 
	    [-d | -e] <filesystem>
	receive -A <filesystem|volume>
${MORE_HELP}`;
