import { lstat, readFile, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { errorCode } from './errors.ts';

/**
 * The commit that a git work tree stands on, read from its files (gitrepository-layout(5)): that takes no process. Work trees of `git worktree`, packed refs and SHA-256 repositories are understood; reftables are not.
 */
export type GitHead =
  | { type: 'commit'; revision: string; branch: string | undefined; root: string }
  | { type: 'no repository' }
  /** A branch without a commit yet. */
  | { type: 'unborn'; branch: string; root: string }
  /** Refs are kept in a way that this does not read. */
  | { type: 'unreadable'; reason: string; root: string };

const COMMIT = /^[0-9a-f]{40}(?:[0-9a-f]{24})?$/;
const REF = /^ref: (refs\/[^\s]+)$/;
/** A symbolic ref may point at another; git itself stops at five. */
const MAX_DEPTH = 5;

/** Looks in `folder` and above. Throws only what reading files throws besides ENOENT. */
export async function readGitHead(folder: string): Promise<GitHead> {
  const root = await findUp(resolve(folder), '.git');
  if (root === undefined) return { type: 'no repository' };
  const gitDir = await gitDirOf(root);
  const common = await readTrimmed(join(gitDir, 'commondir'));
  const commonDir = common === undefined ? gitDir : resolve(gitDir, common);
  const head = await readTrimmed(join(gitDir, 'HEAD'));
  if (head === undefined) return { type: 'unreadable', reason: `${join(gitDir, 'HEAD')} is missing`, root };
  if (COMMIT.test(head)) return { type: 'commit', revision: head, branch: undefined, root };
  const ref = REF.exec(head)?.[1];
  if (ref === undefined) return { type: 'unreadable', reason: `HEAD is neither a commit nor a branch`, root };
  if (ref === 'refs/heads/.invalid') return { type: 'unreadable', reason: 'its refs are in a reftable', root };
  const branch = ref.replace(/^refs\/heads\//, '');
  const revision = await resolveRef(commonDir, ref, MAX_DEPTH);
  return revision === undefined ? { type: 'unborn', branch, root } : { type: 'commit', revision, branch, root };
}

/** The nearest folder, from `folder` upwards, that has an entry `name`. */
export async function findUp(folder: string, name: string): Promise<string | undefined> {
  for (let at = folder; ; at = dirname(at)) {
    if (await isThere(join(at, name))) return at;
    if (dirname(at) === at) return undefined;
  }
}

/** Also a link that leads nowhere: who reads it says what is wrong with it. */
const isThere = (path: string): Promise<boolean> =>
  lstat(path).then(
    () => true,
    () => false,
  );

export const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

/** A `.git` file, as in work trees and submodules, names the folder. */
async function gitDirOf(root: string): Promise<string> {
  const path = join(root, '.git');
  if ((await stat(path)).isDirectory()) return path;
  const target = /^gitdir: (.+)$/.exec((await readTrimmed(path)) ?? '')?.[1];
  return target === undefined ? path : resolve(root, target);
}

async function resolveRef(commonDir: string, ref: string, depth: number): Promise<string | undefined> {
  const loose = await readTrimmed(join(commonDir, ref));
  if (loose === undefined) return packedRef(commonDir, ref);
  if (COMMIT.test(loose)) return loose;
  const next = REF.exec(loose)?.[1];
  return next === undefined || depth === 0 ? undefined : resolveRef(commonDir, next, depth - 1);
}

async function packedRef(commonDir: string, ref: string): Promise<string | undefined> {
  const packed = (await readTrimmed(join(commonDir, 'packed-refs'))) ?? '';
  const line = packed.split('\n').find((each) => each.endsWith(` ${ref}`));
  const revision = line?.slice(0, line.length - ref.length - 1);
  return revision !== undefined && COMMIT.test(revision) ? revision : undefined;
}

async function readTrimmed(path: string): Promise<string | undefined> {
  try {
    return (await readFile(path, 'utf8')).trim();
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'EISDIR'].includes(errorCode(error) ?? '')) return undefined;
    throw error;
  }
}
