import { dirname, join, relative } from 'node:path';
import { renderDiagnostics, type Diagnostic } from '../fleet/diagnostic.ts';
import { parseFleet, readFleet, type ParsedFleet } from '../fleet/load.ts';
import type { Fleet } from '../fleet/schema.ts';
import { describeUnknownNode, findNode } from '../fleet/names.ts';
import type { CommandContext } from './context.ts';
import { CliError } from './errors.ts';
import { colourOf, widthOf, type Io, type Output } from './io.ts';
import { findFleetFile, FLEET_FILE } from './fleet-file.ts';
import { readGitHead } from './git-head.ts';

/** The monorepo that a command stands in, at its commit. */
export interface Repository {
  fleet: Fleet;
  revision: string;
  branch: string | undefined;
}

/**
 * Text and parse of the fleet file; `name` is its path as a person would type it from here.
 * Throws CliError `wrong config` where it is missing or no plain file.
 */
export async function readFleetFile(
  context: CommandContext,
): Promise<{ path: string; name: string; text: string; parsed: ParsedFleet }> {
  const path = await findFleetFile(context);
  const name = relative(context.io.cwd, path);
  const file = await readFleet(path, name, context.io.now());
  if (file.type === 'unreadable') throw new CliError('wrong config', file.message, { description: [file.whatToDo] });
  return { path, name, text: file.text, parsed: file };
}

/**
 * The fleet as it is in the commit that the monorepo stands on, which is the one that a run works by.
 * Throws CliError `wrong config` with every mistake in place.
 */
export async function loadRepository(context: CommandContext): Promise<Repository> {
  const folder = dirname(await findFleetFile(context));
  const { revision, branch, root } = await pinRevision(folder);
  const { readCommittedFile } = await import('../workers/committed-file.ts');
  const file = await readCommittedFile(root, revision, join(relative(root, folder), FLEET_FILE));
  const name = `${FLEET_FILE} of commit ${revision.slice(0, 7)}`;
  if (file.type === 'unreadable')
    throw new CliError('wrong config', `There is no ${name} to read: ${file.why}.`, {
      suggestions: [{ command: `git add ${FLEET_FILE} && git commit`, purpose: 'what a run works by is a commit' }],
    });
  const { content: text } = file;
  const parsed = parseFleet(text, name);
  if (parsed.type === 'fleet') return { fleet: parsed.fleet, revision, branch };
  const { io } = context;
  const shown = { color: colourOf(io, io.stderr), width: diagnosticsWidth(io, io.stderr) };
  io.stderr.write(`${renderDiagnostics(parsed.diagnostics, text, shown)}\n`);
  throw new CliError('wrong config', countProblems(parsed.diagnostics));
}

/** Squiggles want a width even where there is no terminal. */
export const diagnosticsWidth = (io: Io, output: Output): number => Math.min(widthOf(io, output), 160);

export const countProblems = (diagnostics: readonly Diagnostic[]): string =>
  diagnostics.length === 1 ? '1 problem' : `${diagnostics.length} problems`;

/** The commit that the monorepo stands on. Throws CliError `wrong config` where there is none. */
export async function pinRevision(
  folder: string,
): Promise<{ revision: string; branch: string | undefined; root: string }> {
  const head = await readGitHead(folder);
  switch (head.type) {
    case 'commit':
      return head;
    case 'no repository':
      throw new CliError('wrong config', `${folder} is not in a git repository.`, {
        description: ['A run deploys one commit, so that everybody can tell later what it deployed.'],
        suggestions: [{ command: 'git init && git add . && git commit', purpose: 'make it one' }],
      });
    case 'unborn':
      throw new CliError('wrong config', `Branch ${head.branch} of ${head.root} has no commit yet.`, {
        suggestions: [{ command: 'git add . && git commit', purpose: 'make the first' }],
      });
    case 'unreadable':
      throw new CliError('wrong config', `The commit of ${head.root} cannot be read: ${head.reason}.`);
  }
}

/** Throws CliError `wrong usage` with the likely name where the fleet has no such node. */
export function requireNode(fleet: Fleet, node: string): void {
  const found = findNode(fleet, node);
  if (found.type === 'unknown') throw new CliError('wrong usage', describeUnknownNode(found, FLEET_FILE));
}

/** Throws CliError `wrong usage` for a guest as well. */
export function requireMember(fleet: Fleet, node: string): void {
  requireNode(fleet, node);
  const found = findNode(fleet, node);
  if (found.type === 'guest')
    throw new CliError('wrong usage', `Expected a member, got the guest ${node}, which is on ${found.guest.member}.`, {
      description: [`${FLEET_FILE} has the members ${Object.keys(fleet.members).join(', ')}.`],
    });
}

/** Throws CliError `wrong usage` for a member as well. */
export function requireGuest(fleet: Fleet, node: string): void {
  requireNode(fleet, node);
  if (findNode(fleet, node).type === 'member')
    throw new CliError('wrong usage', `Expected a guest, got the member ${node}.`, {
      description: [`${FLEET_FILE} has the guests ${Object.keys(fleet.guests).join(', ')}.`],
    });
}
