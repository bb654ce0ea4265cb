import { mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join, posix } from 'node:path';
import { findNode } from '../fleet/names.ts';
import type { Fleet } from '../fleet/schema.ts';
import type { AffectedFile, RotationObservation, RotationScope } from '../plan/rotation.ts';
import { ruleFor, type SopsConfig } from '../plan/sops-config.ts';
import { atOnce } from '../tools/at-once.ts';
import { createGitCommits } from '../tools/git-commits.ts';
import { createGuestKey } from '../tools/guest-key.ts';
import { programVersion } from '../tools/programs.ts';
import type { Sops } from '../tools/sops.ts';
import type { GuestRef } from './contract.ts';
import { loginTrouble } from './deploy-login.ts';
import type { Deps } from './deps.ts';
import { failure } from './failure.ts';
import type { ActivityContext } from './guard.ts';
import { orProblem } from './identity-places.ts';
import { orchestratorHere } from './orchestrator.ts';
import { operatorSops, scratchOf, secretsAt, type SecretsAt } from './secrets-at.ts';
import { scopeOf } from './scope.ts';
import { readSystemState } from './system-state.ts';

/** Fails as BadConfig for what is no guest, or one that nothing is deployed into. */
export function rotationScope(fleet: Fleet, name: string): RotationScope {
  const found = findNode(fleet, name);
  if (found.type !== 'guest') throw failure('BadConfig', `runbook.yaml has no guest ${JSON.stringify(name)}.`);
  if (found.guest.deploy === undefined)
    throw failure(
      'BadConfig',
      `Nothing is deployed to ${name} (guests.${name}.deploy in runbook.yaml), and re-encrypted secrets come by deployments.`,
    );
  const { config, guestKeyFile, push } = fleet.secrets;
  return {
    guest: name,
    member: found.guest.member,
    config,
    keyFile: guestKeyFile,
    ...(push === undefined ? {} : { push }),
    approvalTimeout: fleet.policies.upgrade.approvalTimeout,
  };
}

/** The clone, the files, the guest and its key. Changes nothing; what cannot be had is part of the answer. */
export async function observeRotation(
  deps: Deps,
  input: GuestRef,
  context: ActivityContext,
): Promise<RotationObservation> {
  const fleet = await deps.fleetAt(input.fleet);
  const { signal } = context;
  const scope = rotationScope(fleet, input.guest);
  const [head, uncommitted, remote, keys, guest, here] = await atOnce(
    deps.head(),
    deps.uncommitted(),
    lookAtRemote(deps, input, scope, signal),
    lookAtKey(deps, fleet, input, signal),
    lookAtGuest(deps, fleet, input, context),
    orchestratorHere(deps, fleet, scopeOf(fleet, input.guest), context),
  );
  return {
    head: head.revision,
    uncommitted,
    ...(remote === undefined ? {} : { remote }),
    ...guest,
    ...(here === undefined ? {} : { orchestratorHere: here }),
    ...keys,
    ...(await lookAtFiles(deps, fleet, input, (config) => namedBy(config, keys.keys), context)),
  };
}

export async function lookAtRemote(
  { local, repository, stateDir }: Deps,
  { fleet: { revision }, name }: GuestRef,
  { push }: RotationScope,
  signal: AbortSignal,
): Promise<RotationObservation['remote']> {
  if (push === undefined) return undefined;
  const { root } = await repository();
  const git = createGitCommits(local, root, join(scratchOf({ stateDir }, name), 'index'), { signal });
  const head = await git.remoteHead(push.remote, push.branch);
  if (head.type === 'fetch failed') return { problem: head.message };
  if (head.type === 'none') return {};
  const tried = await git.push(push.remote, revision, push.branch, { dryRun: true });
  const isTaken = tried.type === 'pushed' || tried.type === 'moved';
  return isTaken ? { head: head.revision } : { head: head.revision, problem: tried.message };
}

export async function lookAtKey(
  { machines }: Deps,
  fleet: Fleet,
  { guest, name }: GuestRef,
  signal: AbortSignal,
): Promise<Pick<RotationObservation, 'keys' | 'keyProblem'>> {
  const key = createGuestKey(machines.node(fleet, guest), fleet.secrets.guestKeyFile, name, { signal });
  const looked = await orProblem(() => key.recipients(), signal);
  if ('problem' in looked) return { keys: [], keyProblem: looked.problem };
  switch (looked.type) {
    case 'keys':
      return { keys: looked.recipients };
    case 'no age':
      return { keys: [], keyProblem: 'age-keygen is not there' };
    case 'no key file':
      return { keys: [], keyProblem: looked.message };
    case 'unexpected':
      return { keys: [], keyProblem: looked.output };
  }
}

async function lookAtGuest(
  deps: Deps,
  fleet: Fleet,
  { fleet: ref, guest: node }: GuestRef,
  context: ActivityContext,
): Promise<Pick<RotationObservation, 'system' | 'systemProblem' | 'login'>> {
  const { signal } = context;
  const system = await orProblem(() => readSystemState(deps, { fleet: ref, node }, context), signal);
  if ('problem' in system) return { systemProblem: system.problem };
  const login = await loginTrouble(deps, fleet, node, signal);
  return { system, ...(login === undefined ? {} : { login }) };
}

const namedBy = ({ rules }: SopsConfig, keys: readonly string[]): string[] =>
  keys.filter((key) => rules.some(({ recipients }) => recipients.includes(key)));

/** `keysOf`: which of the keys that the rules name are the guest's. */
export async function lookAtFiles(
  deps: Deps,
  fleet: Fleet,
  { fleet: { revision }, guest, name }: GuestRef,
  keysOf: (config: SopsConfig) => string[],
  { signal, report }: ActivityContext,
): Promise<Pick<RotationObservation, 'names' | 'named' | 'files' | 'configProblem' | 'sopsProblem'>> {
  const nothing = { names: {}, named: [], files: [] };
  const secrets = await orProblem(() => secretsAt(deps, fleet, revision, signal), signal);
  if ('problem' in secrets) return { ...nothing, configProblem: secrets.problem };
  const { config } = secrets;
  const named = keysOf(config);
  const found = { ...nothing, names: config.names, named };
  const version = await programVersion(deps.local, ['sops', '--disable-version-check', '--version'], { signal });
  if (version.type !== 'version') return { ...found, sopsProblem: 'sops is not in the worker’s PATH' };
  const [old] = named;
  if (old === undefined || named.length > 1) return found;
  const proof = join(scratchOf(deps, name), 'proof');
  const sops = await orProblem(() => Promise.resolve(operatorSops(deps, fleet, name, signal)), signal);
  if ('problem' in sops) return { ...found, sopsProblem: sops.problem };
  const files: AffectedFile[] = [];
  const guests = Object.keys(fleet.guests).filter((each) => each !== guest);
  for (const path of await secrets.paths()) {
    report({ progress: path });
    const file = await lookAtFile(secrets, fleet.secrets.config, path, old, { sops, proof });
    if (file === undefined) continue;
    const others = file.recipients.flatMap((key) => guests.filter((each) => config.names[key] === each));
    files.push({ path, values: file.values, others, ...(file.problem === undefined ? {} : { problem: file.problem }) });
  }
  await rm(proof, { recursive: true, force: true });
  return { ...found, files };
}

/** Undefined where neither the file nor its rule has the key. */
async function lookAtFile(
  secrets: SecretsAt,
  configPath: string,
  path: string,
  old: string,
  { sops, proof }: { sops: Sops; proof: string },
): Promise<{ values: string[]; recipients: string[]; problem?: string } | undefined> {
  const rule = ruleFor(secrets.config, posix.relative(posix.dirname(configPath), path));
  const read = await secrets.read(path);
  if (read === undefined) return undefined;
  const { text, file } = read;
  const recipients = file.stanzas.map(({ recipient }) => recipient);
  if (!recipients.includes(old) && rule?.recipients.includes(old) !== true) return undefined;
  const found = { values: file.valueNames, recipients };
  if (rule === undefined) return { ...found, problem: 'no rule is for it' };
  if (!isSame([...recipients, ...file.others], [...rule.recipients, ...rule.others]))
    return { ...found, problem: 'its recipients are not those of its rule' };
  await put(proof, path, text);
  const tried = await sops.tryDecrypt(join(proof, path));
  switch (tried.type) {
    case 'decryptable':
      return found;
    case 'no key':
      return { ...found, problem: 'the operator’s key is none of its recipients, or is not there' };
    case 'damaged':
      return { ...found, problem: 'it was changed without sops, or is not whole' };
    case 'not encrypted':
    case 'no rule':
      return { ...found, problem: tried.type };
    case 'unexpected':
      return { ...found, problem: tried.output };
  }
}

export const isSame = (one: readonly string[], other: readonly string[]): boolean =>
  one.length === other.length && one.every((each) => other.includes(each));

/** Into a folder that only the worker's user reads. */
export async function put(folder: string, path: string, text: string): Promise<void> {
  const file = join(folder, path);
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  await writeFile(file, text, { mode: 0o600 });
}
