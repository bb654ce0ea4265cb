import { dirname } from 'node:path';
import { renderDiagnostics } from '../../fleet/diagnostic.ts';
import { secretsView } from '../../plan/secrets.ts';
import type { CommandContext } from '../context.ts';
import { CliError } from '../errors.ts';
import type { Ending } from '../exit-codes.ts';
import { colourOf, print, printJson, widthOf } from '../io.ts';
import { clean } from '../render/clean.ts';
import { renderSecrets } from '../render/secrets.ts';
import { countProblems, diagnosticsWidth, readFleetFile } from '../repository.ts';

/** Who can decrypt which file, and what differs from the rules. Reads the work tree; asks no server and no key. */
export async function secretsStatus(context: CommandContext, { json }: { json?: true }): Promise<Ending> {
  const { io } = context;
  const { path, text, parsed } = await readFleetFile(context);
  if (parsed.type !== 'fleet') {
    const shown = { color: colourOf(io, io.stderr), width: diagnosticsWidth(io, io.stderr) };
    io.stderr.write(`${renderDiagnostics(parsed.diagnostics, text, shown)}\n`);
    throw new CliError('wrong config', countProblems(parsed.diagnostics));
  }
  const { findSecrets } = await import('../../workers/secrets-facts.ts');
  const found = await findSecrets(dirname(path), parsed.fleet);
  if (found.type === 'problem')
    throw new CliError('wrong config', clean(found.message), {
      description: ['Where SOPS’s rules and files are is the section secrets of runbook.yaml: docs/secrets.md.'],
    });
  const view = secretsView(found.facts);
  if (json === true) printJson(io, view);
  else print(io, renderSecrets(view, { width: widthOf(io), colour: colourOf(io), now: io.now() }));
  return view.drift === 0 ? 'done' : 'failed';
}
