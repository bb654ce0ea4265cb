import { homedir } from 'node:os';
import { join, posix } from 'node:path';
import type { Fleet } from '../fleet/schema.ts';
import { readSopsConfig, type SopsConfig } from '../plan/sops-config.ts';
import { readSecretFile, type EncryptedFile } from '../plan/sops-file.ts';
import { createGit } from '../tools/git.ts';
import { createSops, type Sops } from '../tools/sops.ts';
import type { Deps } from './deps.ts';
import { failure, toolFailure } from './failure.ts';
import { requireCommit } from './fleet-at.ts';

/** The secrets of a commit, as they are encrypted. Paths are from the folder that has runbook.yaml. */
export interface SecretsAt {
  /** The file with the rules: its text, and what it says. */
  configText: string;
  config: SopsConfig;
  /** Undefined where it is not there. */
  textOf(path: string): Promise<string | undefined>;
  read(path: string): Promise<{ text: string; file: EncryptedFile } | undefined>;
  /** Everything in the folder of the rules, and what the fleet file names. */
  paths(): Promise<string[]>;
}

/** Fails as NotReencrypted where there are no rules, or they cannot be read. */
export async function secretsAt(
  { local, repository }: Pick<Deps, 'local' | 'repository'>,
  { secrets, guests }: Fleet,
  revision: string,
  signal: AbortSignal,
): Promise<SecretsAt> {
  const { root, dir } = await repository();
  const git = createGit(local, { signal });
  // Another worker may have made it.
  await requireCommit(git, root, revision);
  const textOf = async (path: string): Promise<string | undefined> => {
    const file = await git.readFileAt(root, revision, posix.join(dir, path));
    if (file.type === 'file') return file.content;
    if (file.type === 'not found') return undefined;
    throw toolFailure(`Reading ${path}`, file);
  };
  const configText = await textOf(secrets.config);
  if (configText === undefined)
    throw failure('NotReencrypted', `There is no ${secrets.config} in commit ${revision.slice(0, 7)}.`);
  const read = readSopsConfig(configText);
  if (read.type === 'wrong') throw failure('NotReencrypted', `${secrets.config}: ${read.message}`);
  return {
    configText,
    config: read.config,
    textOf,
    read: async (path) => {
      const text = await textOf(path);
      if (text === undefined) return undefined;
      const file = readSecretFile(path, text);
      return file.type === 'encrypted' ? { text, file } : undefined;
    },
    paths: async () => {
      const folder = posix.join(dir, posix.dirname(secrets.config));
      const listed = await git.listFilesAt(root, revision, folder);
      if (listed.type !== 'files') throw toolFailure('The files with secrets', listed);
      const declared = Object.values(guests).flatMap((guest) => guest.secrets);
      const below = listed.paths.map((path) => posix.relative(dir, path));
      return [...new Set([...below, ...declared])].filter((path) => path !== secrets.config).sort();
    },
  };
}

/** The operator's key file on the worker. Fails as BadConfig where none is declared. */
export function operatorKeyFile({ secrets: { identityFile } }: Fleet): string {
  if (identityFile === undefined)
    throw failure('BadConfig', 'runbook.yaml has no secrets.identityFile: nothing can be encrypted anew without it.');
  return identityFile.replace(/^~(?=\/)/, homedir());
}

/** A run's own folder for files that are being encrypted anew: nothing plain is ever in it. */
export const scratchOf = ({ stateDir }: Pick<Deps, 'stateDir'>, run: string): string => join(stateDir, 'secrets', run);

/** SOPS with the operator's key, and no other that may be lying about. */
export function operatorSops(
  deps: Pick<Deps, 'local' | 'stateDir'>,
  fleet: Fleet,
  run: string,
  signal: AbortSignal,
): Sops {
  const home = join(scratchOf(deps, run), 'home');
  return createSops(deps.local, { keyFile: operatorKeyFile(fleet), home }, { signal });
}
