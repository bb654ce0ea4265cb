import { chmod, readdir, stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { execa } from 'execa';
import type { Pin } from './pins.ts';

/** Long enough for 50 MB over a slow line; without a network it fails in less than a second. */
const TIMEOUT_MS = 180_000;

/**
 * The SDK downloads the program when it starts a server, and can be neither bounded nor cancelled there:
 * so it does it in a process of its own. argv: module, kind of server, folder, version.
 */
const REASON = 'Not downloaded: ';
const SCRIPT = `
const REASON = '${REASON}';
const [module, type, downloadDir, version] = process.argv.slice(1);
const { TestWorkflowEnvironment } = (await import(module)).default;
const server = { executable: { type: 'cached-download', downloadDir, version } };
const create = type === 'dev-server' ? 'createLocal' : 'createTimeSkipping';
try {
  await (await TestWorkflowEnvironment[create]({ server })).teardown();
} catch (error) {
  process.stderr.write('\\n' + REASON + error.message);
  process.exitCode = 1;
}
`;

/** Downloads `pin` into `folder` (which is empty) and gives the program's path. Throws with the reason. */
export async function downloadThroughSdk(pin: Pin, folder: string, signal?: AbortSignal): Promise<string> {
  const testing = createRequire(import.meta.url).resolve('@temporalio/testing');
  const argv = ['--input-type=module', '--eval', SCRIPT, testing, pin.sdkServer, folder, `v${pin.version}`];
  const { failed, shortMessage, stderr, timedOut } = await execa(process.execPath, argv, {
    reject: false,
    timeout: TIMEOUT_MS,
    stdin: 'ignore',
    // What the test runner tells its own Node.js is not meant for this one.
    env: { NODE_OPTIONS: '' },
    ...(signal && { cancelSignal: signal }),
  });
  signal?.throwIfAborted();
  if (timedOut) throw new Error(`not done after ${TIMEOUT_MS / 1000} s`);
  if (failed) throw new Error(stderr.split(REASON)[1]?.slice(0, 400) ?? shortMessage);
  const program = await largestFile(folder);
  await chmod(program, 0o755);
  return program;
}

async function largestFile(folder: string): Promise<string> {
  const paths = (await readdir(folder)).map((name) => join(folder, name));
  const files = await Promise.all(paths.map(async (path) => ({ path, size: (await stat(path)).size })));
  const largest = files.sort((a, b) => b.size - a.size)[0];
  if (!largest) throw new Error('the SDK left no file');
  return largest.path;
}
