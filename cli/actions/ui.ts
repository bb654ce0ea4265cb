import type { CommandContext } from '../context.ts';
import { CliError } from '../errors.ts';
import type { Ending } from '../exit-codes.ts';
import { print } from '../io.ts';
import { parseRun, type RunOptions } from '../run-argument.ts';
import { runReader } from '../temporal/read-run.ts';
import { withTemporal } from '../temporal/session.ts';
import { runAddress } from '../temporal/web-ui.ts';

/** Prints a run's page in the Web UI, and opens it on request. */
export function ui(context: CommandContext, typed: string, options: RunOptions & { open?: true }): Promise<Ending> {
  const ref = parseRun(typed, options);
  return withTemporal(context, async (connected) => {
    const { workflowId, runId } = await runReader(connected, ref)();
    const address = runAddress(connected, { workflowId, runId });
    if (address === undefined)
      throw new CliError('wrong config', `Nobody said where the Web UI of ${connected.address} is.`, {
        suggestions: [{ command: `RUNBOOK_UI=http://host:8233 runbook ui ${typed}`, purpose: 'say it' }],
      });
    print(context.io, [address]);
    if (options.open === true) {
      const { openAddress } = await import('../../workers/open-address.ts');
      await openAddress(address);
    }
    return 'done';
  });
}
