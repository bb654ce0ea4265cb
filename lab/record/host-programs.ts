import { NOBODY } from './addresses.ts';
import type { Recorder } from './recorder.ts';

const ACTIVATIONS =
  'activate-rs.* (activate|wait|revoke) |bin/activate (activate|wait|revoke) |switch-to-configuration (switch|boot|test)';
const LOCK = '/run/nixos/switch-to-configuration.lock';

export const BLOCK_DEVICES = [
  ...['lsblk', '--json', '--tree', '--bytes', '--output'],
  'NAME,PATH,TYPE,FSTYPE,LABEL,PARTLABEL,MODEL,SERIAL,WWN,SIZE',
];

/** The small programs that a host is looked at with. */
export async function recordHostPrograms(recorder: Recorder): Promise<void> {
  const on = (note: string, argv: string[]): Promise<unknown> => recorder.on('n3', note, argv);
  const lock = ['flock', '--nonblock', '--conflict-exit-code', '75', LOCK, 'true'];
  await on('nothing at all', ['true']);
  await on('as whom', ['id', '-u']);
  await on('nix', ['nix-env', '--version']);
  await on('boot id', ['cat', '/proc/sys/kernel/random/boot_id']);
  await on('machine id', ['cat', '/etc/machine-id']);
  await on('clock', ['date', '+%s.%N']);
  await on('disks', ['df', '-Pk', '--', '/', '/tmp']);
  await on('a disk that is not there', ['df', '-Pk', '--', '/nowhere']);
  await on('links that lead nowhere', ['readlink', '-m', '--', '/nix/nope', '/run/current-system/nope']);
  await on('a device', ['readlink', '-e', '--', '/dev/null']);
  await on('a device that is not there', ['readlink', '-e', '--', '/dev/disk/by-id/nope']);
  await on('what it runs', ['cat', '/etc/os-release']);
  const varies = 'which there are: those of the machine that the lab is on';
  await recorder.on('n3', 'block devices', BLOCK_DEVICES, { varies });
  await on('no canaries', ['find', '/tmp', '-maxdepth', '1', '-name', 'deploy-rs-c*']);
  await on('no folder for canaries', ['find', '/nowhere', '-maxdepth', '1', '-name', 'deploy-rs-c*']);
  await on('no activation', ['pgrep', '-f', '-a', ACTIVATIONS]);
  await recorder.run('n3', ['rm', '-rf', '/run/nixos']);
  await on('the folder of the lock is not there', lock);
  await on('a folder for it', ['mkdir', '/run/nixos']);
  await on('the lock is free', lock);
  const holder = ['flock', LOCK, 'sh', '-c', 'sleep 600; true', 'switch-to-configuration switch'];
  await on('somebody takes it', ['systemd-run', '--quiet', '--unit=holder', '--service-type=exec', '--', ...holder]);
  await recorder.settled('n3', 'the lock is held', lock, ({ exitCode }) => exitCode === 75);
  await on('an activation', ['pgrep', '-f', '-a', ACTIVATIONS]);
  await on('somebody is stopped', ['systemctl', 'stop', 'holder']);
}

export async function recordProbes(recorder: Recorder): Promise<void> {
  const on = (note: string, argv: string[]): Promise<unknown> => recorder.on('g1', note, argv);
  const curl = (url: string): string[] => [
    ...['curl', '--silent', '--show-error', '--max-time', '2', '--proto', '=http,https'],
    ...['--write-out', '\n%{http_code}', '--url', url],
  ];
  const connect = (host: string, port: string): string[] => [
    ...['bash', '-c', 'exec 3<>"/dev/tcp/$1/$2"', 'bash', host, port],
  ];
  const within = (...words: string[]): string[] => ['timeout', '-k', '5', '1', ...words];
  await on('a command within its time', within('true'));
  await on('one that fails', within('false'));
  await on('one that takes longer', within('sleep', '30'));
  await on('one that is not there', within('no-such-program'));
  await on('a page', curl('http://localhost:8081/cgi-bin/health'));
  await on('no such page', curl('http://localhost:8081/nope'));
  await on('a port where nobody listens', curl('http://localhost:9/'));
  await on('no such host', curl('http://nowhere.invalid/'));
  await on('an address where nobody is', curl(`http://${NOBODY(recorder.lab)}/`));
  await on('another protocol', curl('ftp://localhost/'));
  await on('a connection', connect('localhost', '8081'));
  await on('a connection that is refused', connect('localhost', '9'));
  await on('a connection to no such host', connect('nowhere.invalid', '80'));
}
