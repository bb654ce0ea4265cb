import { PLACEHOLDER } from '../../plan/secrets.ts';
import type { Answers } from './answers.ts';
import { yamlText } from './text.ts';

/** The rules of SOPS: each guest’s file to the guest and to the operator. What nobody knows yet stands out. */
export function sopsRules({ guests, recipients }: Answers): string {
  const [operator, ...others] = recipients;
  const placeholder = (name: string): string => `${PLACEHOLDER}-WITH-THE-PUBLIC-KEY-OF-${name}`;
  const keys = [
    ['operator', operator ?? placeholder('operator')],
    ...others.map((key, index) => [`operator-${index + 2}`, key]),
    ...guests.map(({ name }) => [name, placeholder(name)]),
  ] as const;
  const operators = keys.slice(0, keys.length - guests.length).map(([name = '']) => `*${name}`);
  const rules = guests.map(
    ({ name, short }) => `  - path_regex: ^${short}\\.enc\\.yaml$
    key_groups: [{ age: [${[...operators, `*${name}`].join(', ')}] }]`,
  );
  return `# Who can decrypt which file. \`runbook secrets status\` says what is missing and what differs.
keys:
  # The operator's: age-keygen -o ~/.config/sops/age/keys.txt prints it. Keep the private one on paper too.
${keys.slice(0, operators.length).map(keyLine).join('\n')}
${guests.length === 0 ? '' : "  # Each guest's: scripts/guest-key.sh prints it once the guest is deployed.\n"}${keys
    .slice(operators.length)
    .map((key) => `${keyLine(key)}\n`)
    .join('')}creation_rules:${rules.length === 0 ? ' []' : `\n${rules.join('\n')}`}
`;
}

const keyLine = ([name = '', key = '']: readonly (string | undefined)[]): string => `  - &${name} ${yamlText(key)}`;
