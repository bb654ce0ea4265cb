import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type ServerHttp2Stream } from 'node:http2';
import { chmod, cp, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { crc32 } from 'node:zlib';

/** Before what V8 compiled stands a checksum in eight bytes. */
const HEAD = 8;
const BUILT = fileURLToPath(new URL('../../dist/cli', import.meta.url));
const NO_RUNS = 'no run is open · no worker polls · nothing needs you\n  runbook worker\n';

/** Answers every question of the command line with an empty message. */
const server = createServer().on('stream', (stream: ServerHttp2Stream) => {
  stream.on('wantTrailers', () => {
    stream.sendTrailers({ 'grpc-status': '0' });
  });
  stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
  stream.end(Buffer.alloc(5));
});

let folder: string;
let help: string;
const copy = (): string => join(folder, 'cli');
const parts = (): string => join(copy(), 'parts');

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'runbook-parts-'));
  await once(server.listen(0, '127.0.0.1'), 'listening');
});
beforeEach(async () => {
  await rm(copy(), { recursive: true, force: true });
  await cp(BUILT, copy(), { recursive: true });
  help = (await run(['--help'])).out;
});
afterAll(async () => {
  server.close();
  await rm(folder, { recursive: true });
});

async function run(argv: string[], flags: string[] = []): Promise<{ code: unknown; out: string; err: string }> {
  return runNode([...flags, join(copy(), 'main.js'), ...argv]);
}

async function runNode(argv: string[]): Promise<{ code: unknown; out: string; err: string }> {
  const { port } = server.address() as AddressInfo;
  const child = spawn(process.execPath, argv, {
    cwd: folder,
    env: { HOME: folder, TEMPORAL_ADDRESS: `127.0.0.1:${port}` },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [out, err] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
  return { code: code ?? signal, out, err };
}

async function changeCaches(change: (kept: Buffer, text: Buffer) => Buffer): Promise<void> {
  const caches = (await readdir(parts())).filter((name) => name.endsWith('.cache'));
  expect(caches.length).toBeGreaterThan(10);
  for (const name of caches) {
    const path = join(parts(), name);
    const text = await readFile(path.replace(/[.]cache$/, ''));
    await writeFile(path, change(await readFile(path), text));
  }
}

async function expectRightAnswers(flags: string[] = []): Promise<void> {
  expect(await run(['--help'], flags)).toEqual({ code: 0, out: help, err: '' });
  expect(await run(['status'], flags)).toEqual({ code: 0, out: NO_RUNS, err: '' });
}

/** The names of the parts that a command loads, and whether V8 took what it had compiled of them. */
async function partsLoadedBy(command: string): Promise<[name: string, rejected: boolean | undefined][]> {
  const program = JSON.stringify(join(copy(), 'main.js'));
  const script = `process.argv[1] = ${program}; const parts = require(${program});
    process.on('exit', () => console.error(JSON.stringify([...parts].map(([n, p]) => [n, p.script.cachedDataRejected]))));`;
  const { err } = await runNode(['-e', script, '-', command]);
  return JSON.parse(err) as [string, boolean | undefined][];
}

describe('what V8 compiled when the command line was built', () => {
  it.each(['--help', 'status'])('is taken as it is: %s', async (command) => {
    const loaded = await partsLoadedBy(command);
    expect(loaded.length).toBeGreaterThan(command === 'status' ? 15 : 4);
    expect(loaded.filter(([, rejected]) => rejected !== false)).toEqual([]);
  });

  it.each<[string, (kept: Buffer, text: Buffer) => Buffer]>([
    ['is empty', () => Buffer.alloc(0)],
    ['has a beginning only', (kept) => kept.subarray(0, 6)],
    ['is cut in half', (kept) => kept.subarray(0, kept.length / 2)],
    ['has one bit that fell over', (kept) => withByte(kept, kept.length >> 1, (byte) => byte ^ 4)],
    ['is of another text', (kept) => sealed(kept.subarray(HEAD), Buffer.from('another text'))],
    // V8's own head: four bytes that say what it is, four that say of which version of V8.
    ['is of another V8', (kept, text) => sealed(withByte(kept, HEAD + 4, (byte) => byte ^ 1).subarray(HEAD), text)],
  ])('is passed over where it %s', async (_what, change) => {
    await changeCaches(change);
    await expectRightAnswers();
    const loaded = await partsLoadedBy('--help');
    expect(loaded.filter(([, rejected]) => rejected === false)).toEqual([]);
  });

  it('is passed over by a Node.js with other flags', () => expectRightAnswers(['--no-opt']));

  it('is not needed', async () => {
    for (const name of await readdir(parts())) if (name.endsWith('.cache')) await rm(join(parts(), name));
    await expectRightAnswers();
  });

  it('never stands in for a text that was changed', async () => {
    const path = join(parts(), 'main.js');
    const text = await readFile(path, 'latin1');
    await writeFile(path, text.replace('Durable upgrades', 'Endless upgrades'), 'latin1');
    expect((await run(['--help'])).out).toBe(help.replace('Durable upgrades', 'Endless upgrades'));
  });
});

describe('a folder that nobody may write to', () => {
  it('is left as it is, and the answers are right', async () => {
    await rm(join(parts(), 'main.js.cache'));
    for (const path of [copy(), parts()]) await chmod(path, 0o555);
    const before = await stateOf(parts());
    try {
      await expectRightAnswers();
      expect(await stateOf(parts())).toEqual(before);
    } finally {
      for (const path of [copy(), parts()]) await chmod(path, 0o755);
    }
  });
});

/** Names, sizes and times: root may write in spite of permissions. */
async function stateOf(path: string): Promise<[string, number, number][]> {
  const names = (await readdir(path)).sort();
  return Promise.all(
    names.map(async (name) => {
      const { size, mtimeMs } = await stat(join(path, name));
      return [name, size, mtimeMs] as [string, number, number];
    }),
  );
}

function withByte(bytes: Buffer, at: number, change: (byte: number) => number): Buffer {
  const changed = Buffer.from(bytes);
  changed.writeUInt8(change(changed.readUInt8(at)), at);
  return changed;
}

/** With the checksum that the program expects of it and `text`. */
function sealed(compiled: Buffer, text: Buffer): Buffer {
  const head = Buffer.alloc(HEAD);
  head.writeUInt32LE(crc32(compiled, crc32(text)));
  return Buffer.concat([head, compiled]);
}
