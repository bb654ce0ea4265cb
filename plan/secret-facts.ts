import type { SecretFileFacts } from './secrets.ts';
import type { SopsRule } from './sops-config.ts';
import { readSecretFile } from './sops-file.ts';

/** A file with the rule that is for it. `text`: undefined where the file is not there. Needs no key. */
export function secretFileFacts(path: string, text: string | undefined, rule: SopsRule | undefined): SecretFileFacts {
  const facts = { path, recipients: [], ...(rule === undefined ? {} : { rule: ruleFacts(rule) }) };
  if (text === undefined) return { ...facts, state: 'missing' };
  const file = readSecretFile(path, text);
  switch (file.type) {
    case 'unreadable':
      return { ...facts, state: 'unreadable', problem: file.message };
    case 'plain':
      return { ...facts, state: 'plain' };
    case 'encrypted':
      return {
        ...facts,
        state: 'encrypted',
        recipients: [...file.stanzas.map(({ recipient }) => recipient), ...file.others],
        ...(file.lastModified === undefined ? {} : { lastModified: file.lastModified }),
      };
  }
}

const ruleFacts = ({ line, pathRegex, recipients, others }: SopsRule): NonNullable<SecretFileFacts['rule']> => ({
  line,
  ...(pathRegex === undefined ? {} : { pathRegex }),
  recipients: [...recipients, ...others],
});

/**
 * Whether a file is to be encrypted: the fleet file says so, or a rule takes it by its name. One without a pattern takes
 * every file, and one that is encrypted is one.
 */
export const isSecretFile = ({ state, rule }: SecretFileFacts, isDeclared: boolean): boolean =>
  isDeclared || state === 'encrypted' || (state !== 'missing' && rule?.pathRegex !== undefined);
