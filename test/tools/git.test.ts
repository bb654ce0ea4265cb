import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createLocalHost } from '../../hosts/local.ts';
import { createGit, flakeRef } from '../../tools/git.ts';
import { refusal, scripted } from './fake-host.ts';

const run = promisify(execFile);
const NOBODY = '0'.repeat(40);

describe('in a real repository', () => {
  let folder: string;
  let repo: string;
  let first: string;
  let git: ReturnType<typeof createGit>;
  const sh = async (...args: string[]) => {
    const identity = ['-c', 'user.name=T', '-c', 'user.email=t@example.org', '-c', 'commit.gpgsign=false'];
    return (await run('git', ['-C', repo, ...identity, ...args])).stdout.trim();
  };

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'git-tool-'));
    repo = join(folder, 'a repo; $(x)');
    await mkdir(join(repo, 'sub'), { recursive: true });
    await run('git', ['init', '--quiet', '--initial-branch=main', repo]);
    await writeFile(join(repo, 'sub', 'runbook.yaml'), 'version: 1\n');
    await sh('add', '.');
    await sh('commit', '--quiet', '-m', 'first');
    first = await sh('rev-parse', 'HEAD');
    await writeFile(join(repo, 'sub', 'runbook.yaml'), 'version: 2\n');
    await sh('commit', '--quiet', '-am', 'second');
    git = createGit(createLocalHost({ stateDir: folder }));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('finds the commit of a branch, of a short id and of an ancestor', async () => {
    expect(await git.resolveRevision(repo, 'main')).toEqual({
      type: 'revision',
      revision: await sh('rev-parse', 'main'),
    });
    expect(await git.resolveRevision(repo, first.slice(0, 10))).toEqual({ type: 'revision', revision: first });
    expect(await git.resolveRevision(repo, 'main~1')).toEqual({ type: 'revision', revision: first });
  });

  it.each(['no-such-branch', '--help', '', 'main:sub', '; id'])('finds no commit for %j', async (rev) => {
    expect(await git.resolveRevision(repo, rev)).toMatchObject({ type: 'not found' });
  });

  it('knows which commits are there', async () => {
    expect(await git.hasCommit(repo, first)).toEqual({ type: 'commit', present: true });
    expect(await git.hasCommit(repo, NOBODY)).toEqual({ type: 'commit', present: false });
  });

  it('has what the next commit would have, and says what the work tree has otherwise', async () => {
    await writeFile(join(repo, 'sub', 'staged.nix'), 'staged\n');
    await sh('add', 'sub/staged.nix');
    await writeFile(join(repo, 'sub', 'staged.nix'), 'later\n');
    await writeFile(join(repo, 'sub', 'new.nix'), 'new\n');
    expect(await git.stagedFiles(join(repo, 'sub'), '.')).toEqual({
      type: 'files',
      paths: ['sub/runbook.yaml', 'sub/staged.nix'],
      differing: ['sub/staged.nix'],
    });
    expect(await git.readStagedFile(repo, 'sub/staged.nix')).toEqual({ type: 'file', content: 'staged\n' });
    expect(await git.readStagedFile(repo, 'sub/new.nix')).toMatchObject({ type: 'unexpected' });
    await sh('rm', '--quiet', '--force', 'sub/staged.nix');
    await rm(join(repo, 'sub', 'new.nix'));
    expect(await git.stagedFiles(folder, '.')).toMatchObject({ type: 'not found' });
  });

  it('knows the commits that changed a file, newest first, and none of a file that is in none', async () => {
    const found = await git.history(repo, 'sub/runbook.yaml', 10);
    const second = await sh('rev-parse', 'main');
    expect(found).toMatchObject({ type: 'history', commits: [{ revision: second }, { revision: first }] });
    expect(found.type === 'history' && Date.parse(found.commits[0]?.at ?? '')).toBeGreaterThan(1.7e12);
    expect(await git.history(repo, 'sub/runbook.yaml', 1)).toMatchObject({ commits: [{ revision: second }] });
    expect(await git.history(repo, ':(glob)**', 1)).toEqual({ type: 'history', commits: [] });
  });

  it('lists files of a folder, new ones too, and none that are ignored', async () => {
    await writeFile(join(repo, '.gitignore'), 'ignored\n');
    await writeFile(join(repo, 'sub', 'new ü'), '');
    await writeFile(join(repo, 'sub', 'ignored'), '');
    expect(await git.listFiles(repo, 'sub')).toEqual({ type: 'files', paths: ['sub/new ü', 'sub/runbook.yaml'] });
    await rm(join(repo, '.gitignore'));
    await rm(join(repo, 'sub', 'new ü'));
    await rm(join(repo, 'sub', 'ignored'));
  });

  it('reads a file as it was, whatever lies in the folder now', async () => {
    expect(await git.readFileAt(repo, first, 'sub/runbook.yaml')).toEqual({ type: 'file', content: 'version: 1\n' });
  });

  it('finds no file where none was', async () => {
    expect(await git.readFileAt(repo, first, 'other.yaml')).toMatchObject({ type: 'not found' });
    expect(await git.readFileAt(repo, NOBODY, 'sub/runbook.yaml')).toMatchObject({ type: 'not found' });
  });

  it('sees what is in no commit', async () => {
    expect(await git.isDirty(repo)).toEqual({ type: 'tree', dirty: false, changed: [] });
    await writeFile(join(repo, 'nëw\nfile'), '');
    expect(await git.isDirty(repo)).toEqual({ type: 'tree', dirty: true, changed: ['nëw\nfile'] });
    await rm(join(repo, 'nëw\nfile'));
  });

  it('says where a folder of it belongs', async () => {
    expect(await git.locate(join(repo, 'sub'))).toEqual({ type: 'repository', root: repo, dir: 'sub', shallow: false });
    expect(await git.locate(repo)).toMatchObject({ root: repo, dir: '' });
  });

  it('tells a shallow clone', async () => {
    const shallow = join(folder, 'shallow');
    await run('git', ['clone', '--quiet', '--depth=1', `file://${encodeURI(repo)}`, shallow]);
    expect(await git.locate(shallow)).toMatchObject({ shallow: true });
    expect(await git.hasCommit(shallow, first)).toEqual({ type: 'commit', present: false });
  });

  it('fetches what is new, twice', async () => {
    const clone = join(folder, 'clone');
    await run('git', ['clone', '--quiet', repo, clone]);
    await sh('commit', '--quiet', '--allow-empty', '-m', 'third');
    const third = await sh('rev-parse', 'HEAD');
    expect(await git.hasCommit(clone, third)).toEqual({ type: 'commit', present: false });
    expect(await git.fetch(clone)).toEqual({ type: 'fetched' });
    expect(await git.fetch(clone)).toEqual({ type: 'fetched' });
    expect(await git.hasCommit(clone, third)).toEqual({ type: 'commit', present: true });
  });

  it('says why it could not fetch', async () => {
    const orphan = join(folder, 'orphan');
    await run('git', ['clone', '--quiet', repo, orphan]);
    await run('git', ['-C', orphan, 'remote', 'set-url', 'origin', join(folder, 'gone')]);
    expect(await git.fetch(orphan)).toMatchObject({ type: 'fetch failed', message: expect.stringContaining('gone') });
  });

  it('outside of any finds none', async () => {
    const bare = join(folder, 'bare');
    await mkdir(bare);
    await chmod(bare, 0o700);
    expect(await git.locate(bare)).toMatchObject({ type: 'not found' });
    expect(await git.isDirty(join(folder, 'nowhere'))).toMatchObject({ type: 'not found' });
  });
});

it('another text is unexpected', async () => {
  const argv = ['git', '-C', '/r', 'cat-file', 'blob', `${NOBODY}:x`];
  const host = scripted([argv, refusal('fatal: loose object is corrupt', 128)]);
  expect(await createGit(host).readFileAt('/r', NOBODY, 'x')).toMatchObject({ type: 'unexpected', tool: 'git' });
});

it.each(['main', '--help', `${NOBODY}; id`])('the commit %j has to be a whole id', async (revision) => {
  await expect(createGit(scripted()).readFileAt('/r', revision, 'x')).rejects.toThrow(TypeError);
  expect(() => flakeRef('/r', revision)).toThrow(TypeError);
});

describe('a flake reference', () => {
  it('pins the commit, and has its path percent-encoded', () => {
    expect(flakeRef('/srv/my infra#1?x', NOBODY)).toBe(`git+file:///srv/my%20infra%231%3Fx?rev=${NOBODY}`);
  });

  it('names the folder of the flake and a shallow clone', () => {
    expect(flakeRef('/srv/infra', NOBODY, { dir: 'hosts/nix', shallow: true })).toBe(
      `git+file:///srv/infra?rev=${NOBODY}&dir=hosts/nix&shallow=1`,
    );
  });

  it('needs an absolute path', () => {
    expect(() => flakeRef('infra', NOBODY)).toThrow(TypeError);
  });
});
