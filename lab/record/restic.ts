import type { Recorder } from './recorder.ts';

/** On the host that the backups are read from. The simulation has no restic. */
export async function recordRestic(recorder: Recorder): Promise<void> {
  const run = (...argv: string[]): Promise<unknown> => recorder.run('n3', argv);
  await run('sh', '-c', 'echo secret >/root/password; echo other >/root/other; echo text >/root/file');
  const repository = ['--repo=/root/repository', '--password-file=/root/password'];
  await run('restic', 'init', ...repository);
  const snapshots = (note: string, ...more: string[]): Promise<unknown> =>
    recorder.on('n3', note, ['restic', 'snapshots', '--json', '--latest', '1', '--no-lock', ...more]);
  await snapshots('no snapshots', ...repository);
  await run('restic', 'backup', ...repository, '--tag=home', '/root/file');
  await snapshots('a snapshot', ...repository);
  await snapshots('by tag and path', ...repository, '--tag=home', '--path=/root/file');
  await snapshots('none with that tag', ...repository, '--tag=nope');
  const backup = ['restic', 'backup', '--json', '--stdin', '--stdin-filename', 'one', '--host=n1'];
  await recorder.on('n3', 'a file from memory', [...backup, ...repository, '--tag=memory'], {
    varies: 'how far it tells it is',
    input: 'text\n',
  });
  const all = ['restic', 'snapshots', '--json', '--no-lock', ...repository, '--tag=memory'];
  const { stdout } = await recorder.on('n3', 'every snapshot of a tag', all);
  const [{ id }] = JSON.parse(stdout) as [{ id: string }];
  const dump = ['restic', 'dump', '--no-lock', ...repository, '--tag=memory', id, '/one'];
  await recorder.on('n3', 'its file', ['bash', '-c', 'set -o pipefail; "$@" | base64 --wrap=0', 'bash', ...dump]);
  await snapshots('no repository', '--repo=/root/nope', '--password-file=/root/password');
  await snapshots('wrong password', '--repo=/root/repository', '--password-file=/root/other');
  await snapshots('no password', '--repo=/root/repository', '--password-file=/root/nope');
}
