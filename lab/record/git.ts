import { mkdir, rm, writeFile } from 'node:fs/promises';
import { check } from '../shell.ts';
import type { Recorder } from './recorder.ts';

/** As the product calls it. */
const ENV = {
  LC_ALL: 'C',
  GIT_TERMINAL_PROMPT: '0',
  GIT_SSH_COMMAND: 'ssh -o BatchMode=yes',
  GIT_OPTIONAL_LOCKS: '0',
  GIT_LITERAL_PATHSPECS: '1',
};

export async function recordGit(recorder: Recorder): Promise<void> {
  const folder = recorder.file('git');
  const repo = `${folder}/clone`;
  const revision = await cloneWithOneCommit(folder, repo);
  const at = (note: string, where: string, ...argv: string[]): Promise<unknown> =>
    recorder.here(note, ['git', '-C', where, ...argv], { env: ENV });
  const git = (note: string, ...argv: string[]): Promise<unknown> => at(note, repo, ...argv);
  const resolve = (rev: string): string[] => ['rev-parse', '--verify', '--end-of-options', `${rev}^{commit}`];
  const locate = ['rev-parse', '--show-toplevel', '--show-prefix', '--is-shallow-repository'];
  await recorder.here('version', ['git', '--version']);
  await git('a branch', ...resolve('main'));
  await git('no such branch', ...resolve('nope'));
  await git('no such commit', ...resolve('0'.repeat(40)));
  await git('no such abbreviation', ...resolve('0000000'));
  await git('a commit that is there', 'cat-file', '-e', `${revision}^{commit}`);
  await git('a commit that is not there', 'cat-file', '-e', `${'0'.repeat(40)}^{commit}`);
  await git('a file', 'cat-file', 'blob', `${revision}:runbook.yaml`);
  await git('a file that is nowhere', 'cat-file', 'blob', `${revision}:nope`);
  await git('a file that is in no commit', 'cat-file', 'blob', `${revision}:new`);
  await git('a file of a commit that is not there', 'cat-file', 'blob', `${'0'.repeat(40)}:runbook.yaml`);
  const tree = ['ls-tree', '-d', '-z', '--name-only', revision, '--'];
  await git('folders that a folder has', ...tree, 'sub/');
  await git('folders of a folder that is not there', ...tree, 'nope/');
  await git('all files', 'archive', '--format=tar', `--output=${folder}/all.tar`, revision);
  await git('all files of no commit', 'archive', '--format=tar', `--output=${folder}/all.tar`, '0'.repeat(40));
  await check(['mkdir', '-p', `${folder}/unpacked`]);
  const unpack = ['tar', '--extract', '--no-same-owner', `--file=${folder}/all.tar`, `--directory=${folder}/unpacked`];
  await recorder.here('unpacked', unpack);
  await git('changes', 'status', '--porcelain=v1', '-z', '--no-renames');
  await git('where it is', ...locate);
  await at('where a folder in it is', `${repo}/sub`, ...locate);
  await git('fetch', 'fetch', '--all', '--quiet');
  await check(['mv', `${folder}/origin`, `${folder}/moved`]);
  await git('fetch from what is not there', 'fetch', '--all', '--quiet');
  await git(
    'files of a folder',
    'ls-files',
    '-z',
    '--cached',
    '--others',
    '--exclude-standard',
    '--full-name',
    '--',
    'sub',
  );
  await git('files of a commit', 'ls-tree', '-r', '-z', '--name-only', '--full-tree', revision, '--', 'sub');
  const staged = ['ls-files', '-z', '--cached', '--full-name', '--', 'sub'];
  await git('files of a folder that the next commit has', ...staged);
  const differing = ['diff', '-z', '--name-only', '--no-renames', '--no-ext-diff', '--'];
  await git('files that are not as the next commit has them', ...differing, '.');
  await git('a file as the next commit has it', 'cat-file', 'blob', ':runbook.yaml');
  await git('a file that the next commit has not', 'cat-file', 'blob', ':nope');
  await git('what changed a file', 'log', '--format=%H %cI', '--max-count=50', '--', 'runbook.yaml');
  await at('no repository', '/', ...locate);
  await at('no folder', '/nowhere', ...locate);
  await recordCommits(recorder, folder, revision);
}

/** As the product makes and pushes them, past the work tree. */
async function recordCommits(recorder: Recorder, folder: string, revision: string): Promise<void> {
  const repo = `${folder}/clone`;
  const own = {
    LC_ALL: 'C',
    GIT_TERMINAL_PROMPT: '0',
    GIT_SSH_COMMAND: 'ssh -o BatchMode=yes',
    ...(Object.fromEntries(
      ['AUTHOR', 'COMMITTER'].flatMap((who) => [
        [`GIT_${who}_NAME`, 'runbook'],
        [`GIT_${who}_EMAIL`, 'runbook@localhost'],
      ]),
    ) as Record<string, string>),
    GIT_INDEX_FILE: `${folder}/index`,
  };
  const git = async (
    note: string,
    argv: string[],
    options: { input?: string; varies?: string } = {},
  ): Promise<string> => {
    const answer = await recorder.here(note, ['git', '-C', repo, ...argv], { env: own, ...options });
    return answer.stdout.trim();
  };
  await check(['mv', `${folder}/moved`, `${folder}/origin`]);
  await check(['git', '-C', `${folder}/origin`, 'config', 'core.bare', 'true']);
  const push = (commit: string, ...options: string[]): string[] => [
    'push',
    '--quiet',
    ...options,
    '--',
    'origin',
    `${commit}:refs/heads/main`,
  ];
  await git('an index of a commit', ['read-tree', revision]);
  const blob = await git('a new file', ['hash-object', '-w', '--stdin'], { input: 'new\n' });
  await git('put into the index', ['update-index', '--add', '--cacheinfo', `100644,${blob},sub/file`]);
  const tree = await git('a tree of it', ['write-tree']);
  const commit = ['commit-tree', tree, '-p', revision, '-F', '-'];
  const varies = { varies: 'the time of a commit is in its id' };
  const made = await git('a commit of it', commit, { input: 'secrets of edge\n', ...varies });
  await git('kept by a reference', ['update-ref', 'refs/runbook/run/cut', made]);
  await git('the branch of the remote', ['ls-remote', '--exit-code', '--', 'origin', 'refs/heads/main']);
  await git('no such branch there', ['ls-remote', '--exit-code', '--', 'origin', 'refs/heads/nope']);
  await git('no such remote', ['ls-remote', '--exit-code', '--', 'nope', 'refs/heads/main']);
  await git('whether it would be taken', push(made, '--dry-run'));
  const hook = `${folder}/origin/.git/hooks/pre-receive`;
  await mkdir(`${folder}/origin/.git/hooks`, { recursive: true });
  await writeFile(hook, '#!/bin/sh\necho "only by merge request"\nexit 1\n', { mode: 0o755 });
  await git('a push that a hook refuses', push(made), { varies: 'it names the commit' });
  await rm(hook);
  await git('pushed', push(made));
  await git('pushed again', push(made));
  const those = (text: string): string[] => [
    ...['log', '-z', '--fixed-strings', `--grep=${text}`, '--format=%H%n%P%n%B', `${revision}..${made}`, '--'],
  ];
  await git('commits that name a run', those('secrets of edge'), { varies: 'it names the commit' });
  await git('no commit that names another one', those('secrets of home'));
  await git('commits up to one that is not there', [
    ...['log', '-z', '--fixed-strings', '--grep=x', '--format=%H%n%P%n%B', `${revision}..${'0'.repeat(40)}`, '--'],
  ]);
  const other = await git('another commit', commit, { input: 'meanwhile\n', ...varies });
  await git('a push of what is not on top', push(other), { varies: 'it names the commit' });
  const strange = await unknownCommit(folder);
  await git('a push where somebody else has pushed', push(made), { varies: `it names ${strange}` });
  await git('a push to no remote', ['push', '--quiet', '--', 'nope', `${made}:refs/heads/main`]);
  await git('the reference goes', ['update-ref', '-d', 'refs/runbook/run/cut']);
  await git('it is gone already', ['update-ref', '-d', 'refs/runbook/run/cut']);
}

/** Made by another clone, and pushed. */
async function unknownCommit(folder: string): Promise<string> {
  const clone = `${folder}/another`;
  await check(['git', 'clone', '-q', `${folder}/origin`, clone]);
  const git = ['git', '-C', clone, '-c', 'user.name=lab', '-c', 'user.email=lab@localhost'];
  await check([...git, 'commit', '-q', '--allow-empty', '-m', 'elsewhere']);
  await check([...git, 'push', '-q', 'origin', 'HEAD:main']);
  return 'the commit';
}

/** With a file that is new and one that has changed; its origin is a folder beside it. */
async function cloneWithOneCommit(folder: string, repo: string): Promise<string> {
  const origin = `${folder}/origin`;
  await mkdir(`${origin}/sub/inner`, { recursive: true });
  for (const file of ['runbook.yaml', 'sub/file', 'sub/inner/file'])
    await writeFile(`${origin}/${file}`, 'version: 1\n');
  const git = ['git', '-C', origin];
  await check([...git, 'init', '-q', '-b', 'main']);
  await check([...git, 'add', '-A']);
  await check([...git, '-c', 'user.name=lab', '-c', 'user.email=lab@localhost', 'commit', '-q', '-m', 'first']);
  await check(['git', 'clone', '-q', origin, repo]);
  await writeFile(`${repo}/new`, '');
  await writeFile(`${repo}/runbook.yaml`, 'version: 2\n');
  return (await check([...git, 'rev-parse', 'HEAD'])).trim();
}
