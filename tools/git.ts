import type { Host } from '../hosts/host.ts';
import { tail, unexpected, type NotFound, type Ran, type Unexpected } from './result.ts';
import { withSignal, type ToolOptions } from './tool-options.ts';

/** Reading a local repository, at worst from a cold disk. */
const READ_TIMEOUT_MS = 30_000;

/** A large repository over a slow line. */
const FETCH_TIMEOUT_MS = 10 * 60_000;

/** All files of a repository, at worst from a cold disk. */
const ARCHIVE_TIMEOUT_MS = 5 * 60_000;

const MAX_FILE_BYTES = 8 * 1024 * 1024;

/** Texts in English; never asks for a password; takes no lock that another git would stumble over. */
const ENV = {
  LC_ALL: 'C',
  GIT_TERMINAL_PROMPT: '0',
  GIT_SSH_COMMAND: 'ssh -o BatchMode=yes',
  GIT_OPTIONAL_LOCKS: '0',
  GIT_LITERAL_PATHSPECS: '1',
};

export interface Git {
  /** The commit that a branch, tag or abbreviated id names. `not found`: also where `repo` is no repository. */
  resolveRevision(repo: string, rev: string): Promise<{ type: 'revision'; revision: string } | NotFound | Unexpected>;
  /** Whether the commit is there without fetching. */
  hasCommit(repo: string, revision: string): Promise<{ type: 'commit'; present: boolean } | NotFound | Unexpected>;
  /** From all remotes; moves no branch of ours. Idempotent. */
  fetch(repo: string): Promise<{ type: 'fetched' } | { type: 'fetch failed'; message: string } | NotFound | Unexpected>;
  /** The file as it is in that commit, whatever the working tree holds. `path`: from the repository's root. */
  readFileAt(
    repo: string,
    revision: string,
    path: string,
  ): Promise<{ type: 'file'; content: string } | NotFound | Unexpected>;
  /** The names of the folders that a folder has in that commit; none where it is not there. `path`: from the root. */
  foldersAt(
    repo: string,
    revision: string,
    path: string,
  ): Promise<{ type: 'folders'; names: string[] } | NotFound | Unexpected>;
  /** Every file of that commit, as a tar archive in `file`. */
  archive(repo: string, revision: string, file: string): Promise<{ type: 'archived' } | NotFound | Unexpected>;
  /** Changes that are in no commit, new files included. */
  isDirty(repo: string): Promise<{ type: 'tree'; dirty: boolean; changed: string[] } | NotFound | Unexpected>;
  /** Files below a folder of the work tree, new ones among them, but for what .gitignore names. From the repository's root. */
  listFiles(repo: string, folder: string): Promise<{ type: 'files'; paths: string[] } | NotFound | Unexpected>;
  /** The same of a commit. */
  listFilesAt(
    repo: string,
    revision: string,
    folder: string,
  ): Promise<{ type: 'files'; paths: string[] } | NotFound | Unexpected>;
  /**
   * Files below a folder as the next commit would have them, from the repository's root; `differing` are those that the
   * work tree has otherwise, or no longer.
   */
  stagedFiles(
    repo: string,
    folder: string,
  ): Promise<{ type: 'files'; paths: string[]; differing: string[] } | NotFound | Unexpected>;
  /** A file as the next commit would have it. `path`: from the repository's root. */
  readStagedFile(repo: string, path: string): Promise<{ type: 'file'; content: string } | NotFound | Unexpected>;
  /** Commits that changed a file, newest first, at most `limit`. None for a file that is in no commit. */
  history(
    repo: string,
    path: string,
    limit: number,
  ): Promise<{ type: 'history'; commits: { revision: string; at: string }[] } | NotFound | Unexpected>;
  /** The repository that a folder belongs to; `dir` is the folder within it, empty at its root. */
  locate(folder: string): Promise<Repository | NotFound | Unexpected>;
}

export interface Repository {
  type: 'repository';
  root: string;
  dir: string;
  /** A clone without its whole history: nix has to be told. */
  shallow: boolean;
}

/** `host`: the worker's own machine. Throws a TypeError for a revision that should be a whole commit id and is not. */
export function createGit(host: Host, options: ToolOptions = {}): Git {
  const git = async (repo: string, args: string[], timeoutMs = READ_TIMEOUT_MS): Promise<Ran> => {
    const argv = ['git', '-C', repo, ...args];
    const result = await host.run(argv, {
      timeoutMs,
      env: ENV,
      maxOutputBytes: MAX_FILE_BYTES,
      ...withSignal(options),
    });
    return { argv, result };
  };

  return {
    resolveRevision: async (repo, rev) => {
      const ran = await git(repo, ['rev-parse', '--verify', '--end-of-options', `${rev}^{commit}`]);
      const revision = ran.result.stdout.trim();
      if (ran.result.exitCode === 0 && isCommitId(revision)) return { type: 'revision', revision };
      if (/^fatal: (?:Needed a single revision|bad revision)/m.test(ran.result.stderr))
        return { type: 'not found', what: `Revision ${JSON.stringify(rev)} in ${repo}` };
      return readError(repo, ran);
    },
    hasCommit: async (repo, revision) => {
      const ran = await git(repo, ['cat-file', '-e', `${commitId(revision)}^{commit}`]);
      if (ran.result.exitCode === 0) return { type: 'commit', present: true };
      if (/^fatal: Not a valid object name/m.test(ran.result.stderr)) return { type: 'commit', present: false };
      return readError(repo, ran);
    },
    fetch: async (repo) => {
      const ran = await git(repo, ['fetch', '--all', '--quiet'], FETCH_TIMEOUT_MS);
      if (ran.result.exitCode === 0) return { type: 'fetched' };
      const error = readError(repo, ran);
      return error.type === 'not found' ? error : { type: 'fetch failed', message: tail(ran.result.stderr) };
    },
    readFileAt: async (repo, revision, path) => {
      const ran = await git(repo, ['cat-file', 'blob', `${commitId(revision)}:${path}`]);
      if (ran.result.exitCode !== 0) return readError(repo, ran);
      if (ran.result.truncated) return unexpected('git', ran, `Expected ${path} to be smaller.`);
      return { type: 'file', content: ran.result.stdout };
    },
    foldersAt: async (repo, revision, path) => {
      const inside = `${path.replace(/\/+$/, '')}/`;
      const ran = await git(repo, ['ls-tree', '-d', '-z', '--name-only', commitId(revision), '--', inside]);
      if (ran.result.exitCode !== 0) return readError(repo, ran);
      const paths = ran.result.stdout.split('\0').filter((entry) => entry !== '');
      return { type: 'folders', names: paths.map((entry) => entry.slice(inside.length)) };
    },
    archive: async (repo, revision, file) => {
      const words = ['archive', '--format=tar', `--output=${file}`, commitId(revision)];
      const ran = await git(repo, words, ARCHIVE_TIMEOUT_MS);
      return ran.result.exitCode === 0 ? { type: 'archived' } : readError(repo, ran);
    },
    isDirty: async (repo) => {
      const ran = await git(repo, ['status', '--porcelain=v1', '-z', '--no-renames']);
      if (ran.result.exitCode !== 0) return readError(repo, ran);
      const entries = ran.result.stdout.split('\0').filter((entry) => entry !== '');
      return { type: 'tree', dirty: entries.length > 0, changed: entries.map((entry) => entry.slice(3)) };
    },
    listFiles: async (repo, folder) => {
      const listed = ['ls-files', '-z', '--cached', '--others', '--exclude-standard', '--full-name', '--', folder];
      const ran = await git(repo, listed);
      return ran.result.exitCode === 0 ? { type: 'files', paths: namesIn(ran) } : readError(repo, ran);
    },
    listFilesAt: async (repo, revision, folder) => {
      const below = folder === '.' || folder === '' ? [] : ['--', folder];
      const ran = await git(repo, ['ls-tree', '-r', '-z', '--name-only', '--full-tree', commitId(revision), ...below]);
      if (ran.result.exitCode !== 0) return readError(repo, ran);
      return { type: 'files', paths: ran.result.stdout.split('\0').filter((path) => path !== '') };
    },
    stagedFiles: async (repo, folder) => {
      const listed = await git(repo, ['ls-files', '-z', '--cached', '--full-name', '--', folder]);
      if (listed.result.exitCode !== 0) return readError(repo, listed);
      const compared = await git(repo, ['diff', '-z', '--name-only', '--no-renames', '--no-ext-diff', '--', folder]);
      if (compared.result.exitCode !== 0) return readError(repo, compared);
      return { type: 'files', paths: namesIn(listed), differing: namesIn(compared) };
    },
    readStagedFile: async (repo, path) => {
      const ran = await git(repo, ['cat-file', 'blob', `:${path}`]);
      if (ran.result.exitCode !== 0) return readError(repo, ran);
      if (ran.result.truncated) return unexpected('git', ran, `Expected ${path} to be smaller.`);
      return { type: 'file', content: ran.result.stdout };
    },
    history: async (repo, path, limit) => {
      const ran = await git(repo, ['log', '--format=%H %cI', `--max-count=${limit}`, '--', path]);
      if (ran.result.exitCode !== 0) return readError(repo, ran);
      const lines = ran.result.stdout.split('\n').filter((line) => line !== '');
      const commits = lines.map((line) => line.split(' ')).map(([revision = '', at = '']) => ({ revision, at }));
      return { type: 'history', commits };
    },
    locate: async (folder) => {
      const ran = await git(folder, ['rev-parse', '--show-toplevel', '--show-prefix', '--is-shallow-repository']);
      if (ran.result.exitCode !== 0) return readError(folder, ran);
      const [root, prefix, shallow] = ran.result.stdout.split('\n');
      if (root === undefined || prefix === undefined || (shallow !== 'true' && shallow !== 'false'))
        return unexpected('git', ran, 'Expected the root, the folder below it and whether the clone is shallow.');
      return { type: 'repository', root, dir: prefix.replace(/\/$/, ''), shallow: shallow === 'true' };
    },
  };
}

/**
 * A flake of exactly that commit: what is not committed is not in it. `dir`: where flake.nix is, from the root.
 * nix refuses a shallow clone unless told. Throws a TypeError for a relative root or an abbreviated commit.
 */
export function flakeRef(root: string, revision: string, options: { dir?: string; shallow?: boolean } = {}): string {
  if (!root.startsWith('/'))
    throw new TypeError(`Expected an absolute path of the repository, got ${JSON.stringify(root)}.`);
  const query = [`rev=${commitId(revision)}`];
  if (options.dir !== undefined && options.dir !== '') query.push(`dir=${encodePath(options.dir)}`);
  if (options.shallow === true) query.push('shallow=1');
  return `git+file://${encodePath(root)}?${query.join('&')}`;
}

/** One that is in conflict comes several times. */
const namesIn = ({ result }: Ran): string[] => [...new Set(result.stdout.split('\0'))].filter((path) => path !== '');

function encodePath(path: string): string {
  return path.split('/').map(encodeURIComponent).join('/');
}

function readError(repo: string, ran: Ran): NotFound | Unexpected {
  const { stderr } = ran.result;
  if (/^fatal: (?:not a git repository|cannot change to )/m.test(stderr))
    return { type: 'not found', what: `A git repository at ${repo}` };
  const missing =
    /^fatal: (path '.*' (?:does not exist|exists on disk, but not) in '.*'|.*Not a valid object name .*)/m.exec(stderr);
  return missing === null ? unexpected('git', ran) : { type: 'not found', what: missing[1] ?? '' };
}

function isCommitId(text: string): boolean {
  return /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(text);
}

/** Keeps a revision from being read as an option or an expression. */
function commitId(text: string): string {
  if (isCommitId(text)) return text;
  throw new TypeError(`Expected a whole commit id, got ${JSON.stringify(text)}.`);
}
