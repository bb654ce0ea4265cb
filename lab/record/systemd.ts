import type { Recorder } from './recorder.ts';

const FAILED = ['systemctl', 'list-units', '--failed', '--output=json'];
const show = (...units: string[]): string[] => [
  ...['systemctl', 'show', '--property=LoadState,ActiveState,SubState,Result', '--'],
  ...units,
];
const subState = (unit: string): string[] => ['systemctl', 'show', '-p', 'SubState', unit];
/** As a job of the product is started. */
const start = (unit: string, ...argv: string[]): string[] => [
  ...['systemd-run', '--quiet', `--unit=${unit}.service`, '--service-type=exec', '-p', 'RemainAfterExit=yes'],
  ...['-p', 'KillMode=mixed', '-p', 'TimeoutStopSec=30', '-p', 'RuntimeMaxSec=600'],
  ...['--setenv=PATH=/usr/bin:/bin', '--setenv=HOME=/root', '--', ...argv],
];

export async function recordSystemd(recorder: Recorder): Promise<void> {
  const on = (note: string, argv: string[]): Promise<unknown> => recorder.on('g1', note, argv);
  await on('nothing failed', FAILED);
  await on('running', ['systemctl', 'is-system-running']);
  await on('a running unit', show('web.service'));
  await on('no such unit', show('nope.service'));
  await on('several at once', show('web.service', 'nope.service', 'lab-app.service'));
  await recordJobs(recorder);
  await recordFailingUnits(recorder);
  await on('restart', ['systemctl', 'restart', '--', 'lab-app.service']);
  await on('restart of none', ['systemctl', 'restart', '--', 'nope.service']);
  await on('restart without waiting', ['systemctl', 'restart', '--no-block', '--', 'lab-app.service']);
  await on('restart of none without waiting', ['systemctl', 'restart', '--no-block', '--', 'nope.service']);
  await on('kill of none', ['systemctl', 'kill', '--', 'nope.service']);
  await recorder.on('n1', 'on a host: nothing failed', FAILED);
  await recorder.on('n1', 'on a host', ['systemctl', 'is-system-running']);
  await recorder.on('n1', 'on a host: Incus', show('incus.service'));
}

async function recordJobs(recorder: Recorder): Promise<void> {
  const on = (note: string, argv: string[]): Promise<unknown> => recorder.on('g1', note, argv);
  const settled = (note: string, argv: string[], state: string): Promise<void> =>
    recorder.settled('g1', note, argv, ({ stdout }) => stdout.includes(`SubState=${state}`));
  await on('start a job', start('job-1', 'sleep', '600'));
  await on('while it runs', subState('job-1.service'));
  await on('start it again: the name is taken', start('job-1', 'sleep', '600'));
  await on('stop', ['systemctl', 'stop', 'job-1.service']);
  await on('gone', subState('job-1.service'));
  await on('stop of what is gone', ['systemctl', 'stop', 'job-1.service']);
  await on('a job that succeeds', start('job-2', 'true'));
  await settled('exited', subState('job-2.service'), 'exited');
  await on('start it again', start('job-2', 'true'));
  await on('freed by stop', ['systemctl', 'stop', 'job-2.service']);
  await on('a job that fails', start('job-3', 'sh', '-c', 'echo bad >&2; exit 7'));
  await settled('failed', show('job-3.service'), 'failed');
  await on('start it again', start('job-3', 'true'));
  await on('one failed', FAILED);
  await on('degraded', ['systemctl', 'is-system-running']);
  await on('stop of a failed one leaves it', ['systemctl', 'stop', 'job-3.service']);
  await on('still failed', subState('job-3.service'));
  await on('freed by reset-failed', ['systemctl', 'reset-failed', 'job-3.service']);
  await on('reset-failed again', ['systemctl', 'reset-failed', 'job-3.service']);
  await on('a program that is not there', start('job-4', '/nope'));
  await on('after it', show('job-4.service'));
  // systemd makes one dollar sign of two.
  await on('a job ended by a signal', start('job-5', 'sh', '-c', 'kill -9 $$$$'));
  await settled('killed', show('job-5.service'), 'failed');
  await on('freed', ['systemctl', 'reset-failed', 'job-5.service']);
}

/** Units of files, which the simulation has none of. */
async function recordFailingUnits(recorder: Recorder): Promise<void> {
  const on = (note: string, argv: string[]): Promise<unknown> => recorder.on('g1', note, argv);
  const units = '/run/systemd/system';
  const fails = '[Service]\nType=oneshot\nExecStart=/bin/false\n';
  const needs = '[Unit]\nRequires=fails.service\nAfter=fails.service\n[Service]\nExecStart=/bin/sleep 600\n';
  await recorder.run('g1', ['sh', '-c', `cat >${units}/fails.service`], { input: fails });
  await recorder.run('g1', ['sh', '-c', `cat >${units}/needs.service`], { input: needs });
  await on('units are read again', ['systemctl', 'daemon-reload']);
  await on('restart of one that fails', ['systemctl', 'restart', '--', 'fails.service']);
  await on('restart of one that needs it', ['systemctl', 'restart', '--', 'needs.service']);
  await on('freed by name', ['systemctl', 'reset-failed', 'fails.service']);
}
