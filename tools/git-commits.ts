import type { Host } from '../hosts/host.ts';
import { tail, unexpected, type Ran, type Unexpected } from './result.ts';
import { withSignal, type ToolOptions } from './tool-options.ts';

const TIMEOUT_MS = 30_000;
/** A large repository over a slow line. */
const PUSH_TIMEOUT_MS = 10 * 60_000;

const ENV = {
  LC_ALL: 'C',
  GIT_TERMINAL_PROMPT: '0',
  GIT_SSH_COMMAND: 'ssh -o BatchMode=yes',
  GIT_AUTHOR_NAME: 'runbook',
  GIT_AUTHOR_EMAIL: 'runbook@localhost',
  GIT_COMMITTER_NAME: 'runbook',
  GIT_COMMITTER_EMAIL: 'runbook@localhost',
};

export interface NewCommit {
  parent: string;
  /** From the repository's root. Others stay as they are in the parent. */
  files: readonly { path: string; content: string }[];
  message: string;
  /** Named `refs/…`: keeps the commit. */
  ref: string;
}

export type Pushed =
  | { type: 'pushed' }
  /** The branch has commits that this one is not on top of. */
  | { type: 'moved'; message: string }
  /** The remote has its rules, and would say the same again. */
  | { type: 'refused'; message: string }
  | { type: 'push failed'; message: string };

export interface CommitOfRun {
  revision: string;
  /** The first of them. */
  parent: string;
  message: string;
}

/** Makes commits without the work tree: whatever lies there stays. */
export interface GitCommits {
  /** Whole or not there: the ref is set last. */
  commit(commit: NewCommit): Promise<{ type: 'committed'; revision: string } | Unexpected>;
  /** Never by force. `dryRun`: only asks whether it would be taken. Idempotent. */
  push(remote: string, revision: string, branch: string, options?: { dryRun: boolean }): Promise<Pushed>;
  /** What the remote's branch is at. */
  remoteHead(
    remote: string,
    branch: string,
  ): Promise<{ type: 'head'; revision: string } | { type: 'none' } | { type: 'fetch failed'; message: string }>;
  /** Those from `base` to `head` whose message has that text, newest first. Both have to be there. */
  commitsWith(
    text: string,
    base: string,
    head: string,
  ): Promise<{ type: 'commits'; commits: CommitOfRun[] } | Unexpected>;
  /** Idempotent. */
  setRef(ref: string, revision: string): Promise<{ type: 'set' } | Unexpected>;
  deleteRef(ref: string): Promise<{ type: 'deleted' } | Unexpected>;
}

/** `indexFile`: of our own, not there before; the clone’s is somebody else’s. */
export function createGitCommits(host: Host, repo: string, indexFile: string, options: ToolOptions = {}): GitCommits {
  const git = async (
    args: string[],
    { input, timeoutMs = TIMEOUT_MS }: { input?: string; timeoutMs?: number } = {},
  ) => {
    const argv = ['git', '-C', repo, ...args];
    const env = { ...ENV, GIT_INDEX_FILE: indexFile };
    const given = input === undefined ? {} : { input };
    return { argv, result: await host.run(argv, { timeoutMs, env, ...given, ...withSignal(options) }) } satisfies Ran;
  };
  /** The id that it prints. */
  const id = async (args: string[], input?: string): Promise<string> => {
    const ran = await git(args, input === undefined ? {} : { input });
    const printed = ran.result.stdout.trim();
    if (ran.result.exitCode === 0 && (printed === '' || /^[0-9a-f]{40,64}$/.test(printed))) return printed;
    throw new GitProblem(unexpected('git', ran));
  };

  return {
    commit: ({ parent, files, message, ref }) =>
      orProblem(async () => {
        await id(['read-tree', parent]);
        for (const { path, content } of files) {
          const blob = await id(['hash-object', '-w', '--stdin'], content);
          const entry = `100644,${blob},${path}`;
          await id(['update-index', '--add', '--cacheinfo', entry]);
        }
        const tree = await id(['write-tree']);
        const revision = await id(['commit-tree', tree, '-p', parent, '-F', '-'], message);
        await id(['update-ref', ref, revision]);
        return { type: 'committed' as const, revision };
      }),
    push: async (remote, revision, branch, { dryRun } = { dryRun: false }) => {
      const dry = dryRun ? ['--dry-run'] : [];
      const { result } = await git(['push', '--quiet', ...dry, '--', remote, `${revision}:${branchRef(branch)}`], {
        timeoutMs: PUSH_TIMEOUT_MS,
      });
      if (result.exitCode === 0) return { type: 'pushed' };
      const moved = /^ ! \[rejected\] .* \((?:fetch first|non-fast-forward)\)$/m.exec(result.stderr)?.[0];
      if (moved !== undefined) return { type: 'moved', message: moved.trim().replace(/\s+/g, ' ') };
      // Hooks and protected branches; what else the remote rejects, as a branch that is locked, it may take later.
      const isRefused = /^ ! \[remote rejected\] .* \(.*\bdeclined\b.*\)$/m.test(result.stderr);
      return { type: isRefused ? 'refused' : 'push failed', message: tail(result.stderr, 500) };
    },
    remoteHead: async (remote, branch) => {
      const { result } = await git(['ls-remote', '--exit-code', '--', remote, branchRef(branch)]);
      const [revision = ''] = result.stdout.split('\t');
      if (result.exitCode === 0) return { type: 'head', revision };
      if (result.exitCode === 2) return { type: 'none' };
      return { type: 'fetch failed', message: tail(result.stderr, 500) };
    },
    commitsWith: async (text, base, head) => {
      const argv = ['log', '-z', '--fixed-strings', `--grep=${text}`, '--format=%H%n%P%n%B', `${base}..${head}`, '--'];
      const ran = await git(argv);
      if (ran.result.exitCode !== 0) return unexpected('git', ran);
      const entries = ran.result.stdout.split('\0').filter((entry) => entry !== '');
      return { type: 'commits', commits: entries.map(commitOf) };
    },
    setRef: (ref, revision) =>
      orProblem(async () => {
        await id(['update-ref', ref, revision]);
        return { type: 'set' as const };
      }),
    deleteRef: (ref) =>
      orProblem(async () => {
        await id(['update-ref', '-d', ref]);
        return { type: 'deleted' as const };
      }),
  };
}

function commitOf(entry: string): CommitOfRun {
  const [revision = '', parents = '', ...message] = entry.split('\n');
  const [parent = ''] = parents.split(' ');
  return { revision, parent, message: message.join('\n') };
}

const branchRef = (branch: string): string => `refs/heads/${branch}`;

class GitProblem extends Error {
  readonly problem: Unexpected;

  constructor(problem: Unexpected) {
    super(problem.output);
    this.problem = problem;
  }
}

async function orProblem<T>(work: () => Promise<T>): Promise<T | Unexpected> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof GitProblem) return error.problem;
    throw error;
  }
}
