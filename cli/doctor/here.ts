import { dirname } from 'node:path';
import type { Check } from '../../plan/checks.ts';
import type { CommandContext } from '../context.ts';
import { CliError } from '../errors.ts';
import { count } from '../render/units.ts';
import { countProblems, pinRevision, readFleetFile, requireNode } from '../repository.ts';

export interface Here {
  checks: Check[];
  /** The commit that the monorepo stands on, if there is one. */
  revision?: string;
}

/** The monorepo that we stand in: fleet file and commit. Throws CliError `wrong usage` for a node that is not in it. */
export async function checkHere(context: CommandContext, node: string | undefined): Promise<Here> {
  try {
    const { path, parsed } = await readFleetFile(context);
    if (parsed.type === 'invalid')
      return { checks: [broken('fleet file', countProblems(parsed.diagnostics), 'runbook check shows them.')] };
    if (node !== undefined) requireNode(parsed.fleet, node);
    const { members, guests } = parsed.fleet;
    const fine = passed(
      'fleet file',
      `${path}: ${count(Object.keys(members).length, 'member')}, ${count(Object.keys(guests).length, 'guest')}`,
    );
    const commit = await checkCommit(path);
    return { ...commit, checks: [fine, ...commit.checks] };
  } catch (error) {
    if (!(error instanceof CliError) || error.ending === 'wrong usage') throw error;
    return {
      checks: [broken('fleet file', error.message, 'Go to the monorepo, or name it: runbook --repo DIR doctor.')],
    };
  }
}

async function checkCommit(path: string): Promise<Here> {
  try {
    const { revision, branch } = await pinRevision(dirname(path));
    const found = `${revision.slice(0, 7)}${branch === undefined ? '' : ` on ${branch}`}`;
    return { checks: [passed('commit', found)], revision };
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    return { checks: [broken('commit', error.message, error.suggestions[0]?.command ?? 'Make it a git repository.')] };
  }
}

const passed = (what: string, found: string): Check => ({ where: 'here', what, verdict: 'passed', found });
const broken = (what: string, found: string, whatToDo: string): Check => ({
  where: 'here',
  what,
  verdict: 'failed',
  found,
  whatToDo,
});
