import { dirname, join, relative } from 'node:path';
import { renderDiagnostics, type Diagnostic } from '../../fleet/diagnostic.ts';
import { fleetJsonSchema } from '../../fleet/json-schema.ts';
import { parseFleet, type ParsedFleet } from '../../fleet/load.ts';
import type { SourceFile } from '../../rules/monorepo.ts';
import type { Outcome } from '../../rules/run.ts';
import type { CommandContext } from '../context.ts';
import { CliError } from '../errors.ts';
import type { Ending } from '../exit-codes.ts';
import { findFleetFile, FLEET_FILE } from '../fleet-file.ts';
import { colourOf, print, printJson, widthOf } from '../io.ts';
import { clean } from '../render/clean.ts';
import { findingsSummary, renderFindings } from '../render/findings.ts';
import { wrap } from '../render/text.ts';
import { countProblems, diagnosticsWidth, readFleetFile } from '../repository.ts';
import { VERSION } from '../version.ts';

export interface CheckOptions {
  json?: true;
  sarif?: true;
  staged?: true;
}

/** The fleet file, and what the rules say of the monorepo around it. */
interface Checked {
  name: string;
  text: string;
  parsed: ParsedFleet;
  files: SourceFile[];
  outcome: Outcome;
}

const NOTHING: Outcome = { findings: [], suppressed: [] };

/**
 * Reports every mistake of the fleet file in its place, and what in the monorepo crosses a boundary of the reference
 * architecture. Warnings alone are no mistake.
 */
export async function check(context: CommandContext, options: CheckOptions): Promise<Ending> {
  const { io } = context;
  const checked = await look(context, options).catch((error: unknown) => {
    if (options.json === true && error instanceof CliError) printJson(io, unreadable(error));
    throw error;
  });
  const { name, parsed, outcome } = checked;
  const diagnostics = parsed.type === 'fleet' ? parsed.warnings : parsed.diagnostics;
  if (options.json === true)
    printJson(io, { file: name, valid: parsed.type === 'fleet', diagnostics, ...outcome, files: checked.files.length });
  else if (options.sarif === true) {
    const { sarifLog } = await import('../../rules/sarif.ts');
    printJson(
      io,
      sarifLog(
        outcome,
        diagnostics.map((each) => ({ ...each, file: FLEET_FILE })),
        VERSION,
      ),
    );
  } else show(context, checked, diagnostics);
  const isWrong = outcome.findings.some(({ severity }) => severity === 'error');
  return parsed.type === 'fleet' && !isWrong ? 'done' : 'wrong config';
}

async function look(context: CommandContext, { staged }: CheckOptions): Promise<Checked> {
  const path = await findFleetFile(context);
  const { readMonorepoFiles } = await import('../../workers/monorepo-files.ts');
  const filesOf = async (options?: { staged: true }): Promise<SourceFile[]> => {
    const read = await readMonorepoFiles(dirname(path), options);
    if (read.type === 'files') return read.files;
    throw new CliError('wrong config', clean(read.message), {
      description: ['What belongs to the monorepo is asked of git.'],
    });
  };
  const next = staged === true ? await filesOf({ staged }) : undefined;
  const { name, text, parsed } =
    next === undefined ? await readFleetFile(context) : stagedFleetFile(context, path, next);
  if (parsed.type !== 'fleet') return { name, text, parsed, files: [], outcome: NOTHING };
  const files = next ?? (await filesOf());
  const { checkMonorepo } = await import('../../rules/check.ts');
  const outcome = await checkMonorepo(files, { fleet: parsed.fleet, fleetFile: FLEET_FILE, now: context.io.now() });
  return { name, text, parsed, files, outcome };
}

/** As the next commit would have it. */
function stagedFleetFile(
  { io }: CommandContext,
  path: string,
  files: readonly SourceFile[],
): Pick<Checked, 'name' | 'text' | 'parsed'> {
  const text = files.find((file) => file.path === FLEET_FILE)?.text;
  if (text === undefined)
    throw new CliError('wrong config', `${FLEET_FILE} is in no commit, and not staged.`, {
      suggestions: [{ command: `git add ${FLEET_FILE}`, purpose: 'have it in the next' }],
    });
  const name = relative(io.cwd, path);
  return { name, text, parsed: parseFleet(text, name, io.now()) };
}

function show({ io }: CommandContext, checked: Checked, diagnostics: readonly Diagnostic[]): void {
  const { name, text, parsed, files, outcome } = checked;
  const shown = { color: colourOf(io), width: diagnosticsWidth(io, io.stdout) };
  const lines = diagnostics.length === 0 ? [] : [renderDiagnostics(diagnostics, text, shown)];
  const isAlone = parsed.type !== 'fleet' || (files.length <= 1 && outcome.findings.length === 0);
  const findings = renderFindings(outcome.findings, {
    ...shown,
    shownAs: (file) => join(dirname(name), file),
    textOf: (file) => files.find(({ path }) => path === file)?.text ?? '',
  });
  const ending = !isAlone
    ? `${diagnostics.length === 0 ? '' : `${countProblems(diagnostics)} in ${name}; `}${findingsSummary(outcome.findings, outcome.suppressed.length, files.length)}`
    : diagnostics.length === 0
      ? `${name}: no problems`
      : countProblems(diagnostics);
  print(io, [...lines, ...findings, ...wrap(clean(ending), widthOf(io))]);
}

/** A file that cannot be read has one problem, at its beginning. */
const unreadable = ({ message, description }: CliError): object => ({
  file: FLEET_FILE,
  valid: false,
  diagnostics: [
    { file: FLEET_FILE, line: 1, column: 1, endColumn: 2, severity: 'error', message, help: description.join(' ') },
  ],
  ...NOTHING,
  files: 0,
});

/** Prints the JSON Schema of the fleet file, for editors. */
export function schema({ io }: CommandContext): Ending {
  print(io, [JSON.stringify(fleetJsonSchema(), undefined, 2)]);
  return 'done';
}
