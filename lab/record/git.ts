import { mkdir, writeFile } from 'node:fs/promises';
import { check } from '../shell.ts';
import type { Recorder } from './recorder.ts';

/** As the product calls it. */
const ENV = { LC_ALL: 'C', GIT_TERMINAL_PROMPT: '0', GIT_SSH_COMMAND: 'ssh -o BatchMode=yes', GIT_OPTIONAL_LOCKS: '0' };

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
  await at('no repository', '/', ...locate);
  await at('no folder', '/nowhere', ...locate);
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
