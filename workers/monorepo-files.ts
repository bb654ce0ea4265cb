import { lstat, readdir, readFile, realpath } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { createLocalHost } from '../hosts/local.ts';
import { createGit, type Git } from '../tools/git.ts';
import type { NotFound, Unexpected } from '../tools/result.ts';

/** A file of the monorepo; `path` is from the folder that has runbook.yaml. */
export interface MonorepoFile {
  path: string;
  text: string;
}

export type MonorepoFiles = { type: 'files'; files: MonorepoFile[] } | { type: 'problem'; message: string };

/** Larger ones are data. */
const MAX_BYTES = 1024 * 1024;
const AT_ONCE = 32;
/** Where there is no git to say what belongs to the monorepo: its own folders. */
const FOLDERS = ['host', 'infra', 'guests', 'services', 'secrets', 'scripts'];

/**
 * The text of every file that git has or would take, in that folder. `staged`: as the next commit would have them.
 * Without a repository: the folders of the layout, and the files beside runbook.yaml that are of it.
 */
export async function readMonorepoFiles(folder: string, { staged = false } = {}): Promise<MonorepoFiles> {
  const git = createGit(createLocalHost({ stateDir: folder }));
  const located = await git.locate(folder);
  if (located.type === 'unexpected') return problem(located);
  if (located.type === 'not found')
    return staged
      ? { type: 'problem', message: `${folder} is in no git repository: nothing is staged.` }
      : { type: 'files', files: await ofFolders(folder) };
  const place = { git, folder, ...located };
  return staged ? readStaged(place) : readWorkTree(place);
}

interface Place {
  git: Git;
  folder: string;
  root: string;
  dir: string;
}

async function readWorkTree({ git, folder, dir }: Place): Promise<MonorepoFiles> {
  const listed = await git.listFiles(folder, '.');
  if (listed.type !== 'files') return problem(listed);
  return {
    type: 'files',
    files: await readAll(
      folder,
      listed.paths.map((path) => posix.relative(dir, path)),
    ),
  };
}

async function readStaged({ git, folder, root, dir }: Place): Promise<MonorepoFiles> {
  const listed = await git.stagedFiles(folder, '.');
  if (listed.type !== 'files') return problem(listed);
  const differing = new Set(listed.differing);
  const same = listed.paths.filter((path) => !differing.has(path)).map((path) => posix.relative(dir, path));
  const files = await readAll(folder, same);
  for (const path of listed.paths.filter((each) => differing.has(each))) {
    const read = await git.readStagedFile(root, path);
    if (read.type !== 'file') return problem(read);
    if (isText(read.content)) files.push({ path: posix.relative(dir, path), text: read.content });
  }
  return { type: 'files', files: files.sort((a, b) => (a.path < b.path ? -1 : 1)) };
}

async function ofFolders(folder: string): Promise<MonorepoFile[]> {
  const beside = (await readdir(folder)).filter((name) => /\.(?:nix|ya?ml|lock)$/.test(name));
  const below = await Promise.all(
    FOLDERS.map(async (name) => {
      const top = await lstat(join(folder, name)).catch(() => undefined);
      if (top?.isDirectory() !== true) return [];
      const entries = await readdir(join(folder, name), { withFileTypes: true, recursive: true }).catch(() => []);
      return entries
        .filter((entry) => entry.isFile())
        .map((entry) => posix.join(name, posix.relative(join(folder, name), posix.join(entry.parentPath, entry.name))))
        .filter((path) => !path.split('/').some((word) => word === '.terraform' || word === 'node_modules'));
    }),
  );
  return readAll(folder, [...beside, ...below.flat()]);
}

async function readAll(folder: string, paths: readonly string[]): Promise<MonorepoFile[]> {
  const files: MonorepoFile[] = [];
  const root = await realpath(folder);
  for (let at = 0; at < paths.length; at += AT_ONCE) {
    const read = await Promise.all(paths.slice(at, at + AT_ONCE).map((path) => readOne(root, path)));
    files.push(...read.filter((file) => file !== undefined));
  }
  return files.sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** Undefined: it is gone, a link or behind one, a submodule, larger than any source, or no text. */
async function readOne(root: string, path: string): Promise<MonorepoFile | undefined> {
  const whole = join(root, path);
  if ((await realpath(whole).catch(() => undefined)) !== whole) return undefined;
  const status = await lstat(whole).catch(() => undefined);
  if (status?.isFile() !== true || status.size > MAX_BYTES) return undefined;
  const text = await readFile(whole, 'utf8');
  return isText(text) ? { path, text } : undefined;
}

const isText = (content: string): boolean => content.length <= MAX_BYTES && !content.includes('\0');

const problem = (answer: NotFound | Unexpected): MonorepoFiles => ({
  type: 'problem',
  message: answer.type === 'not found' ? `There is no ${answer.what}.` : `${answer.argv}: ${answer.output}`,
});
