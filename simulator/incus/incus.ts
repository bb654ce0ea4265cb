import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { readOptions, splitCommand } from '../core/arguments.ts';
import { ToolError, Unknown, type Call, type Tool } from '../core/call.ts';
import { hang } from '../core/faults.ts';
import { intoRoot, outOfRoot } from '../core/paths.ts';
import { machineOf } from '../core/store.ts';
import type { State } from '../core/state.ts';
import { databaseOnDisk } from './database-on-disk.ts';
import { evacuateMember, restoreMember } from './evacuation.ts';
import { editVolume } from './edit-volume.ts';
import { setInstanceState } from './instance-routes.ts';
import { addMember, join as joinCluster } from './joining.ts';
import { deleteInstance, launch } from './launch.ts';
import { editMember } from './member-routes.ts';
import { removeMember } from './leaving.ts';
import { deletePool } from './pools.ts';
import { query } from './query.ts';
import { editInstance, init } from './recreating.ts';
import { seenBy } from './servers.ts';
import { sql } from './sql.ts';
import { hasQuorum, instanceStatus, instanceView, isDaemonUp, memberView, waitsForOthers } from './view.ts';

const COMMANDS: Readonly<Record<string, Tool>> = {
  query,
  exec,
  list,
  start: changeState,
  stop: changeState,
  restart: changeState,
  launch,
  init,
  'config edit': editInstance,
  delete: deleteInstance,
  'admin init': joinCluster,
  'admin sql': sql,
  'storage delete': deletePool,
  'storage volume': editVolume,
  'cluster add': addMember,
  'cluster edit': editMember,
  'cluster remove': removeMember,
  'cluster list': clusterList,
  'cluster evacuate': evacuate,
  'cluster restore': restore,
};

/** The `incus` client on a member, talking to that member's daemon. */
export async function incus(call: Call): Promise<number> {
  const [verb = '', second = ''] = call.args;
  if (verb === 'admin' && second === 'waitready') return waitReady(call);
  // It reads and writes files, and asks no daemon.
  if (verb === 'admin' && second === 'cluster') return databaseOnDisk(call);
  const isServerItself = verb === 'query' && call.args.at(-1) === '/1.0';
  await untilAnswered(call, isServerItself);
  const name = ['cluster', 'admin', 'storage', 'config'].includes(verb) ? `${verb} ${second}` : verb;
  const run = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (!run) throw new Unknown(`unknown command incus ${verb} ${second}`);
  return run(call);
}

/**
 * A daemon that is down says so; one without quorum, or waiting for others to be upgraded, never answers. Without quorum
 * it still tells of itself.
 */
async function untilAnswered({ store, machine }: Call, isServerItself: boolean): Promise<void> {
  const state = seenBy(store.read(), machine);
  if (!isDaemonUp(state, machine))
    throw new ToolError(
      `Error: The incus daemon doesn't appear to be started (socket path: /var/lib/incus/unix.socket)`,
    );
  if (isStuck(state, machine) || (!hasQuorum(state) && !isServerItself) || waitsForOthers(state, machine)) await hang();
}

/** A join was cut in the middle of it. */
function isStuck(state: State, machine: string): boolean {
  return machineOf(state, machine).incus?.join === 'stuck';
}

async function waitReady({ store, machine, args, err }: Call): Promise<number> {
  const asked = readOptions(args.slice(2), { values: ['timeout'], short: { t: 'timeout' } });
  const seconds = Number(asked.value('timeout') ?? 0);
  const end = Date.now() + seconds * 1000;
  for (;;) {
    const state = seenBy(store.read(), machine);
    if (isDaemonUp(state, machine) && !isStuck(state, machine) && hasQuorum(state) && !waitsForOthers(state, machine))
      return 0;
    if (seconds > 0 && Date.now() >= end) break;
    await sleep(100);
  }
  const why = 'Get "http://unix.socket/1.0": dial unix /var/lib/incus/unix.socket: connect: connection refused';
  err(`Error: Daemon still not running after ${seconds}s timeout (${why})\n`);
  return 1;
}

function clusterList({ store, machine, args, out }: Call): number {
  const asked = readOptions(args.slice(2), { values: ['format'], short: { f: 'format' } });
  if (asked.value('format') !== 'json') throw new Unknown('expected -f json');
  const state = seenBy(store.read(), machine);
  if (Object.keys(state.cluster.members).length === 0) throw new ToolError("Error: Server isn't part of a cluster");
  out(`${JSON.stringify(Object.keys(state.cluster.members).map((name) => memberView(state, name)))}\n`);
  return 0;
}

/** `incus list -f json [NAME]`. */
function list({ store, machine, args, out }: Call): number {
  const asked = readOptions(args.slice(1), { flags: ['all-projects'], values: ['format'], short: { f: 'format' } });
  if (asked.value('format') !== 'json') throw new Unknown('expected -f json');
  const [name] = asked.positionals;
  const state = seenBy(store.read(), machine);
  const found = Object.values(state.cluster.instances).filter(
    (instance) => name === undefined || instance.name === name,
  );
  out(`${JSON.stringify(found.map((instance) => instanceView(state, instance)))}\n`);
  return 0;
}

/** `incus start|stop|restart NAME`. */
async function changeState(call: Call): Promise<number> {
  const asked = readOptions(call.args.slice(1), { flags: ['force'] });
  const [name = ''] = asked.positionals;
  await call.update((state) => {
    setInstanceState(call.store, state, name, call.args[0] ?? '');
  });
  return 0;
}

async function evacuate(call: Call): Promise<number> {
  const asked = readOptions(call.args.slice(2), { flags: ['force'], values: ['action'] });
  if (asked.value('action') !== 'stop' || !asked.has('force')) throw new Unknown('expected --action stop --force');
  const [name = ''] = asked.positionals;
  await call.update((state) => {
    evacuateMember(call.store, state, name);
  });
  await sleep(300 * call.store.read().pace);
  return 0;
}

async function restore(call: Call): Promise<number> {
  const asked = readOptions(call.args.slice(2), { flags: ['force'] });
  if (!asked.has('force')) throw new Unknown('expected --force');
  const [name = ''] = asked.positionals;
  await call.update((state) => {
    restoreMember(call.store, state, name);
  });
  await sleep(100 * call.store.read().pace);
  return 0;
}

/** Runs a command inside a guest, among the guest's own files. */
async function exec(call: Call): Promise<number> {
  const { options, command } = splitExec(call.args.slice(1));
  const asked = readOptions(options, {
    flags: ['disable-stdin', 'force-noninteractive'],
    values: ['project', 'cwd', 'env', 'mode', 'user'],
    short: { T: 'force-noninteractive', n: 'disable-stdin' },
  });
  const [name = ''] = asked.positionals;
  const state = call.store.read();
  const instance = state.cluster.instances[name];
  if (instance?.project !== (asked.value('project') ?? 'default')) throw new ToolError('Error: Instance not found');
  const { status } = instanceStatus(state, instance);
  if (status === 'Error') throw new ToolError('Error: Missing event connection with target cluster member');
  if (status !== 'Running')
    throw new ToolError(
      instance.type === 'virtual-machine'
        ? `Error: VM agent isn't currently running`
        : 'Error: Instance is not running',
    );
  const root = call.store.root(name);
  const argv = command.map((word) => intoRoot(outOfRoot(word, call.root), root));
  const [program = ''] = argv;
  checkProgram(program.includes('/') ? program : join(root, 'bin', program));
  const env = Object.fromEntries(
    asked.all('env').map((text) => [text.slice(0, text.indexOf('=')), text.slice(text.indexOf('=') + 1)]),
  );
  const cwd = asked.value('cwd');
  return call.exec({
    machine: name,
    argv,
    env,
    ...(cwd === undefined ? {} : { cwd: intoRoot(outOfRoot(cwd, call.root), root) }),
  });
}

/** Throws as Incus does where the guest cannot start it. */
function checkProgram(path: string): void {
  if (!existsSync(path)) throw new ToolError('Error: Command not found', 127);
  if ((statSync(path).mode & 0o111) === 0) throw new ToolError('Error: Command not executable', 126);
}

/** Options may stand on both sides of the name; the command follows `--`, or is the second word. */
function splitExec(args: readonly string[]): { options: string[]; command: string[] } {
  const valued = ['--project', '--cwd', '--env', '--mode', '--user'];
  const first = splitCommand(args, valued);
  const [name = '', ...rest] = first.command;
  const second = splitCommand(rest, valued);
  return { options: [...first.options, name, ...second.options], command: second.command };
}
