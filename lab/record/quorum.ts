import { until } from '../shell.ts';
import { MEMBERS } from './incus-commands.ts';
import type { Recorder } from './recorder.ts';

const SHOW = ['incus', 'admin', 'cluster', 'show'];
const RECOVER = ['incus', 'admin', 'cluster', '--', 'recover-from-quorum-loss', '--quiet'];
const START_UP = ['systemctl', 'start', '--no-block', '--', 'incus-startup.service'];
const INSTANCES = ['pgrep', '-f', '-a', '^(\\[lxc monitor\\] |[^ ]*qemu-system-)'];
const KILL = ['systemctl', 'kill', '--kill-whom=main', '--signal=KILL', '--', 'incus.service'];
const stop = (...units: string[]): string[] => ['systemctl', 'stop', '--', ...units];
const UNITS = [
  ...['systemctl', 'show', '--property=LoadState,ActiveState,SubState,Result', '--'],
  ...['incus.service', 'incus.socket'],
];
const DATABASE = '/var/lib/incus/database';
const FOLDER = '/var/lib/runbook/set-aside/run-1';
const PART = `${FOLDER}/database.part`;

/** Of three members two are gone, and `n1` carries their database on, as quorum-recover does it. */
export async function recordQuorum(recorder: Recorder): Promise<void> {
  // What was recorded before it has left another cluster.
  await recorder.lab.reset();
  const on = (note: string, argv: string[], varies?: string): Promise<unknown> =>
    recorder.on('n1', note, argv, varies === undefined ? {} : { varies });
  await on('the database, with a leader', SHOW, 'how long its log is');
  await on('instances, by their processes', INSTANCES, 'which processes they are');
  await recorder.powerOff('n2', 'n3');
  await until('the loss of quorum', async () => {
    const { exitCode } = await recorder.run('n1', MEMBERS, { timeoutMs: 3000 });
    return exitCode === 124 ? { value: undefined } : { not: 'n1 still answers' };
  });
  await on('the database, without a leader', SHOW, 'how long its log is');
  await on('recover while the daemon runs', RECOVER);
  await on('its daemon is killed', KILL);
  await on('its service is to stop', ['systemctl', 'stop', '--no-block', '--', 'incus.service']);
  await on('killed again', KILL, 'whether systemd has noticed');
  await on('its service is stopped', stop('incus.service'), 'what systemd says of its socket besides');
  await on('its socket is stopped', stop('incus.socket'));
  await on('the units of what is stopped', UNITS, 'how the service ended');
  await on('members of what is stopped', MEMBERS);
  await on('instances run on', INSTANCES, 'which processes they are');
  await recordCopy(recorder);
  await on('recover', RECOVER);
  await on('recover again', RECOVER);
  await on('the database, recovered', SHOW, 'how long its log is');
  await on('start', ['systemctl', 'start', '--no-block', '--', 'incus.socket', 'incus.service']);
  await recorder.settled('n1', 'members', MEMBERS, ({ stdout }) => /"status": ?"Online"/.test(stdout));
  await on('start of what ended with the socket', START_UP);
  await on('start of a unit that is not there', ['systemctl', 'start', '--no-block', '--', 'incus-nope.service']);
  await on('the database, with the new leader', SHOW, 'how long its log is');
  await on('instances, the same', INSTANCES, 'which processes they are');
}

async function recordCopy(recorder: Recorder): Promise<void> {
  const on = (note: string, argv: string[]): Promise<unknown> => recorder.on('n1', note, argv);
  await on('a folder for the copy', ['mkdir', '-p', '-m', '700', FOLDER]);
  await on('nothing in it', ['rm', '-rf', '--', PART]);
  await on('the copy', ['cp', '-a', '--no-target-directory', DATABASE, PART]);
  await on('the copy is whole', ['mv', '--no-target-directory', PART, `${FOLDER}/database`]);
  await on('what is in the folder', ['find', FOLDER, '-mindepth', '1', '-maxdepth', '1', '-printf', '%f\\n']);
}
