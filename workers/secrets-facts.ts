import { readFile } from 'node:fs/promises';
import { dirname, join, posix } from 'node:path';
import type { Fleet } from '../fleet/schema.ts';
import { createLocalHost } from '../hosts/local.ts';
import { isSecretFile, secretFileFacts } from '../plan/secret-facts.ts';
import { dataKeyAge, type DataKeyAge, type SecretFileFacts, type SecretsFacts } from '../plan/secrets.ts';
import { readSopsConfig, ruleFor, type SopsConfig } from '../plan/sops-config.ts';
import { readSecretFile, type EncryptedFile } from '../plan/sops-file.ts';
import { createGit, type Git, type Repository } from '../tools/git.ts';
import type { NotFound, Unexpected } from '../tools/result.ts';

/** So many versions of a file are looked into for the age of its data key. */
const MOST_VERSIONS = 50;

export type FoundSecrets = { type: 'facts'; facts: SecretsFacts } | { type: 'problem'; message: string };

/**
 * Every file with secrets as it lies in the work tree, with the rule that is for it. Needs no key and decrypts nothing.
 * `folder`: the one that has runbook.yaml.
 */
export async function findSecrets(folder: string, { secrets, guests }: Fleet): Promise<FoundSecrets> {
  const git = createGit(createLocalHost({ stateDir: folder }));
  const located = await git.locate(folder);
  if (located.type !== 'repository') return problem(located);
  const text = await textOf(join(folder, secrets.config));
  if (text === undefined)
    return { type: 'problem', message: `There is no ${secrets.config}: secrets.config in runbook.yaml names it.` };
  const read = readSopsConfig(text);
  if (read.type === 'wrong') return { type: 'problem', message: `${secrets.config}: ${read.message}` };
  const listed = await git.listFiles(folder, dirname(secrets.config));
  if (listed.type !== 'files') return problem(listed);
  const own = Object.fromEntries(Object.entries(guests).map(([name, guest]) => [name, guest.secrets]));
  const declared = Object.values(own).flat();
  const below = listed.paths.map((path) => posix.relative(located.dir, path));
  const files: SecretFileFacts[] = [];
  for (const path of [...new Set([...below, ...declared])].sort()) {
    if (path === secrets.config) continue;
    const found = await lookAt({ git, located, folder, config: read.config, configPath: secrets.config }, path);
    if (isSecretFile(found, declared.includes(path))) files.push(found);
  }
  return { type: 'facts', facts: { config: secrets.config, names: read.config.names, files, guests: own } };
}

interface Place {
  git: Git;
  located: Repository;
  folder: string;
  config: SopsConfig;
  configPath: string;
}

async function lookAt(place: Place, path: string): Promise<SecretFileFacts> {
  const { config, configPath, folder } = place;
  const rule = ruleFor(config, posix.relative(posix.dirname(configPath), path));
  const text = await textOf(join(folder, path));
  const facts = secretFileFacts(path, text, rule);
  const file = text === undefined ? undefined : readSecretFile(path, text);
  const dataKey = file?.type === 'encrypted' ? await ageOfDataKey(place, path, file) : undefined;
  return { ...facts, ...(dataKey === undefined ? {} : { dataKey }) };
}

async function ageOfDataKey(
  { git, located, folder }: Place,
  path: string,
  file: EncryptedFile,
): Promise<DataKeyAge | undefined> {
  const found = await git.history(folder, path, MOST_VERSIONS);
  const commits = found.type === 'history' ? found.commits : [];
  const history = [];
  for (const { revision, at } of commits) {
    const version = await git.readFileAt(located.root, revision, posix.join(located.dir, path));
    if (version.type !== 'file') continue;
    const read = readSecretFile(path, version.content);
    history.push({ at, ciphertexts: read.type === 'encrypted' ? read.ciphertexts : [] });
    // The key changed between this version and the one after it: older ones don't matter.
    if (history.length > 1 && dataKeyAge(file, history, false)?.atLeast !== true) break;
  }
  return dataKeyAge(file, history, !located.shallow && commits.length < MOST_VERSIONS);
}

async function textOf(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (['ENOENT', 'EISDIR', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}

const problem = (answer: NotFound | Unexpected): FoundSecrets => ({
  type: 'problem',
  message: answer.type === 'not found' ? `There is no ${answer.what}.` : `${answer.argv}: ${answer.output}`,
});
