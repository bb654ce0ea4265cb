import { fleetJsonSchema } from '../../fleet/json-schema.ts';
import { renderDiagnostics } from '../../fleet/diagnostic.ts';
import type { CommandContext } from '../context.ts';
import { CliError } from '../errors.ts';
import type { Ending } from '../exit-codes.ts';
import { FLEET_FILE } from '../fleet-file.ts';
import { colourOf, print, printJson, widthOf } from '../io.ts';
import { clean } from '../render/clean.ts';
import { wrap } from '../render/text.ts';
import { countProblems, diagnosticsWidth, readFleetFile } from '../repository.ts';

/** Reports every mistake of the fleet file in its place. Warnings alone are no mistake. */
export async function check(context: CommandContext, { json }: { json?: true }): Promise<Ending> {
  const { io } = context;
  const { name, text, parsed } = await readFleetFile(context).catch((error: unknown) => {
    if (json === true && error instanceof CliError) printJson(io, unreadable(error));
    throw error;
  });
  const diagnostics = parsed.type === 'fleet' ? parsed.warnings : parsed.diagnostics;
  if (json === true) printJson(io, { file: name, valid: parsed.type === 'fleet', diagnostics });
  else if (diagnostics.length === 0) print(io, wrap(clean(`${name}: no problems`), widthOf(io)));
  else {
    const shown = { color: colourOf(io), width: diagnosticsWidth(io, io.stdout) };
    print(io, [renderDiagnostics(diagnostics, text, shown), countProblems(diagnostics)]);
  }
  return parsed.type === 'fleet' ? 'done' : 'wrong config';
}

/** A file that cannot be read has one problem, at its beginning. */
const unreadable = ({ message, description }: CliError): object => ({
  file: FLEET_FILE,
  valid: false,
  diagnostics: [
    { file: FLEET_FILE, line: 1, column: 1, endColumn: 2, severity: 'error', message, help: description.join(' ') },
  ],
});

/** Prints the JSON Schema of the fleet file, for editors. */
export function schema({ io }: CommandContext): Ending {
  print(io, [JSON.stringify(fleetJsonSchema(), undefined, 2)]);
  return 'done';
}
