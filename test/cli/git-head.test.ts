import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { readGitHead } from '../../cli/git-head.ts';

const exec = promisify(execFile);
const NOBODY = { GIT_AUTHOR_NAME: 'a', GIT_AUTHOR_EMAIL: 'a@b', GIT_COMMITTER_NAME: 'a', GIT_COMMITTER_EMAIL: 'a@b' };

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'runbook-git-'));
});
afterEach(() => rm(root, { recursive: true }));

/** The real git, apart from whatever this machine configures. */
async function git(args: string[], cwd = root): Promise<string> {
  const env = { ...process.env, ...NOBODY, GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_SYSTEM: '/dev/null' };
  return (await exec('git', args, { cwd, env })).stdout.trim();
}

async function commit(cwd = root): Promise<string> {
  await git(['commit', '--allow-empty', '-m', 'a commit'], cwd);
  return git(['rev-parse', 'HEAD'], cwd);
}

describe('the commit that a folder stands on', () => {
  it('is that of its branch, from any folder below', async () => {
    await git(['init', '-b', 'feature/x']);
    const revision = await commit();
    await mkdir(join(root, 'a/b'), { recursive: true });
    expect(await readGitHead(join(root, 'a/b'))).toEqual({ type: 'commit', revision, branch: 'feature/x', root });
  });

  it('is found in packed refs', async () => {
    await git(['init', '-b', 'main']);
    const revision = await commit();
    await git(['branch', 'remain']);
    await git(['pack-refs', '--all']);
    expect(await readGitHead(root)).toEqual({ type: 'commit', revision, branch: 'main', root });
  });

  it('prefers a ref that was written after the packing', async () => {
    await git(['init', '-b', 'main']);
    await commit();
    await git(['pack-refs', '--all']);
    const revision = await commit();
    expect(await readGitHead(root)).toMatchObject({ revision });
  });

  it('is known without a branch', async () => {
    await git(['init', '-b', 'main']);
    const revision = await commit();
    await git(['checkout', '--detach']);
    expect(await readGitHead(root)).toEqual({ type: 'commit', revision, branch: undefined, root });
  });

  it('is known in a second work tree, whose refs are in the first', async () => {
    await git(['init', '-b', 'main']);
    await commit();
    const tree = join(root, 'tree');
    await git(['worktree', 'add', '-b', 'other', tree]);
    const revision = await commit(tree);
    expect(await readGitHead(tree)).toEqual({ type: 'commit', revision, branch: 'other', root: tree });
  });

  it('is known in a repository of SHA-256', async () => {
    await git(['init', '-b', 'main', '--object-format=sha256']);
    const revision = await commit();
    expect(revision).toHaveLength(64);
    expect(await readGitHead(root)).toMatchObject({ revision });
  });

  it('is none before the first commit, and none without a repository', async () => {
    expect(await readGitHead(root)).toEqual({ type: 'no repository' });
    await git(['init', '-b', 'main']);
    expect(await readGitHead(root)).toEqual({ type: 'unborn', branch: 'main', root });
  });

  it('is not guessed at where refs are kept otherwise', async () => {
    await mkdir(join(root, '.git'));
    await writeFile(join(root, '.git/HEAD'), 'ref: refs/heads/.invalid\n');
    expect(await readGitHead(root)).toMatchObject({ type: 'unreadable', reason: 'its refs are in a reftable' });
    await writeFile(join(root, '.git/HEAD'), '3f9c1e2\n');
    expect(await readGitHead(root)).toMatchObject({ type: 'unreadable' });
  });
});
