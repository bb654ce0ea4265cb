import { readFile, rm } from 'node:fs/promises';
import { join, posix } from 'node:path';
import type { Fleet } from '../fleet/schema.ts';
import { addRecipientBeside, readSopsConfig, replaceRecipient, ruleFor, type SopsConfig } from '../plan/sops-config.ts';
import { readSecretFile, type EncryptedFile } from '../plan/sops-file.ts';
import { decrypt } from '../tools/age.ts';
import { createGit } from '../tools/git.ts';
import { createGitCommits } from '../tools/git-commits.ts';
import type { Sops } from '../tools/sops.ts';
import type { Reencrypted, ReencryptInput } from './contract.ts';
import type { Deps } from './deps.ts';
import { failure, toolFailure } from './failure.ts';
import { FLEET_FILE, requireCommit } from './fleet-at.ts';
import type { ActivityContext } from './guard.ts';
import { isSame, put } from './observe-rotation.ts';
import { operatorKeyFile, operatorSops, scratchOf, secretsAt, type SecretsAt } from './secrets-at.ts';
import { secretsBranch, type SecretsBranch } from './secrets-branch.ts';

export const refOf = (run: string, phase: string): string => `refs/runbook/${run}/${phase}`;

/**
 * One commit in which the files are encrypted to other recipients, and pushed where that is declared. It is made beside the
 * work tree; an attempt that was killed leaves a folder, and the next one begins with a new one.
 */
export async function reencrypt(
  deps: Deps,
  input: ReencryptInput,
  { signal, report }: ActivityContext,
): Promise<Reencrypted> {
  const fleet = await deps.fleetAt(input.fleet);
  const { root, dir } = await deps.repository();
  const scratch = join(scratchOf(deps, input.name), input.phase);
  const commits = createGitCommits(deps.local, root, join(scratch, 'index'), { signal });
  const ref = refOf(input.name, input.phase);
  const known = await createGit(deps.local, { signal }).resolveRevision(root, ref);
  if (known.type === 'unexpected') throw toolFailure('The worker’s clone', known);
  const branch = await secretsBranch(deps, fleet, input, signal);
  const pushed = await madeElsewhere(branch, input);
  if (pushed !== undefined) {
    const set = await commits.setRef(ref, pushed);
    if (set.type !== 'set') throw toolFailure('The commit of another worker', set);
    return { state: 'already', revision: pushed };
  }
  // Of an attempt that was cut off before it pushed. What the remote has goes before it.
  if (known.type === 'revision') {
    await branch?.publish(known.revision);
    return { state: 'already', revision: known.revision };
  }
  await rm(scratch, { recursive: true, force: true });
  const secrets = await secretsAt(deps, fleet, input.base, signal);
  const origin = await secretsAt(deps, fleet, input.fleet.revision, signal);
  const configText = rulesFor(input, origin.configText);
  await put(scratch, fleet.secrets.config, configText);
  const changed = readSopsConfig(configText);
  const rules = changed.type === 'config' ? changed.config : secrets.config;
  const sops = operatorSops(deps, fleet, input.name, signal);
  const files = [
    { path: fleet.secrets.config, content: configText },
    ...(await withHostKey(deps, fleet, input, signal)),
  ];
  for (const path of input.paths) {
    report({ progress: path });
    const content = await reencryptFile({ deps, fleet, input, secrets, rules, sops, scratch, signal }, path);
    files.push({ path, content });
  }
  const made = await commits.commit({
    parent: input.base,
    files: files.map(({ path, content }) => ({ path: posix.join(dir, path), content })),
    message: input.message,
    ref,
  });
  if (made.type !== 'committed') throw toolFailure('The commit of the secrets', made);
  await branch?.publish(made.revision);
  await rm(scratch, { recursive: true, force: true });
  return { state: 'done', revision: made.revision };
}

/** The same commit, where another worker has made and pushed it: there are not to be two. */
async function madeElsewhere(
  branch: SecretsBranch | undefined,
  { base, message }: ReencryptInput,
): Promise<string | undefined> {
  const { commits = [] } = (await branch?.look()) ?? {};
  return commits.find((each) => each.parent === base && isSameMessage(each.message, message))?.revision;
}

/** git ends a message with a line of its own. */
export const isSameMessage = (one: string, other: string): boolean => one.trim() === other.trim();

/** The fleet file with the new host key in the place of the old one; everything else stays, comments too. */
async function withHostKey(
  { local, repository }: Deps,
  { guests }: Fleet,
  { base, guest, hostKey }: ReencryptInput,
  signal: AbortSignal,
): Promise<{ path: string; content: string }[]> {
  const before = guests[guest]?.ssh.hostKey;
  if (hostKey === undefined || before === undefined || hostKey === before) return [];
  const { path, content } = await fleetFileAt({ local, repository }, base, signal);
  const [one = '', other, ...more] = content.split(keyIn(before));
  if (other === undefined || more.length > 0)
    throw failure(
      'BadConfig',
      `Expected the host key of ${guest} in one place of ${path}, got it in ${more.length + (other === undefined ? 0 : 1)}.`,
    );
  return [{ path, content: `${one}${keyIn(hostKey)}${other}` }];
}

/** Without its type: in YAML there may be more than a space between them. */
export const keyIn = (hostKey: string): string => hostKey.split(' ')[1] ?? hostKey;

/** The fleet file as it is in a commit. */
export async function fleetFileAt(
  { local, repository }: Pick<Deps, 'local' | 'repository'>,
  revision: string,
  signal: AbortSignal,
): Promise<{ path: string; content: string }> {
  const { root, dir } = await repository();
  const git = createGit(local, { signal });
  await requireCommit(git, root, revision);
  const read = await git.readFileAt(root, revision, posix.join(dir, FLEET_FILE));
  if (read.type !== 'file') throw failure('Unexpected', `There is no ${FLEET_FILE} in commit ${revision.slice(0, 7)}.`);
  return { path: FLEET_FILE, content: read.content };
}

/** Always from the rules as they were: between them the changed file has nothing of its own to lose. */
function rulesFor({ phase, old, next }: ReencryptInput, origin: string): string {
  return phase === 'hand-over' ? addRecipientBeside(origin, old, next) : replaceRecipient(origin, old, next);
}

interface Work {
  deps: Deps;
  fleet: Fleet;
  input: ReencryptInput;
  secrets: SecretsAt;
  /** As they are in the new commit. */
  rules: SopsConfig;
  sops: Sops;
  scratch: string;
  signal: AbortSignal;
}

/** Judged by the file that came of it: whose it is, and that the operator can decrypt it. */
async function reencryptFile(work: Work, path: string): Promise<string> {
  const { fleet, input, secrets, rules, sops, scratch } = work;
  const before = await secrets.read(path);
  if (before === undefined) throw failure('NotReencrypted', `${path} is not encrypted in commit ${input.base}.`);
  await put(scratch, path, before.text);
  const file = join(scratch, path);
  const updated = await sops.updateKeys(join(scratch, fleet.secrets.config), file);
  if (updated.type !== 'updated') throw notReencrypted(path, updated);
  if (input.phase === 'cut') {
    const rotated = await sops.rotate(file);
    if (rotated.type !== 'rotated') throw notReencrypted(path, rotated);
  }
  const text = await readFile(file, 'utf8');
  const after = readSecretFile(path, text);
  if (after.type !== 'encrypted') throw failure('NotReencrypted', `${path} is not encrypted afterwards.`);
  requireRecipients(path, after, rules, fleet, input);
  const tried = await sops.tryDecrypt(file);
  if (tried.type !== 'decryptable') throw notReencrypted(path, tried);
  if (input.phase === 'cut' && (await sameDataKey(work, before.file, after)))
    throw failure('NotReencrypted', `${path} has the data key that it had: who knew that can still read it.`);
  return text;
}

function requireRecipients(
  path: string,
  { stanzas, others }: EncryptedFile,
  config: SopsConfig,
  { secrets }: Fleet,
  { phase, old, next }: ReencryptInput,
): void {
  const found = stanzas.map(({ recipient }) => recipient);
  const rule = ruleFor(config, posix.relative(posix.dirname(secrets.config), path));
  const isRight =
    rule !== undefined &&
    isSame([...found, ...others], [...rule.recipients, ...rule.others]) &&
    found.includes(next) &&
    found.includes(old) === (phase === 'hand-over');
  if (!isRight)
    throw failure('NotReencrypted', `${path} has other recipients than it was to have: ${found.join(', ')}.`);
}

/** Compared in memory, by the operator's key; it goes nowhere from there. */
export async function sameDataKey(
  { deps, fleet, signal }: Pick<Work, 'deps' | 'fleet' | 'signal'>,
  before: EncryptedFile,
  after: EncryptedFile,
): Promise<boolean> {
  const keyFile = operatorKeyFile(fleet);
  const dataKey = async ({ stanzas }: EncryptedFile): Promise<Buffer | undefined> => {
    for (const { enc } of stanzas) {
      const answer = await decrypt(deps.local, Buffer.from(enc), keyFile, { signal });
      if (answer.type === 'plain') return answer.bytes;
    }
    return undefined;
  };
  const [one, other] = [await dataKey(before), await dataKey(after)];
  // What cannot be compared is not taken for new.
  return one === undefined || other === undefined || one.equals(other);
}

function notReencrypted(
  path: string,
  problem: Exclude<Awaited<ReturnType<Sops['rotate']>>, { type: 'rotated' }>,
): Error {
  if (problem.type === 'unexpected') return toolFailure(path, problem);
  const message = 'message' in problem ? `: ${problem.message}` : '';
  return failure('NotReencrypted', `${path}: ${problem.type}${message}`);
}
