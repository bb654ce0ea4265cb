import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { parseFleet } from '../fleet/load.ts';
import { renderDiagnostics } from '../fleet/diagnostic.ts';
import type { Fleet } from '../fleet/schema.ts';
import type { Host } from '../hosts/host.ts';
import { createGit, flakeRef, type Git, type Repository } from '../tools/git.ts';
import { unpack } from '../tools/unpack.ts';
import type { FleetRef } from '../workflows/messages.ts';
import { failure, toolFailure } from './failure.ts';

export const FLEET_FILE = 'runbook.yaml';

/** The monorepo at a revision: its fleet file, its flake, its files. */
export interface Monorepo {
  fleetAt: (ref: FleetRef) => Promise<Fleet>;
  /** The flake of the monorepo at that revision, as nix takes it. */
  flakeAt: (ref: FleetRef) => Promise<string>;
  /** The folders that a folder beside runbook.yaml has at that revision. */
  foldersAt: (ref: FleetRef, folder: string) => Promise<string[]>;
  /** Puts every file of that revision into an empty folder. Returns where in it the folder of runbook.yaml is. */
  checkOut: (ref: FleetRef, folder: string) => Promise<string>;
  /** What the clone has checked out. */
  head: () => Promise<FleetRef>;
  /** Files of the clone that are in no commit. */
  uncommitted: () => Promise<string[]>;
  /** The clone, and the folder in it that has runbook.yaml. */
  repository: () => Promise<Repository>;
}

/** `local`: the worker's own machine. `folder`: its clone, or the folder in it that has runbook.yaml and flake.nix. */
export function createMonorepo(local: Host, folder: string): Monorepo {
  const git = createGit(local);
  const read = new Map<string, Fleet>();
  let located: Promise<Repository> | undefined;
  const repository = (): Promise<Repository> => (located ??= locate(git, folder));

  return {
    repository,
    fleetAt: async ({ revision }) => {
      const known = read.get(revision);
      if (known) return known;
      const { root, dir } = await repository();
      const path = dir === '' ? FLEET_FILE : `${dir}/${FLEET_FILE}`;
      let file = await git.readFileAt(root, revision, path);
      if (file.type !== 'file') {
        await requireCommit(git, root, revision);
        file = await git.readFileAt(root, revision, path);
      }
      if (file.type !== 'file') throw toolFailure(`Reading ${FLEET_FILE} at ${revision}`, file);
      const fleet = parse(file.content);
      read.set(revision, fleet);
      return fleet;
    },
    flakeAt: async ({ revision }) => {
      const { root, dir, shallow } = await repository();
      return flakeRef(root, revision, { dir, shallow });
    },
    foldersAt: async ({ revision }, folder) => {
      const { root, dir } = await repository();
      const found = await git.foldersAt(root, revision, join(dir, folder));
      if (found.type !== 'folders') throw toolFailure(`Looking for ${folder} at ${revision}`, found);
      return found.names;
    },
    checkOut: async ({ revision }, folder) => {
      const { root, dir } = await repository();
      const archive = `${folder}.tar`;
      const archived = await git.archive(root, revision, archive);
      if (archived.type !== 'archived') throw toolFailure(`Reading the monorepo at ${revision}`, archived);
      const unpacked = await unpack(local, archive, folder);
      if (unpacked.type !== 'unpacked') throw toolFailure(`Unpacking the monorepo at ${revision}`, unpacked);
      await rm(archive, { force: true });
      return join(folder, dir);
    },
    head: async () => {
      const head = await git.resolveRevision((await repository()).root, 'HEAD');
      if (head.type !== 'revision') throw toolFailure(`The worker's clone of the monorepo`, head);
      return { revision: head.revision };
    },
    uncommitted: async () => {
      const tree = await git.isDirty((await repository()).root);
      if (tree.type !== 'tree') throw toolFailure(`The worker's clone of the monorepo`, tree);
      return tree.changed;
    },
  };
}

async function locate(git: Git, folder: string): Promise<Repository> {
  const found = await git.locate(folder);
  if (found.type !== 'repository') throw toolFailure(`The worker's clone of the monorepo`, found);
  return found;
}

function parse(text: string): Fleet {
  const parsed = parseFleet(text, FLEET_FILE);
  if (parsed.type === 'fleet') return parsed.fleet;
  throw failure('BadConfig', renderDiagnostics(parsed.diagnostics, text, { color: false, width: 100 }));
}

/** The commit may be newer than the worker's clone: fetched once, then it has to be there. */
export async function requireCommit(git: Git, repo: string, revision: string): Promise<void> {
  if (await hasCommit(git, repo, revision)) return;
  const fetched = await git.fetch(repo);
  if (fetched.type === 'fetch failed') throw failure('Unreachable', `git fetch in ${repo}: ${fetched.message}`);
  if (fetched.type !== 'fetched') throw toolFailure(`git fetch in ${repo}`, fetched);
  if (await hasCommit(git, repo, revision)) return;
  throw failure(
    'BadConfig',
    `The worker's clone ${repo} does not have commit ${revision}, also after git fetch. Push it first.`,
  );
}

async function hasCommit(git: Git, repo: string, revision: string): Promise<boolean> {
  const answer = await git.hasCommit(repo, revision);
  if (answer.type === 'commit') return answer.present;
  throw toolFailure(`Looking for commit ${revision}`, answer);
}
