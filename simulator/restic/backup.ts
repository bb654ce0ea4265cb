import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Unknown, type Call } from '../core/call.ts';
import { intoRoot, outOfRoot } from '../core/paths.ts';
import type { ResticSnapshot } from '../core/state.ts';
import { idOf, optionsOf, repositoryOf, requireUnlocked, ResticError } from './repository.ts';

/** `restic backup`: of paths, of `.`, or with `--stdin` of what it reads. Files are kept whole. */
export async function backup(call: Call): Promise<number> {
  const asked = optionsOf(call, {
    flags: ['stdin'],
    values: ['stdin-filename', 'host', 'tag', 'time', 'group-by'],
  });
  requireUnlocked(repositoryOf(call, asked), false);
  const read = asked.has('stdin') ? fromInput(asked.value('stdin-filename') ?? '') : fromPaths(call, asked.positionals);
  const time = asked.value('time');
  const begun = time === undefined ? new Date().toISOString() : `${time.replace(' ', 'T')}Z`;
  const snapshot: ResticSnapshot = {
    id: idOf(`${begun} ${Math.random()}`),
    ...{ time: begun, hostname: asked.value('host') ?? call.machine, paths: read.paths },
    ...{ tags: asked.all('tag').flatMap((tags) => tags.split(',')), files: read.files },
  };
  await call.update((state) => {
    repositoryOf(call, asked, state).snapshots.push(snapshot);
  });
  call.out(`${JSON.stringify(summaryOf(snapshot))}\n`);
  if (!read.unread) return 0;
  throw new ResticError(3, 'Warning: at least one source file could not be read');
}

interface Read {
  paths: string[];
  files: Record<string, string>;
  /** Something could not be read. */
  unread?: boolean;
}

function fromInput(name: string): Read {
  return { paths: [`/${name}`], files: { [`/${name}`]: readFileSync(0).toString('base64') } };
}

function fromPaths(call: Call, given: readonly string[]): Read {
  const own = given.map((path) => ({
    path: path === '.' ? outOfRoot(call.cwd, call.root) : path,
    at: path === '.' ? call.cwd : intoRoot(path, call.root),
  }));
  if (own.length === 0) throw new Unknown('expected paths');
  const there = own.filter(({ at }) => existsSync(at));
  for (const { path } of own.filter(({ at }) => !existsSync(at))) call.err(`${path} does not exist, skipping\n`);
  if (there.length === 0) throw new ResticError(1, 'Fatal: all source directories/files do not exist');
  const files: Record<string, string> = {};
  let unread = false;
  for (const { path, at } of there)
    for (const name of filesIn(at)) {
      const own = join(path, name);
      if (isUnreadable(join(at, name))) {
        const error = { message: `open ${own}: permission denied` };
        call.err(`${JSON.stringify({ message_type: 'error', error, during: 'archival', item: own })}\n`);
        unread = true;
      } else files[own] = readFileSync(join(at, name)).toString('base64');
    }
  return { paths: own.map(({ path }) => path), files, unread };
}

/** Everybody here is root: a test says that nobody can read a file, by its mode. */
const isUnreadable = (path: string): boolean => (statSync(path).mode & 0o777) === 0;

function filesIn(at: string): string[] {
  if (!statSync(at).isDirectory()) return [''];
  return readdirSync(at, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(at.length + 1));
}

function summaryOf({ id, files }: ResticSnapshot): Record<string, unknown> {
  const sizes = Object.values(files).map((content) => Buffer.from(content, 'base64').length);
  const bytes = sizes.reduce((sum, size) => sum + size, 0);
  const now = new Date().toISOString();
  return {
    ...{ message_type: 'summary', files_new: sizes.length, files_changed: 0, files_unmodified: 0 },
    ...{ dirs_new: 1, dirs_changed: 0, dirs_unmodified: 0, data_blobs: sizes.length, tree_blobs: 1 },
    ...{ data_added: bytes, data_added_packed: bytes, total_files_processed: sizes.length },
    ...{ total_bytes_processed: bytes, total_duration: 0.1, backup_start: now, backup_end: now, snapshot_id: id },
  };
}
