import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { main } from '../../cli/program.ts';
import { testIo, type TestIo, type TestIoOptions } from '../cli/io.ts';
import { startLocalServer } from './environment.ts';
import { procedureRepository, procedureWorker } from './procedure-worker.ts';

/** A server, a worker that polls, a monorepo, and the command line standing in it. */
export interface CliServer {
  env: TestWorkflowEnvironment;
  repository: string;
  /** The commit of the monorepo. */
  revision: string;
  /** Lets the step that `retries` fails at succeed. */
  mend: () => void;
  io: (options?: TestIoOptions) => TestIo;
  /** Runs a command to its end. */
  run: (argv: string[], options?: TestIoOptions) => Promise<{ code: number; out: string; err: string }>;
  stop: () => Promise<void>;
}

export async function startCliServer(): Promise<CliServer> {
  const env = await startLocalServer();
  const repository = await procedureRepository();
  const { worker, mend } = await procedureWorker(env);
  const running = worker.run();
  const io = (options: TestIoOptions = {}): TestIo =>
    testIo({ cwd: repository.path, ...options, env: { TEMPORAL_ADDRESS: env.address, ...options.env } });
  return {
    env,
    repository: repository.path,
    revision: repository.revision,
    mend,
    io,
    run: async (argv, options) => {
      const mine = io(options);
      const code = await main(argv, mine);
      return { code, out: mine.out(), err: mine.err() };
    },
    stop: async () => {
      worker.shutdown();
      await running;
      await env.teardown();
      await repository.remove();
    },
  };
}
