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
  await snapshots('no repository', '--repo=/root/nope', '--password-file=/root/password');
  await snapshots('wrong password', '--repo=/root/repository', '--password-file=/root/other');
  await snapshots('no password', '--repo=/root/repository', '--password-file=/root/nope');
}
