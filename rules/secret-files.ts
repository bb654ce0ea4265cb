import { posix } from 'node:path';
import type { Fleet } from '../fleet/schema.ts';
import { isSecretFile, secretFileFacts } from '../plan/secret-facts.ts';
import { secretsView } from '../plan/secrets.ts';
import { readSopsConfig, ruleFor } from '../plan/sops-config.ts';
import type { MonorepoInput, SourceFile } from './monorepo.ts';

/** Who can decrypt which file, as `runbook secrets status` has it, but without the age of data keys, which git’s history tells. */
export function readSecrets(
  files: readonly SourceFile[],
  { secrets, guests }: Fleet,
): Pick<MonorepoInput, 'secrets' | 'secretsProblem' | 'recipientNames'> {
  const texts = new Map(files.map(({ path, text }) => [path, text]));
  const config = texts.get(secrets.config);
  if (config === undefined)
    return { secrets: undefined, recipientNames: [], secretsProblem: `There is no ${secrets.config}.` };
  const read = readSopsConfig(config);
  if (read.type === 'wrong')
    return { secrets: undefined, recipientNames: [], secretsProblem: `${secrets.config}: ${read.message}` };
  const own = Object.fromEntries(Object.entries(guests).map(([name, guest]) => [name, guest.secrets]));
  const declared = Object.values(own).flat();
  const folder = posix.dirname(secrets.config);
  const below = [...texts.keys()].filter((path) => path.startsWith(`${folder}/`) && path !== secrets.config);
  const facts = [...new Set([...below, ...declared])]
    .sort()
    .map((path) => secretFileFacts(path, texts.get(path), ruleFor(read.config, posix.relative(folder, path))))
    .filter((file) => isSecretFile(file, declared.includes(file.path)));
  const { names } = read.config;
  return {
    secrets: secretsView({ config: secrets.config, names, files: facts, guests: own }),
    recipientNames: Object.values(names),
  };
}
