import { execFileSync } from 'node:child_process';
import {
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { createInterface } from 'node:readline';
import { WORKER, type Command, type RunProgram } from './core/call.ts';
import { CONNECTION_FAULTS, isSpent, type Moment } from './core/faults.ts';
import { createRunner, type Tools } from './core/runner.ts';
import type { State } from './core/state.ts';
import { openStore, type Store } from './core/store.ts';
import { isStream } from './hosts/zfs-replication.ts';
import { handOverScript, type HandOver } from './hand-over.ts';

/**
 * Answers the simulated programs from one process, because starting Node.js for each of them takes most of the time. What
 * is asked comes over named pipes from a small shell script (shims.ts). All state stays on disk: when this process is gone,
 * each program runs in a process of its own again, as it does whenever a fault could strike it.
 */
const GARBAGE_MS = 5_000;

/** Programs that live long or are killed on purpose, and so must be processes. */
export const PROCESSES = ['deploy', 'activate-rs', 'deploy-rs-activate', 'switch-to-configuration'];

export async function serve(dir: string, tools: Tools): Promise<never> {
  const store = openStore(dir);
  const calls = join(dir, 'calls');
  mkdirSync(calls, { recursive: true });
  const pipe = join(calls, 'requests');
  if (!existsSync(pipe)) execFileSync('mkfifo', [pipe]);
  // Open for both, so that it has no end when nobody asks.
  const requests: FileHandle = await open(pipe, 'r+');
  writeFileSync(join(calls, 'server'), `${process.pid}\n`);
  setInterval(() => {
    if (!existsSync(join(dir, 'state.json'))) process.exit(0);
    removeGarbage(calls);
  }, GARBAGE_MS);
  for await (const line of createInterface({ input: requests.createReadStream() }))
    void answer(store, tools, join(calls, line));
  throw new Error('The pipe of requests has ended.');
}

async function answer(store: Store, tools: Tools, id: string): Promise<void> {
  try {
    const [machine = '', self = '', cwd = '', ...args] = readFileSync(`${id}.q`, 'utf8').split('\0').slice(0, -1);
    reply(
      id,
      readsInput(basename(self), args) || mayStrike(store.read(), { machine, tool: basename(self), args })
        ? 'alone'
        : await run(store, tools, id, { machine, argv: [self, ...args], cwd }),
    );
  } catch (error) {
    writeFileSync(`${id}.e`, `simulator: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    reply(id, '70 e');
  }
}

/** The exit code and which of the two outputs there are, or that a script goes on. */
async function run(store: Store, tools: Tools, id: string, command: Command): Promise<string> {
  const text = { o: '', e: '' };
  let handOver: HandOver | undefined;
  const hand: RunProgram = (path, { argv, env = {}, cwd }, root, { remote } = { remote: false }) => {
    handOver = { path, argv, env, root, remote, cwd: cwd ?? join(root, 'root') };
    return Promise.resolve(0);
  };
  const exitCode = await createRunner(
    store,
    tools,
    hand,
  )({
    ...command,
    out: (more) => (text.o += more),
    err: (more) => (text.e += more),
  });
  if (handOver) {
    writeFileSync(`${id}.s`, handOverScript(handOver));
    return 'script';
  }
  const streams = (['o', 'e'] as const).filter((stream) => text[stream] !== '');
  for (const stream of streams) writeFileSync(`${id}.${stream}`, text[stream]);
  return `${exitCode} ${streams.join('')}`;
}

/** What is on the asker's standard input, only a process of the asker's can read; and what is piped, only write bit by bit. */
function readsInput(tool: string, args: readonly string[]): boolean {
  if (tool === 'age') return args[0] !== '--version';
  if (tool === 'zfs') return isStream(args);
  return tool === 'incus' && args[0] === 'admin' && args[1] === 'init';
}

/**
 * A fault must find a process of its own, which can be killed where it stands. It may strike further inside:
 * `incus exec edge-vm -- podman pull …` runs podman in the guest.
 */
function mayStrike(state: State, { machine, tool, args }: Pick<Moment, 'machine' | 'tool' | 'args'>): boolean {
  return state.faults.some((fault) => {
    if (isSpent(fault)) return false;
    if (machine === WORKER && tool === 'ssh' && CONNECTION_FAULTS.some((type) => type === fault.effect.type))
      return true;
    const at = fault.machine ?? machine;
    const isHere = at === machine && (fault.tool ?? tool) === tool;
    const isInside =
      (at === machine || args.includes(at)) &&
      (fault.tool === undefined || args.some((word) => basename(word) === fault.tool));
    return (isHere || isInside) && (fault.args === undefined || new RegExp(fault.args).test(args.join(' ')));
  });
}

/** Nobody waits where the asker was killed meanwhile. */
function reply(id: string, text: string): void {
  try {
    const fd = openSync(`${id}.r`, constants.O_WRONLY | constants.O_NONBLOCK);
    writeSync(fd, `${text}\n`);
    closeSync(fd);
  } catch (error) {
    if (!['ENXIO', 'ENOENT', 'EPIPE'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  }
}

/** The files of those that have ended. */
function removeGarbage(calls: string): void {
  for (const name of readdirSync(calls)) {
    const pid = /^(\d+)\.[a-z]$/.exec(name)?.[1];
    if (pid !== undefined && !existsSync(`/proc/${pid}`)) rmSync(join(calls, name), { force: true });
  }
}
