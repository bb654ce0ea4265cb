import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ToolError, Unknown, type Call } from '../core/call.ts';
import { intoRoot } from '../core/paths.ts';
import type { State } from '../core/state.ts';

/** `unshare --mount --propagation private COMMAND …`: what is mounted for it stays here, and means nothing. */
export function unshare(call: Call): Promise<number> {
  const [mount, propagation, kind, ...argv] = call.args;
  if ([mount, propagation, kind].join(' ') !== '--mount --propagation private' || argv.length === 0)
    throw new Unknown('expected --mount --propagation private COMMAND …');
  return call.exec({ machine: call.machine, argv, cwd: call.cwd, env: call.env });
}

/** `mount -t zfs -o ro -- DATASET@SNAPSHOT FOLDER`: of a volume of Incus. The word that stands for its content is a file there. */
export function mount(call: Call): number {
  const [from = '', at = '', ...others] = call.args.slice(5);
  if (call.args.slice(0, 5).join(' ') !== '-t zfs -o ro --' || others.length > 0)
    throw new Unknown('expected -t zfs -o ro -- SNAPSHOT FOLDER');
  const content = contentOf(call.store.read(), call.machine, from);
  const folder = intoRoot(at, call.root);
  if (content === undefined)
    throw new ToolError(`filesystem '${from}' cannot be mounted, unable to open the dataset`, 1);
  if (!existsSync(folder)) mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'content'), content);
  return 0;
}

function contentOf({ cluster }: State, machine: string, from: string): string | undefined {
  const [, project = '', volume = '', snapshot = ''] = /\/custom\/([^_]+)_(.+)@snapshot-(.+)$/.exec(from) ?? [];
  const found = Object.values(cluster.volumes).find(
    (each) => each.name === volume && each.project === project && each.location === machine,
  );
  return found?.snapshots[snapshot]?.content;
}
