import type { Check } from '../../plan/checks.ts';
import type { CommandContext } from '../context.ts';
import type { Ending } from '../exit-codes.ts';
import { colourOf, print, printJson, widthOf } from '../io.ts';
import { renderChecks } from '../render/checks.ts';
import { checkHere, type Here } from '../doctor/here.ts';

/**
 * Looks at everything that a run needs, from here to the hosts, and says the remedy of what is missing.
 * Ends as the first link that is broken: Temporal, a worker, anything else.
 */
export async function doctor(context: CommandContext, options: { node?: string; json?: true }): Promise<Ending> {
  const { io } = context;
  const here = await checkHere(context, options.node);
  const { checks, ending } = await checkRest(context, here, options.node);
  const all = [...here.checks, ...checks];
  if (options.json === true) for (const check of all) printJson(io, check);
  else print(io, renderChecks(all, { width: widthOf(io), colour: colourOf(io), now: io.now() }));
  return ending;
}

async function checkRest(
  context: CommandContext,
  here: Here,
  node: string | undefined,
): Promise<{ checks: Check[]; ending: Ending }> {
  const { checkTemporal } = await import('../doctor/temporal.ts');
  const { checks, ending } = await checkTemporal(context, here.revision, node);
  const anyFailed = [...here.checks, ...checks].some(({ verdict }) => verdict === 'failed');
  return { checks, ending: ending ?? (anyFailed ? 'failed' : 'done') };
}
