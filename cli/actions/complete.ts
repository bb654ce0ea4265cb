import type { CommandUnknownOpts as Command } from '@commander-js/extra-typings';
import { candidatesFor } from '../completion/candidates.ts';
import type { CommandContext } from '../context.ts';
import type { Ending } from '../exit-codes.ts';
import { print } from '../io.ts';
import { clean } from '../render/clean.ts';

/** A shell waits for these names while a person's finger is on the key. */
const PATIENCE_MS = 1000;

/** Prints what may follow, one per line: the word, a tab, what it is. Says nothing where names cannot be had. */
export async function complete(context: CommandContext, root: Command, words: readonly string[]): Promise<Ending> {
  const found = await candidatesFor(root, words, {
    nodes: () => orNone(nodeNames(context)),
    schedules: () => orNone(scheduleNames(context)),
    runs: () => orNone(runIds(context)),
  });
  print(
    context.io,
    found.map(({ value, description }) => `${value}\t${clean(description)}`),
  );
  return 'done';
}

const orNone = (names: Promise<string[]>): Promise<string[]> => names.catch(() => []);

async function nodeNames(context: CommandContext): Promise<string[]> {
  const { readFleetFile } = await import('../repository.ts');
  const { parsed } = await readFleetFile(context);
  return parsed.type === 'fleet' ? [...Object.keys(parsed.fleet.members), ...Object.keys(parsed.fleet.guests)] : [];
}

async function scheduleNames(context: CommandContext): Promise<string[]> {
  const { readFleetFile } = await import('../repository.ts');
  const { parsed } = await readFleetFile(context);
  return parsed.type === 'fleet' ? Object.keys(parsed.fleet.schedules) : [];
}

async function runIds(context: CommandContext): Promise<string[]> {
  const { open } = await import('../temporal/session.ts');
  const { listRuns } = await import('../temporal/list-runs.ts');
  const connected = await open(context.io, PATIENCE_MS);
  try {
    const runs = await listRuns(connected, { limit: 100 });
    return [...new Set(runs.map(({ workflowId }) => workflowId))];
  } finally {
    await connected.close();
  }
}
