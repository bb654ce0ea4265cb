import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { ROOT } from './paths.ts';

/** Options of jest that leave out the suites on virtual hosts. */
export const WITHOUT_VMS = ['--testPathIgnorePatterns', '/test/lab/vms/'];

/** Runs jest on test/lab; `args` are its own. Resolves with its exit code. */
export function testLab(args: readonly string[]): Promise<number> {
  const jest = join(ROOT, 'node_modules', 'jest', 'bin', 'jest.js');
  const config = join(ROOT, 'test', 'lab', 'jest.config.mjs');
  const node = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning', jest, '--config', config];
  const child = spawn(process.execPath, [...node, ...args], { stdio: 'inherit', cwd: ROOT });
  return new Promise((resolve) =>
    child.on('close', (code) => {
      resolve(code ?? 1);
    }),
  );
}
