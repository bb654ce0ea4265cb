import { readFile } from 'node:fs/promises';
import { compareVersions, isVersion, parseChangelog, releasesAfter, type Release } from '../changelog.ts';
import { CHANGELOG } from '../changelog-file.ts';
import type { CommandContext } from '../context.ts';
import { CliError } from '../errors.ts';
import type { Ending } from '../exit-codes.ts';
import { print, widthOf } from '../io.ts';
import { wrap } from '../render/text.ts';
import { VERSION } from '../version.ts';

/** Prints what to do after an upgrade from version `from`; without it, of every version. */
export async function upgradeNotes({ io }: CommandContext, { from }: { from?: string }): Promise<Ending> {
  if (from !== undefined) requireOlder(from);
  const releases = parseChangelog(await readFile(CHANGELOG, 'utf8'));
  const wanted = (from === undefined ? releases : releasesAfter(releases, from)).filter(
    ({ upgrading }) => upgrading.length > 0,
  );
  const nothing = `There is nothing to do${from === undefined ? '' : ` after ${from}`} but to restart workers.`;
  print(io, wanted.length === 0 ? [nothing] : notes(wanted, widthOf(io)));
  return 'done';
}

function requireOlder(from: string): void {
  if (!isVersion(from))
    throw new CliError('wrong usage', `Expected --from to be a version, like ${VERSION}, got "${from}".`);
  if (compareVersions(from, VERSION) > 0)
    throw new CliError('wrong usage', `This is runbook ${VERSION}, which is older than ${from}.`, {
      suggestions: [{ command: 'runbook --version', purpose: 'which one your PATH has' }],
    });
}

const notes = (releases: readonly Release[], width: number): string[] =>
  releases.flatMap(({ version, date, upgrading }, index) => [
    ...(index === 0 ? [] : ['']),
    `${version === 'Unreleased' ? 'Not yet released' : version}${date === undefined ? '' : ` · ${date}`}`,
    ...upgrading.flatMap((item) => bullet(item, width)),
  ]);

const INDENT = 4;

/** What goes on below the first line stands under its text. */
function bullet(item: string, width: number): string[] {
  const lines = width === Number.POSITIVE_INFINITY ? [item] : wrap(item, width - INDENT);
  return lines.map((line, index) => `${index === 0 ? '  - ' : ' '.repeat(INDENT)}${line}`);
}
