import { join } from 'node:path';
import type { Fleet } from '../fleet/schema.ts';
import { madeBy } from '../plan/rotation.ts';
import { createGit } from '../tools/git.ts';
import { createGitCommits, type CommitOfRun, type GitCommits } from '../tools/git-commits.ts';
import type { RunRef } from './contract.ts';
import type { Deps } from './deps.ts';
import { failure, toolFailure } from './failure.ts';
import { requireCommit } from './fleet-at.ts';
import { scratchOf } from './secrets-at.ts';

/** The branch that commits of secrets are pushed to, as the remote has it now. */
export interface SecretsBranch {
  /** `origin/main` */
  where: string;
  /**
   * What the run has on it, newest first, whoever has pushed it: another worker may have, or an attempt whose answer was lost.
   * `head`: absent where there is no such branch.
   */
  look(): Promise<{ head?: string; commits: CommitOfRun[] }>;
  /** On top of what is there, or not at all. Idempotent, also where somebody has pushed on top of it meanwhile. */
  publish(revision: string): Promise<void>;
}

type Needs = Pick<Deps, 'local' | 'repository' | 'stateDir'>;

/** The worker’s clone, for a run’s commits. */
export async function commitsOf(
  { local, repository, stateDir }: Needs,
  { name }: Pick<RunRef, 'name'>,
  signal: AbortSignal,
): Promise<GitCommits> {
  const { root } = await repository();
  return createGitCommits(local, root, join(scratchOf({ stateDir }, name), 'index'), { signal });
}

/** Undefined where nothing is pushed. */
export async function secretsBranch(
  deps: Needs,
  { secrets: { push } }: Fleet,
  { fleet: { revision: base }, name }: RunRef,
  signal: AbortSignal,
): Promise<SecretsBranch | undefined> {
  if (push === undefined) return undefined;
  const { root } = await deps.repository();
  const git = createGit(deps.local, { signal });
  const commits = await commitsOf(deps, { name }, signal);
  const where = `${push.remote}/${push.branch}`;

  const look: SecretsBranch['look'] = async () => {
    const head = await commits.remoteHead(push.remote, push.branch);
    if (head.type === 'fetch failed') throw failure('Unreachable', `${where}: ${head.message}`);
    if (head.type === 'none') return { commits: [] };
    const { revision } = head;
    // A commit that is not known here says nothing, and least of all that there is none of the run.
    await requireCommit(git, root, revision);
    const found = await commits.commitsWith(madeBy(name), base, revision);
    if (found.type !== 'commits') throw toolFailure(`What the run has on ${where}`, found);
    return { head: revision, commits: found.commits };
  };

  return {
    where,
    look,
    publish: async (revision) => {
      const pushed = await commits.push(push.remote, revision, push.branch);
      switch (pushed.type) {
        case 'pushed':
          return;
        case 'moved':
          if ((await look()).commits.some((each) => each.revision === revision)) return;
          throw failure('BranchMoved', `${where} has commits that this run does not know: ${pushed.message}`);
        case 'refused':
          throw failure('PushRefused', `${where} does not take the commit: ${pushed.message}`);
        case 'push failed':
          throw failure('Unreachable', `${where} did not take the commit: ${pushed.message}`);
      }
    },
  };
}
