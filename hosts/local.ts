import type { Host } from './host.ts';
import { createJobs } from './jobs.ts';
import { type HostLogger, SILENT } from './logger.ts';
import { runProcess } from './process.ts';
import { putFile } from './put-file.ts';
import { resultOf } from './run-error.ts';

export interface LocalHostSettings {
  /** Default `local`. */
  name?: string;
  /** Folder of the jobs; made when the first one starts. */
  stateDir: string;
  /** Added to the environment of every command. */
  env?: Readonly<Record<string, string>>;
  logger?: HostLogger;
}

/**
 * This machine. Its jobs are detached processes that survive this one; where it runs as a systemd service, the unit
 * needs `KillMode=process`, or systemd ends them with it.
 */
export function createLocalHost({ name = 'local', stateDir, env, logger = SILENT }: LocalHostSettings): Host {
  const run: Host['run'] = async (argv, options) => {
    const all = { ...options, env: { ...env, ...options.env }, host: name, logger };
    return resultOf(await runProcess(argv, all), name, argv, options);
  };
  return {
    name,
    run,
    putFile: (path, content, options) => putFile({ name, run }, path, content, options),
    jobs: createJobs({ name, run }, { stateDir, launcher: 'process', logger }),
    close: () => Promise.resolve(),
  };
}
