import { runCli } from './cli.ts';
import { openStore } from './core/store.ts';
import { runChild } from './core/program.ts';
import { createRunner } from './core/runner.ts';
import { rebootMachine } from './hosts/reboot.ts';
import { serve } from './server.ts';
import { TOOLS } from './tools.ts';

/**
 * `at DIR MACHINE PROGRAM ARGS…` is how a simulated machine's programs start this (see shims.ts); everything else is the
 * command line for people. `serve DIR` answers those
 * programs faster; `reboot DIR MACHINE` outlives the machine that it reboots.
 */
async function main(args: readonly string[]): Promise<number> {
  const [verb, dir, machine, ...argv] = args;
  if (verb === 'reboot' && dir !== undefined && machine !== undefined) return rebootMachine(openStore(dir), machine);
  if (verb === 'serve' && dir !== undefined) {
    await serve(dir, TOOLS);
    return 0;
  }
  if (verb !== 'at' || dir === undefined || machine === undefined) return runCli(args);
  const env = Object.fromEntries(
    Object.entries(process.env).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])),
  );
  return createRunner(openStore(dir), TOOLS, runChild)({ machine, argv, env, cwd: process.cwd() });
}

process.exitCode = await main(process.argv.slice(2));
