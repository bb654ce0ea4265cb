import { HostError, type RunOptions, type RunResult } from './host.ts';
import type { ProcessEnd } from './process.ts';
import { displayArgv } from './quote.ts';

/** The result of a command that ran through. @throws {HostError} where it did not. */
export function resultOf(end: ProcessEnd, host: string, argv: readonly string[], options: RunOptions): RunResult {
  const command = displayArgv(argv);
  switch (end.type) {
    case 'exited':
      return end.result;
    case 'not run':
      throw new HostError('NotRun', host, `Could not start ${command} on ${host}: ${end.reason}`);
    case 'timed out':
      throw new HostError('TimedOut', host, `${command} on ${host} did not end within ${options.timeoutMs} ms.`, end);
    case 'interrupted':
      throw new HostError('Interrupted', host, `${command} on ${host} was interrupted from outside.`, end);
    case 'cancelled':
      throw new HostError('Cancelled', host, `${command} on ${host} was cancelled.`, end);
  }
}
