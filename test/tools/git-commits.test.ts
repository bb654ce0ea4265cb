import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createLocalHost } from '../../hosts/local.ts';
import { createGitCommits, type GitCommits } from '../../tools/git-commits.ts';

const run = promisify(execFile);

describe('commits beside the work tree', () => {
  let folder: string;
  let repo: string;
  let commits: GitCommits;
  let first: string;
  const sh = async (dir: string, ...args: string[]): Promise<string> => {
    const identity = ['-c', 'user.name=T', '-c', 'user.email=t@example.org', '-c', 'commit.gpgsign=false'];
    return (await run('git', ['-C', dir, ...identity, ...args])).stdout.trim();
  };
  const commit = (content: string, ref = 'refs/runbook/run/cut', parent = first) =>
    commits.commit({ parent, files: [{ path: 'a/b', content }], message: 'secrets of edge\n\nnew: x\n', ref });
  const revisionOf = async (made: ReturnType<typeof commit>): Promise<string> => {
    const answer = await made;
    return answer.type === 'committed' ? answer.revision : answer.output;
  };

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'git-commits-'));
    repo = join(folder, 'clone');
    await run('git', ['init', '--quiet', '--bare', '--initial-branch=main', join(folder, 'remote')]);
    await run('git', ['init', '--quiet', '--initial-branch=main', repo]);
    await writeFile(join(repo, 'kept'), 'kept\n');
    await sh(repo, 'add', '.');
    await sh(repo, 'commit', '--quiet', '-m', 'first');
    await sh(repo, 'remote', 'add', 'origin', join(folder, 'remote'));
    await sh(repo, 'push', '--quiet', 'origin', 'main');
    first = await sh(repo, 'rev-parse', 'HEAD');
    commits = createGitCommits(createLocalHost({ stateDir: folder }), repo, join(folder, 'index'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  it('have the files, the parent and the message, and leave what lies there', async () => {
    await writeFile(join(repo, 'kept'), 'changed by somebody\n');
    const made = await revisionOf(commit('text ü\n'));
    expect(await sh(repo, 'show', `${made}:a/b`)).toBe('text ü');
    expect(await sh(repo, 'show', `${made}:kept`)).toBe('kept');
    expect(await sh(repo, 'rev-parse', `${made}^`)).toBe(first);
    expect(await sh(repo, 'log', '-1', '--format=%an %B', made)).toBe('runbook secrets of edge\n\nnew: x');
    expect(await sh(repo, 'rev-parse', 'refs/runbook/run/cut')).toBe(made);
    expect(await readFile(join(repo, 'kept'), 'utf8')).toBe('changed by somebody\n');
    expect(await sh(repo, 'status', '--porcelain')).toBe('M kept');
    expect(await sh(repo, 'rev-parse', 'main')).toBe(first);
  });

  it('are pushed as often as one likes, and not over those of others', async () => {
    const [one, other] = [await revisionOf(commit('one')), await revisionOf(commit('other'))];
    expect(await commits.push('origin', one, 'main', { dryRun: true })).toEqual({ type: 'pushed' });
    expect(await commits.remoteHead('origin', 'main')).toEqual({ type: 'head', revision: first });
    for (const time of [1, 2])
      expect({ time, ...(await commits.push('origin', one, 'main')) }).toEqual({ time, type: 'pushed' });
    expect(await commits.remoteHead('origin', 'main')).toEqual({ type: 'head', revision: one });
    expect(await commits.push('origin', other, 'main')).toMatchObject({ type: 'moved' });
    expect(await commits.push('nowhere', one, 'main')).toMatchObject({ type: 'push failed' });
    expect(await commits.remoteHead('origin', 'nope')).toEqual({ type: 'none' });
    expect(await commits.remoteHead('nowhere', 'main')).toMatchObject({ type: 'fetch failed' });
  });

  it('lose their references as often as one likes', async () => {
    const made = await revisionOf(commit('one'));
    expect(await commits.setRef('refs/heads/runbook/run', made)).toEqual({ type: 'set' });
    for (const time of [1, 2])
      expect({ time, ...(await commits.deleteRef('refs/runbook/run/cut')) }).toEqual({ time, type: 'deleted' });
    expect(await sh(repo, 'for-each-ref', '--format=%(refname)', 'refs/runbook', 'refs/heads/runbook')).toBe(
      'refs/heads/runbook/run',
    );
  });

  it('cannot be made of what is not there', async () => {
    expect(await commit('x', 'refs/runbook/run/cut', '0'.repeat(40))).toMatchObject({ type: 'unexpected' });
  });
});
