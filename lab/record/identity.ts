import { isCommand } from './entry.ts';
import type { Recorder } from './recorder.ts';

const ROOT = '/var/lib/runbook/identities';
const NAME = '20261127T021400Z-runbook-20261127-0214-3f9c.tar.age';
const HERE = '/root/age';
const DECRYPT = `set -o pipefail
command -v age >/dev/null || exit 127
age --decrypt --identity "$1" | base64 --wrap=0`;
const ARCHIVE = `set -o pipefail
umask 077
command -v age >/dev/null || exit 127
cd /var/lib/incus || exit 1
tar --create --format=ustar --owner=0 --group=0 --numeric-owner cluster.crt server.crt "$1" |
age --encrypt --recipient "$2" | base64 --wrap=0 || exit $?`;
const GONE = 'command -v nope >/dev/null || exit 127';
const BUSY = 'exit 75';

const VARYING = /^(?:encrypted|archived|read back|one is kept|its content)/;
/** The keys are others each time. */
const withoutKeys = (word: string): string =>
  word.replaceAll(/age1[0-9a-z]{58}/g, 'age1…').replaceAll(/(ssh-(?:ed25519|rsa)) AAAA\S+/g, '$1 …');

/** What age says, and the small programs by which copies of an identity are made, kept and unpacked. Their keys are made here and kept by nobody. */
export async function recordIdentity(recorder: Recorder): Promise<void> {
  const on = (note: string, argv: string[], input?: string): ReturnType<Recorder['on']> =>
    recorder.on('n3', note, argv, {
      ...(input === undefined ? {} : { input }),
      ...(VARYING.test(note) ? { varies: 'each encryption is another one' } : {}),
    });
  const { stdout: recipient } = await recorder.run('n3', [
    ...[
      'sh',
      '-c',
      `mkdir -p ${HERE}; cd ${HERE}; age-keygen -o own 2>/dev/null; age-keygen -o other 2>/dev/null; age-keygen -y own`,
    ],
  ]);
  const to = recipient.trim();
  const prepared = `cd ${HERE}; echo text | age --encrypt --recipient ${to} >whole; head -c 60 whole >no-header; head -c -5 whole >cut; sed 's/^--- A/--- B/;t;s/^--- ./--- A/' whole >altered; echo text >none`;
  await recorder.run('n3', ['sh', '-c', prepared]);
  const decrypt = (note: string, file: string, key = 'own'): Promise<unknown> =>
    on(note, [
      'sh',
      '-c',
      'exec <"$1"; shift; exec "$@"',
      'sh',
      `${HERE}/${file}`,
      'bash',
      '-c',
      DECRYPT,
      'bash',
      `${HERE}/${key}`,
    ]);
  await on('version', ['age', '--version']);
  await on('encrypted', ['age', '--encrypt', '--recipient', to], 'text\n');
  await on('encrypted to two', ['age', '--encrypt', '--recipient', to, '--recipient', to], 'text\n');
  for (const kind of ['ed25519', 'rsa']) {
    const key = `${HERE}/${kind}`;
    await recorder.run('n3', ['ssh-keygen', '-q', '-t', kind, '-N', '', '-C', '', '-f', key]);
    const { stdout: line } = await recorder.run('n3', ['cat', `${key}.pub`]);
    await on(`encrypted to ssh-${kind}`, ['age', '--encrypt', '--recipient', line.trim()], 'text\n');
  }
  await on('no recipient', ['age', '--encrypt', '--recipient', 'age1qyqszqgp'], 'text\n');
  await on('no private key there', ['age', '--decrypt', '--identity', `${HERE}/nope`], 'text\n');
  await decrypt('decrypted', 'whole');
  await decrypt('a key of nobody it was made for', 'whole', 'other');
  await decrypt('no such key', 'whole', 'nope');
  await decrypt('its header is cut off', 'no-header');
  await decrypt('it is cut off', 'cut');
  await decrypt('its header was altered', 'altered');
  await decrypt('no file of age', 'none');
  await on('archived', ['bash', '-c', ARCHIVE, 'bash', 'database/local.db', to]);
  await on('archived without a file', ['bash', '-c', ARCHIVE, 'bash', 'database/nope', to]);
  await on('archived to nobody', ['bash', '-c', ARCHIVE, 'bash', 'server.crt', 'age1qyqszqgp']);
  await on('without age', ['bash', '-c', GONE]);
  await on('a database that is written', ['bash', '-c', BUSY]);

  const list = ['find', ROOT, '-mindepth', '2', '-maxdepth', '2', '-type', 'f', '-name', '*.tar.age'];
  const sums = [...list, '-exec', 'sha256sum', '--', '{}', '+'];
  const names = ['find', `${ROOT}/n1`, '-mindepth', '1', '-maxdepth', '1', '-printf', '%f\\n'];
  await recorder.run('n3', ['rm', '-rf', ROOT]);
  await on('nothing is kept', sums);
  await on('nothing of one member', names);
  await on('folders', ['install', '-d', '-m', '700', '--', ROOT, `${ROOT}/n1`]);
  await on('none of them', sums);
  await recorder.run('n3', ['cp', `${HERE}/whole`, `${ROOT}/n1/${NAME}.part`]);
  await on('on the disk', ['sync', '--', `${ROOT}/n1/${NAME}.part`]);
  await on('renamed', ['mv', '--no-target-directory', '--', `${ROOT}/n1/${NAME}.part`, `${ROOT}/n1/${NAME}`]);
  await on('the name on the disk', ['sync', '--', `${ROOT}/n1`]);
  await on('read back', ['sha256sum', '--', `${ROOT}/n1/${NAME}`]);
  await on('one is kept', sums);
  await on('names of one member', names);
  await on('its content', ['base64', '--wrap=0', '--', `${ROOT}/n1/${NAME}`]);
  await on('no such content', ['base64', '--wrap=0', '--', `${ROOT}/n1/nope`]);
  await on('removed', ['rm', '-f', '--', `${ROOT}/n1/${NAME}`]);
  const folder = '/var/lib/runbook/identity-runbook-20261127-0214-3f9c';
  await on('nothing to unpack over', ['rm', '-rf', '--', folder]);
  await on('a folder to unpack into', ['install', '-d', '-m', '700', '--', folder]);
  await on('unpacked', ['tar', '--extract', '--no-same-owner', `--directory=${folder}`], '\0'.repeat(1024));
  for (const entry of recorder.entries) if (isCommand(entry)) entry.argv = entry.argv.map(withoutKeys);
}
