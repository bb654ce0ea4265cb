import { Unknown, ToolError, type Call } from '../core/call.ts';
import { existsSync } from 'node:fs';
import { readOptions } from '../core/arguments.ts';
import { intoRoot, outOfRoot } from '../core/paths.ts';
import { machineOf } from '../core/store.ts';

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
  const { pools } = call.store.read().cluster;
  const [wanted] = asked.positionals;
  for (const name of wanted === undefined ? Object.keys(pools) : [wanted]) {
    const pool = pools[name]?.[call.machine];
    if (!pool) throw new ToolError(`cannot open '${name}': no such pool`);
    call.out(`${[name, pool.health, pool.totalBytes, pool.usedBytes, pool.totalBytes - pool.usedBytes].join('\t')}\n`);
  }
  return 0;
}

/** `zfs list -Hp -t snapshot -d 1 -o name,creation -S creation DATASET`, newest first. */
export function zfs(call: Call): number {
  const [verb, ...rest] = call.args;
  const asked = readOptions(rest, {
    flags: ['H', 'p'],
    values: ['t', 'd', 'o', 'S'],
    short: { H: 'H', p: 'p', t: 't', d: 'd', o: 'o', S: 'S' },
  });
  const [name = ''] = asked.positionals;
  const given = ['t', 'd', 'o', 'S'].map((option) => asked.value(option)).join(' ');
  if (verb !== 'list' || given !== 'snapshot 1 name,creation creation')
    throw new Unknown('expected list -Hp -t snapshot -d 1 -o name,creation -S creation');
  const dataset = machineOf(call.store.read(), call.machine).datasets[name];
  if (!dataset) throw new ToolError(`cannot open '${name}': dataset does not exist`);
  const snapshots = Object.entries(dataset.snapshots).sort(([, a], [, b]) => b.creation - a.creation);
  call.out(snapshots.map(([snapshot, { creation }]) => `${name}@${snapshot}\t${creation}\n`).join(''));
  return 0;
}
