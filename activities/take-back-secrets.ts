import { mkdir } from 'node:fs/promises';
import { posix } from 'node:path';
import type { Reached, TakeBackInput } from './contract.ts';
import type { Deps } from './deps.ts';
import { failure, toolFailure } from './failure.ts';
import { fleetFileAt, isSameMessage, refOf } from './reencrypt.ts';
import { scratchOf, secretsAt } from './secrets-at.ts';
import { commitsOf, secretsBranch } from './secrets-branch.ts';

type Needs = Pick<Deps, 'fleetAt' | 'local' | 'repository' | 'stateDir'>;

/**
 * Judged by what the remote has, and not by what this worker remembers: another one may have pushed, or an attempt whose answer
 * was lost. What is on no branch of anybody's needs no taking back.
 */
export async function takeBackSecrets(deps: Needs, input: TakeBackInput, signal: AbortSignal): Promise<Reached> {
  const { fleet: ref, name, guest, handOver, message } = input;
  const fleet = await deps.fleetAt(ref);
  const branch = await secretsBranch(deps, fleet, input, signal);
  if (branch === undefined) return 'already';
  const { head, commits } = await branch.look();
  if (commits.some((each) => isSameMessage(each.message, message))) return 'already';
  const [made] = commits;
  if (made === undefined) {
    if (handOver === undefined) return 'already';
    throw failure(
      'BranchMoved',
      `${branch.where} does not have ${handOver.slice(0, 7)} any more, which this run has pushed: see for which key of ${guest} its files are.`,
    );
  }
  const { revision } = made;
  if (head !== revision) {
    const short = revision.slice(0, 7);
    throw failure(
      'BranchMoved',
      `${branch.where} has commits on top of ${short}: git revert ${short} gives ${guest} its key back.`,
    );
  }
  const files = await asTheyWere(deps, input, signal);
  const own = await commitsOf(deps, input, signal);
  // This worker may not have had to do with the run before.
  await mkdir(scratchOf(deps, name), { recursive: true, mode: 0o700 });
  const back = await own.commit({ parent: revision, files, message, ref: refOf(name, 'back') });
  if (back.type !== 'committed') throw toolFailure('Taking back the commit of the secrets', back);
  await branch.publish(back.revision);
  return 'done';
}

/** Rules, files and the fleet file of the run's revision, from the repository's root. */
async function asTheyWere(
  deps: Needs,
  { fleet: ref, paths }: TakeBackInput,
  signal: AbortSignal,
): Promise<{ path: string; content: string }[]> {
  const fleet = await deps.fleetAt(ref);
  const origin = await secretsAt(deps, fleet, ref.revision, signal);
  const files = [{ path: fleet.secrets.config, content: origin.configText }];
  for (const path of paths) files.push({ path, content: (await origin.read(path))?.text ?? '' });
  files.push(await fleetFileAt(deps, ref.revision, signal));
  const { dir } = await deps.repository();
  return files.map(({ path, content }) => ({ path: posix.join(dir, path), content }));
}
