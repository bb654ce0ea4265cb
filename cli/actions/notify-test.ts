import { renderDiagnostics } from '../../fleet/diagnostic.ts';
import type { Fleet } from '../../fleet/schema.ts';
import type { CommandContext } from '../context.ts';
import { CliError } from '../errors.ts';
import type { Ending } from '../exit-codes.ts';
import { colourOf, print, printJson, widthOf } from '../io.ts';
import { renderTestSent } from '../render/notify.ts';
import { countProblems, diagnosticsWidth, readFleetFile } from '../repository.ts';

/** Sends a test message on each channel, or on one, and says what was answered. Reads the work tree; asks no server of ours. */
export async function notifyTest(
  context: CommandContext,
  { channel, json }: { channel?: string; json?: true },
): Promise<Ending> {
  const { io } = context;
  const fleet = await readFleetOnDisk(context);
  const names = channelsOf(fleet, channel);
  const { sendTest } = await import('../../workers/notify/send-test.ts');
  const sent = await sendTest(fleet, names);
  if (json === true) for (const each of sent) printJson(io, each);
  else print(io, renderTestSent(sent, { width: widthOf(io), colour: colourOf(io) }));
  return sent.every(({ type }) => type === 'sent') ? 'done' : 'failed';
}

async function readFleetOnDisk(context: CommandContext): Promise<Fleet> {
  const { io } = context;
  const { text, parsed } = await readFleetFile(context);
  if (parsed.type === 'fleet') return parsed.fleet;
  const shown = { color: colourOf(io, io.stderr), width: diagnosticsWidth(io, io.stderr) };
  io.stderr.write(`${renderDiagnostics(parsed.diagnostics, text, shown)}\n`);
  throw new CliError('wrong config', countProblems(parsed.diagnostics));
}

function channelsOf({ notifications }: Fleet, wanted: string | undefined): string[] {
  const names = Object.keys(notifications.channels);
  if (names.length === 0)
    throw new CliError('wrong config', 'runbook.yaml has no channel to send on.', {
      description: ['Channels are in the section notifications: docs/notifications.md.'],
    });
  if (wanted === undefined) return names;
  if (names.includes(wanted)) return [wanted];
  throw new CliError('wrong usage', `runbook.yaml has no channel "${wanted}".`, {
    description: [`It has ${names.join(', ')}.`],
  });
}
