import { execFile } from 'node:child_process';
import type { Simulation } from '../../simulator/create.ts';

export interface Ran {
  exitCode: number;
  stdout: string;
  stderr: string;
}

/** Runs a program of the worker's, with nothing on its input unless it is given. Ended after the time: exit code 124. */
export function runOnWorker(
  { binDir }: Simulation,
  argv: readonly string[],
  timeoutMs = 30_000,
  input = '',
): Promise<Ran> {
  const [program = '', ...args] = argv;
  const env = { ...process.env, PATH: `${binDir}:${process.env['PATH'] ?? ''}` };
  return new Promise((resolve) => {
    const options = { env, timeout: timeoutMs, killSignal: 'SIGKILL' as const };
    // The shell is real here too.
    const file = program === 'sh' ? program : `${binDir}/${program}`;
    const child = execFile(file, args, options, (error, stdout, stderr) => {
      const exitCode = child.exitCode ?? (error ? 124 : 0);
      resolve({ exitCode, stdout, stderr });
    });
    // It may have ended without reading.
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(input);
  });
}

/** Runs a command on a member or guest, over the simulated ssh. */
export function runOn(
  simulation: Simulation,
  machine: string,
  argv: readonly string[],
  timeoutMs?: number,
  input?: string,
): Promise<Ran> {
  const command = argv.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ');
  return runOnWorker(
    simulation,
    ['ssh', '-o', 'StrictHostKeyChecking=no', `root@${machine}`, command],
    timeoutMs,
    input,
  );
}

/** deploy-rs for a node of the repository's newest revision. */
export function deploy(simulation: Simulation, node: string, flags: readonly string[] = []): Promise<Ran> {
  const flake = `git+file://${simulation.repoDir}?rev=${simulation.revision()}#${node}.system`;
  const options = ['--ssh-opts', '-o StrictHostKeyChecking=no', '--confirm-timeout', '1', '--activation-timeout', '10'];
  return runOnWorker(simulation, ['deploy', '--skip-checks', ...options, ...flags, flake]);
}

/** What a host says of its systems: generations with `*` at the current one, and whether profile and running one agree. */
export async function systemsOf(
  simulation: Simulation,
  machine: string,
): Promise<{ generations: string; profile: string; running: string }> {
  const listed = await runOn(simulation, machine, [
    'nix-env',
    '-p',
    '/nix/var/nix/profiles/system',
    '--list-generations',
  ]);
  const generations = listed.stdout
    .trim()
    .split('\n')
    .map((line) => `${line.trim().split(/\s+/)[0] ?? ''}${line.includes('(current)') ? '*' : ''}`)
    .join(' ');
  const read = await runOn(simulation, machine, [
    'readlink',
    '-f',
    '/nix/var/nix/profiles/system',
    '/run/current-system',
  ]);
  const [profile = '', running = ''] = read.stdout.split('\n').map((path) => path.split('-').at(-1) ?? '');
  return { generations, profile, running };
}
