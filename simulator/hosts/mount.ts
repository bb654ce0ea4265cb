import { cpSync, mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ToolError, Unknown, type Call } from '../core/call.ts';
import { intoRoot } from '../core/paths.ts';
import { contentOf, datasetsOf } from './zfs-datasets.ts';

/** `unshare --mount --propagation private COMMAND …`: what is mounted for it stays here, and means nothing. */
export function unshare(call: Call): Promise<number> {
  const [mount, propagation, kind, ...argv] = call.args;
  if ([mount, propagation, kind].join(' ') !== '--mount --propagation private' || argv.length === 0)
    throw new Unknown('expected --mount --propagation private COMMAND …');
  return call.exec({ machine: call.machine, argv, cwd: call.cwd, env: call.env });
}

/** `mount -t zfs -o ro -- DATASET@SNAPSHOT FOLDER`, and `mount -t overlay -o … -- overlay FOLDER`. */
export function mount(call: Call): number {
  const [from = '', at = '', ...others] = call.args.slice(5);
  const given = call.args.slice(0, 5).join(' ');
  if (others.length > 0) throw new Unknown('expected two names');
  const folder = intoRoot(at, call.root);
  if (given === '-t zfs -o ro --') return mountSnapshot(call, from, folder);
  const [, lower] = /^-t overlay -o lowerdir=([^,]+),upperdir=[^,]+,workdir=\S+ --$/.exec(given) ?? [];
  if (lower === undefined) throw new Unknown('expected -t zfs -o ro -- SNAPSHOT FOLDER, or an overlay');
  cpSync(intoRoot(lower, call.root), folder, { recursive: true });
  return 0;
}

/** The word that stands for its content is a file there. */
function mountSnapshot(call: Call, from: string, folder: string): number {
  const [dataset = '', short = ''] = from.split('@');
  const snapshot = datasetsOf(call.store.read(), call.machine).get(dataset)?.snapshots[short];
  if (snapshot === undefined)
    throw new ToolError(`filesystem '${from}' cannot be mounted, unable to open the dataset`, 1);
  mkdirSync(folder, { recursive: true });
  const file = join(folder, 'content');
  writeFileSync(file, contentOf(snapshot));
  utimesSync(file, snapshot.creation, snapshot.creation);
  return 0;
}
