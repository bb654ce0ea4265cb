import { Unknown, ToolError, type Call } from '../core/call.ts';
import { existsSync } from 'node:fs';
import { readOptions } from '../core/arguments.ts';
import { intoRoot, outOfRoot } from '../core/paths.ts';
import { machineOf } from '../core/store.ts';
import type { Pool, State } from '../core/state.ts';
import { destroyAll, get, listParts, listTree } from './zfs-kept.ts';
import { getAll } from './zfs-properties.ts';
import { replicationVerb } from './zfs-replication.ts';

/** `date +%s.%N` by the machine's own clock. */
export function date(call: Call): number {
  if (call.args.join(' ') !== '+%s.%N') throw new Unknown('expected +%s.%N');
  const ms = Date.now() + machineOf(call.store.read(), call.machine).clockOffsetMs;
  call.out(`${Math.floor(ms / 1000)}.${String(Math.floor(ms) % 1000).padStart(3, '0')}000000\n`);
  return 0;
}

/** `df -Pk -- PATH…`: every path is on the machine's one file system, a quarter full. */
export function df(call: Call): number {
  const [options, dashes, ...asked] = call.args;
  if (options !== '-Pk' || dashes !== '--' || asked.length === 0) throw new Unknown('expected -Pk -- PATH…');
  const isThere = (path: string): boolean => existsSync(intoRoot(outOfRoot(path, call.root), call.root));
  const paths = asked.filter(isThere);
  for (const path of asked.filter((each) => !isThere(each))) call.err(`df: ${path}: No such file or directory\n`);
  if (paths.length === 0) return 1;
  const line = '/dev/disk/by-label/nixos  98831908  24707976  74123932      25% /\n';
  call.out(
    `Filesystem               1024-blocks      Used Available Capacity Mounted on\n${line.repeat(paths.length)}`,
  );
  return paths.length === asked.length ? 0 : 1;
}

/** `id -u`: every login is root's. */
export function id(call: Call): number {
  if (call.args.join(' ') !== '-u') throw new Unknown('expected -u');
  call.out('0\n');
  return 0;
}

/** `zpool list -Hp -o name,health,size,alloc,free [POOL]`. */
export function zpool(call: Call): number {
  const [verb, ...rest] = call.args;
  const asked = readOptions(rest, { flags: ['H', 'p'], values: ['o'], short: { H: 'H', p: 'p', o: 'o' } });
  if (verb !== 'list' || asked.value('o') !== 'name,health,size,alloc,free')
    throw new Unknown('expected list -Hp -o name,health,size,alloc,free');
  const pools = zpoolsOf(call.store.read(), call.machine);
  const [wanted] = asked.positionals;
  for (const name of wanted === undefined ? Object.keys(pools) : [wanted]) {
    const pool = pools[name];
    if (!pool) throw new ToolError(`cannot open '${name}': no such pool`);
    call.out(`${[name, pool.health, pool.totalBytes, pool.usedBytes, pool.totalBytes - pool.usedBytes].join('\t')}\n`);
  }
  return 0;
}

function zpoolsOf({ machines, cluster }: State, machine: string): Record<string, Pool> {
  const own = machines[machine]?.zpools;
  if (own) return own;
  const ofIncus = Object.entries(cluster.pools).flatMap(([name, places]): [string, Pool][] =>
    places[machine] ? [[name, places[machine]]] : [],
  );
  const others = Object.keys(machines[machine]?.datasets ?? {}).map((dataset) => dataset.replace(/\/.*/, ''));
  return Object.fromEntries([...others.map((name): [string, Pool] => [name, DATA_POOL]), ...ofIncus]);
}

/** One that Incus knows nothing of. */
const DATA_POOL: Pool = { status: 'Created', health: 'ONLINE', usedBytes: 100 * 2 ** 30, totalBytes: 2 ** 40 };

/**
 * `zfs list -Hp -t snapshot -d 1 -o name,creation -S creation DATASET`, newest first; `zfs list -Hp -t all -d 1 -o name DATASET`
 * and with `-r`; `zfs destroy DATASET`. What is kept: zfs-kept.ts; what is replicated: zfs-replication.ts.
 */
export async function zfs(call: Call): Promise<number> {
  const [verb, ...rest] = call.args;
  const replicated = replicationVerb(call);
  if (replicated !== undefined) return replicated(call);
  if (verb === 'destroy') return rest[0] === '-r' ? destroyAll(call, rest[1] ?? '') : destroy(call, rest);
  if (verb === 'get') return rest.includes('property,value') ? getAll(call) : get(call);
  const asked = readOptions(rest, {
    flags: ['H', 'p', 'r'],
    values: ['t', 'd', 'o', 'S'],
    short: { H: 'H', p: 'p', r: 'r', t: 't', d: 'd', o: 'o', S: 'S' },
  });
  const [name = ''] = asked.positionals;
  if (asked.has('r') && asked.value('t') === 'filesystem,volume') return listTree(call, asked.value('o') ?? '', name);
  if (asked.has('r') && asked.value('t') === 'filesystem,volume,snapshot')
    return listParts(call, asked.value('o') ?? '', name);
  const given = ['t', 'd', 'o', 'S'].flatMap((option) => asked.value(option) ?? []).join(' ');
  const { datasets } = machineOf(call.store.read(), call.machine);
  const dataset = datasets[name];
  const isKnown = ['snapshot 1 name,creation creation', 'all 1 name', 'all name'].includes(given);
  if (verb !== 'list' || !isKnown || asked.has('r') !== (given === 'all name'))
    throw new Unknown('expected list -Hp -t snapshot -d 1 -o name,creation -S creation, or -t all -d 1 -o name');
  if (!dataset) throw new ToolError(`cannot open '${name}': dataset does not exist`);
  if (given.startsWith('all')) {
    const isShown = (each: string): boolean =>
      each === name || (each.startsWith(`${name}/`) && (asked.has('r') || !each.slice(name.length + 1).includes('/')));
    const shown = Object.keys(datasets).filter(isShown).sort();
    const own = Object.keys(dataset.snapshots).map((snapshot) => `${name}@${snapshot}`);
    const below = shown.filter((each) => each !== name);
    call.out([name, ...own, ...below].map((each) => `${each}\n`).join(''));
    return 0;
  }
  const snapshots = Object.entries(dataset.snapshots).sort(([, a], [, b]) => b.creation - a.creation);
  call.out(snapshots.map(([snapshot, { creation }]) => `${name}@${snapshot}\t${creation}\n`).join(''));
  return 0;
}

async function destroy(call: Call, rest: readonly string[]): Promise<number> {
  const [name = '', ...others] = rest;
  if (others.length > 0 || name.startsWith('-')) throw new Unknown('expected destroy DATASET');
  await call.update((state) => {
    const { datasets } = machineOf(state, call.machine);
    const dataset = datasets[name];
    if (!dataset) throw new ToolError(`cannot open '${name}': dataset does not exist`);
    const children = Object.keys(datasets).filter((each) => each.startsWith(`${name}/`));
    const snapshots = Object.keys(dataset.snapshots).map((snapshot) => `${name}@${snapshot}`);
    if (children.length + snapshots.length > 0)
      throw new ToolError(
        `cannot destroy '${name}': filesystem has children\nuse '-r' to destroy the following datasets:\n${[...children, ...snapshots].join('\n')}`,
      );
    Reflect.deleteProperty(datasets, name);
    for (const { snapshots: all } of Object.values(datasets))
      for (const origin of Object.values(all))
        if (origin.clones) origin.clones = origin.clones.filter((each) => each !== name);
  });
  return 0;
}
