import { existsSync, renameSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { basename, join } from 'node:path';
import { WORKER, type Command, type RunProgram } from './core/call.ts';
import { CONNECTION_FAULTS, isSpent, type Moment } from './core/faults.ts';
import { createRunner, type Tools } from './core/runner.ts';
import type { State } from './core/state.ts';
import { openStore, type Store } from './core/store.ts';
import { isStream } from './hosts/zfs-replication.ts';
import { handOverScript, type HandOver } from './hand-over.ts';

/**
 * Answers the simulated programs from one process, because starting Node.js for each of them takes most of the time. What
 * is asked comes over a socket from a small shell script (shims.ts). All state stays on disk: when this process is gone,
 * each program runs in a process of its own again, as it does whenever a fault could strike it.
 */
const LOOK_EVERY_MS = 5_000;

/** The file that says where it listens. */
export const PORT = 'server.port';

/** Programs that live long, are killed on purpose, or read their environment, and so must be processes. */
export const PROCESSES = [
  'deploy',
  'activate-rs',
  'deploy-rs-activate',
  'switch-to-configuration',
  'sops',
  'terraform',
  'tofu',
];

export async function serve(dir: string, tools: Tools): Promise<void> {
  const store = openStore(dir);
  const server = createServer((socket) => {
    // Whoever asked may be killed meanwhile.
    socket.on('error', () => undefined);
    onAsked(socket, (words) => void answer(store, tools, words).then((reply) => socket.end(reply)));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const path = join(dir, PORT);
  writeFileSync(`${path}.new`, `${(server.address() as AddressInfo).port}\n`);
  renameSync(`${path}.new`, path);
  setInterval(() => {
    if (!existsSync(join(dir, 'state.json'))) process.exit(0);
  }, LOOK_EVERY_MS);
}

/** The question begins with how many arguments there are, after the four words that always are. */
function onAsked(socket: Socket, then: (words: string[]) => void): void {
  const chunks: Buffer[] = [];
  socket.on('data', (chunk) => {
    chunks.push(chunk);
    const [count, ...words] = Buffer.concat(chunks).toString().split('\0').slice(0, -1);
    if (words.length === Number(count) + 4) then(words);
  });
}

async function answer(store: Store, tools: Tools, words: readonly string[]): Promise<string> {
  const [dir, machine = '', self = '', cwd = '', ...args] = words;
  // Another simulation's, whose port this was before.
  if (dir !== store.dir) return replyOf('alone');
  try {
    return needsAsker(basename(self), args) || mayStrike(store.read(), { machine, tool: basename(self), args })
      ? replyOf('alone')
      : await run(store, tools, { machine, argv: [self, ...args], cwd });
  } catch (error) {
    return replyOf('70', {
      err: `simulator: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
    });
  }
}

/** A line with how many bytes follow of each output, and then these. */
function replyOf(exitCode: string, { err = '', out = '' } = {}): string {
  return `${exitCode} ${Buffer.byteLength(err)} ${Buffer.byteLength(out)}\n${err}${out}`;
}

/** The exit code and the two outputs, or the script by which the asker goes on. */
async function run(store: Store, tools: Tools, command: Command): Promise<string> {
  const text = { out: '', err: '' };
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
    out: (more) => (text.out += more),
    err: (more) => (text.err += more),
  });
  return handOver ? replyOf('script', { out: handOverScript(handOver) }) : replyOf(String(exitCode), text);
}

/** What of git has its index or its author in its environment. */
const MAKES_COMMITS = /^(?:read-tree|hash-object|update-index|write-tree|commit-tree)$/;

/**
 * What is on the asker's standard input or in its environment, only a process of the asker's can read; and what is piped, only
 * write bit by bit.
 */
function needsAsker(tool: string, args: readonly string[]): boolean {
  if (tool === 'git') return MAKES_COMMITS.test(args[2] ?? '');
  if (tool === 'age') return args[0] !== '--version';
  if (tool === 'zfs') return isStream(args);
  // What is dumped may be no text.
  if (tool === 'restic') return args[0] === 'dump' || args.includes('--stdin');
  return tool === 'incus' && /^(?:admin init|cluster edit|storage volume edit|config edit|init) /.test(args.join(' '));
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
