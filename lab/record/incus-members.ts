import { until } from '../shell.ts';
import { exec, EXPIRY, MEMBERS, query, send, start, state } from './incus-commands.ts';
import type { Recorder } from './recorder.ts';

const POOL = '/1.0/storage-pools/local';
const RACE = 'which of two that were asked for at once comes first, and how far it is by then';
const WHICH = 'it waits ten seconds for a connection and says that there is none, or says at once that it isn’t ready';
const WAY_DOWN = 'how far the daemon of the other member is on its way down or up';

const evacuate = (name: string): string[] => ['incus', 'cluster', 'evacuate', name, '--action', 'stop', '--force'];
const restore = (name: string): string[] => ['incus', 'cluster', 'restore', name, '--force'];
const waitReady = (seconds: number): string[] => ['incus', 'admin', 'waitready', `--timeout=${seconds}`];

export async function recordMembers(recorder: Recorder): Promise<void> {
  const on = (note: string, argv: string[], varies?: string): Promise<unknown> =>
    recorder.on('n1', note, argv, varies === undefined ? {} : { varies });
  await on('evacuate', evacuate('n3'));
  await on('evacuated', MEMBERS);
  await on('its instance is stopped', state('g3'));
  await on('evacuate again', evacuate('n3'));
  await on('start of an instance there', start('g3'));
  await on('restore', restore('n3'));
  await on('restored', MEMBERS);
  await on('its instance runs again', state('g3'));
  await on('restore again', restore('n3'));
  await on('evacuate of a missing one', evacuate('nope'));
  await on('restore of a missing one', restore('nope'));
  await recorder.lab.online();
  await Promise.all([
    on('evacuate, asked for twice at once', evacuate('n3'), RACE),
    soon(() => on('evacuate, the other one', evacuate('n3'), RACE)),
  ]);
  await on('restore after it', restore('n3'));
  await recorder.lab.online();
  await recordStoppedDaemon(recorder);
  await recordOffline(recorder);
  await recordLostQuorum(recorder);
}

/** When what was asked for is under way. */
async function soon<T>(act: () => Promise<T>): Promise<T> {
  await new Promise((resolve) => setTimeout(resolve, 500));
  return act();
}

async function recordStoppedDaemon(recorder: Recorder): Promise<void> {
  const on = (note: string, argv: string[]): Promise<unknown> => recorder.on('n2', note, argv);
  await recorder.run('n2', ['systemctl', 'stop', 'incus.socket']);
  await on('its daemon is stopped', ['systemctl', 'stop', 'incus.service']);
  await on('members, without a daemon', MEMBERS);
  await on('not ready', waitReady(1));
  await recorder.run('n2', ['systemctl', 'start', 'incus.socket']);
  await on('its daemon is started', ['systemctl', 'start', 'incus.service']);
  await on('ready again', waitReady(30));
  await recorder.lab.online();
}

async function recordOffline(recorder: Recorder): Promise<void> {
  const on = (note: string, argv: string[], varies?: string): Promise<unknown> =>
    recorder.on('n1', note, argv, varies === undefined ? {} : { varies });
  await recorder.powerOff('n3');
  await on('just after n3 lost power: still Online', MEMBERS, 'how soon it is missed');
  await recorder.lab.memberIs('n3', 'Offline');
  await on('n3 is Offline', MEMBERS);
  await on('its instances are in Error', query('/1.0/instances?recursion=1&all-projects=true'));
  const g3 = '/1.0/instances/g3';
  const snapshots = `${g3}/snapshots`;
  const asked: [string, string[]][] = [
    ['exec in one of them', exec('g3', 'true')],
    ['state of one of them', state('g3')],
    ['start of one of them', start('g3')],
    ['snapshot of one of them', send('POST', `${snapshots}?project=default`, { name: 'x', expires_at: EXPIRY })],
    ['restore of one of them', send('PUT', `${g3}?project=default`, { restore: 'x' })],
    ['snapshots of one of them', query(`${snapshots}?recursion=1&project=default`)],
    ['evacuate of an offline one', evacuate('n3')],
    ['space of an offline one', query(`${POOL}/resources?target=n3`)],
    ['pool of an offline one', query(`${POOL}?target=n3`)],
  ];
  await Promise.all(asked.map(([note, argv]) => on(`${note}, at first`, argv, WHICH)));
  for (const [note, argv] of asked) await on(note, argv, WHICH);
  const elsewhere = '/1.0/instances/g1/snapshots';
  const body = { name: 'while-offline', expires_at: EXPIRY };
  await on('a snapshot elsewhere still works', send('POST', `${elsewhere}?project=default`, body));
  await on('and its removal', send('DELETE', `${elsewhere}/while-offline?project=default`));
}

async function recordLostQuorum(recorder: Recorder): Promise<void> {
  const hangs = (note: string, argv: string[]): Promise<unknown> => recorder.on('n1', note, argv, { timeoutMs: 5000 });
  await recorder.powerOff('n2');
  await until('the loss of quorum', async () => {
    const { exitCode } = await recorder.run('n1', MEMBERS, { timeoutMs: 3000 });
    return exitCode === 124 ? { value: undefined } : { not: 'n1 still answers' };
  });
  await Promise.all([
    hangs('without quorum: members', MEMBERS),
    hangs('without quorum: of the server', query('/1.0')),
    hangs('without quorum: exec', exec('g1', 'true')),
  ]);
  await recorder.powerOn('n2', 'n3');
  await recorder.on('n1', 'all online again', MEMBERS, { varies: WAY_DOWN });
}
