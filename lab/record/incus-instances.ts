import { exec, start, state, stop } from './incus-commands.ts';
import type { Recorder } from './recorder.ts';

const EARLY = 'whether the guest’s systemd listens already is a matter of milliseconds';

export async function recordInstances(recorder: Recorder): Promise<void> {
  const on = (note: string, argv: string[], options: { varies?: string } = {}): Promise<unknown> =>
    recorder.on('n1', note, argv, options);
  await on('exec: 0', exec('g3', 'echo', 'hello'));
  await on('exec: its own exit code', exec('g3', 'sh', '-c', 'echo out; echo err >&2; exit 3'));
  await on('exec: its own exit code 1', exec('g3', 'false'));
  await on('exec: not executable', exec('g3', '/etc/hosts'));
  await on('exec: not found', exec('g3', '/nope'));
  await on('exec: not found on the path', exec('g3', 'nope'));
  await on('exec: ended by a signal', exec('g3', 'sh', '-c', 'kill -9 $$'));
  await on('exec: missing instance', exec('nope', 'true'));
  const variable = exec('g3', 'sh', '-c', 'echo "$GREETING"');
  await on('exec: with a variable', [...variable.slice(0, 5), '--env=GREETING=hello there', ...variable.slice(5)]);
  await on('start of a running one', start('g3'));
  await on('state of a running one', state('g3'));
  await on('stop', stop('g3'));
  await on('stop of a stopped one', stop('g3'));
  await on('state of a stopped one', state('g3'));
  await on('exec in a stopped one', exec('g3', 'true'));
  await on('start', start('g3'));
  await Promise.all([
    on('stop just after a start: its systemd does not listen yet', stop('g3', 5), { varies: EARLY }),
    later(500, () => on('start while it is being stopped', start('g3'), { varies: EARLY })),
  ]);
  await on('stopped for certain', stop('g3', 30, true), { varies: 'either of the two may have been the last' });
  await on('start again', start('g3'));
  await recorder.lab.online();
  await Promise.all([
    on('exec: the guest goes down meanwhile', exec('g3', 'sleep', '60')),
    later(1000, () => on('forced stop', stop('g3', 30, true))),
  ]);
  await on('start after it', start('g3'));
  await recorder.lab.online();
  await recorder.on('g3', 'reboot from inside', ['systemctl', 'reboot', '--no-wall']);
  await recorder.lab.online();
  await recorder.run('n1', ['incus', 'pause', 'g3']);
  await on('stop of a frozen one', stop('g3', 2));
  // Thawed, it may still shut down by itself.
  for (const verb of ['resume', 'stop --force', 'start']) await recorder.run('n1', ['incus', ...verb.split(' '), 'g3']);
  await recorder.lab.online();
  await on('start of a missing one', start('nope'));
  await on('stop of a missing one', stop('nope'));
}

async function later<T>(ms: number, act: () => Promise<T>): Promise<T> {
  await new Promise((resolve) => setTimeout(resolve, ms));
  return act();
}
