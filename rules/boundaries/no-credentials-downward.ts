import { entriesIn } from '../config-keys.ts';
import { hostFiles, resourcesOf, type HclFile, type Monorepo } from '../monorepo.ts';
import { isAt } from '../nix-options.ts';
import type { HclBlock, HclEntry, HclValue } from '../parse/hcl.ts';
import type { NixSetting } from '../parse/nix.ts';
import type { Rule, Violation } from '../rule.ts';
import { isSecretName } from '../secret-names.ts';
import { attributeOf, entriesOf, literal, resolved, resourceName } from '../terraform.ts';

export const noCredentialsDownward: Rule = {
  id: 'no-credentials-downward',
  title: 'No credentials are pushed downward',
  section: '§10',
  severity: 'error',
  why: 'Guests pull from hosts, so a host needs no login to what runs in a guest; and a guest’s secrets come from SOPS, not by way of Incus, whose database and members would know them.',
  whatToDo: 'Let the guest pull without credentials over the hosts’ own network, or encrypt the secret for the guest.',
  check: (repo) => [...onHosts(repo), ...intoInstances(repo)],
};

/** Agents that send, and what is set for their login. */
const AGENTS = ['services.promtail', 'services.prometheus', 'services.alloy', 'services.vector', 'services.fluent-bit'];
/** Login words of these agents, which are no secrets by their name. */
const LOGIN = /^(?:basic_auth|basicAuth|bearer_token_file|bearerTokenFile|password_?file|credentials_?file|oauth2)$/i;
/** What decrypts on a host. */
const DECRYPTED = ['sops.secrets.*', 'age.secrets.*', 'sops.templates.*'];

const onHosts = (repo: Monorepo): Violation[] =>
  hostFiles(repo).flatMap(({ path: file, settings }) => {
    const decrypted = firstOfEach(settings.filter((setting) => DECRYPTED.some((option) => isAt(setting, option))));
    const logins = settings
      .filter(isLogin)
      .filter(({ path }, _index, all) => !all.some((each) => isAbove(each.path, path)));
    return [
      ...decrypted.map((at) => ({
        file,
        at,
        message: `${at.path.slice(0, 3).join('.')}: a secret is decrypted on a host.`,
        // A host may have one of its own, as the password of the repository that its identity goes to.
        severity: 'warning' as const,
        whatToDo: 'If a guest needs it, encrypt it for that guest. If it is the host’s own, say so: # runbook-ignore.',
      })),
      ...logins.map((at) => ({
        file,
        at,
        message: `${at.path.join('.')}: a host logs in to what collects from it.`,
        whatToDo: 'Have the guest pull, or take what hosts send it by their address alone.',
      })),
    ];
  });

function isLogin(setting: NixSetting): boolean {
  const name = setting.path.at(-1) ?? '';
  return AGENTS.some((agent) => isAt(setting, agent)) && (LOGIN.test(name) || isSecretName(name));
}

const isAbove = (above: readonly string[], path: readonly string[]): boolean =>
  above.length < path.length && above.every((word, index) => word === path[index]);

function firstOfEach(settings: NixSetting[]): NixSetting[] {
  const first = new Map<string, NixSetting>();
  for (const setting of settings) {
    const key = setting.path.slice(0, setting.path[0] === 'config' ? 4 : 3).join('.');
    if (!first.has(key)) first.set(key, setting);
  }
  return [...first.values()];
}

/** Where secrets of a guest are. */
const KEY_PATH = /sops-nix|age.*key|\.ssh\/id_|\/run\/secrets|ssh_host_\w+_key$/;

const intoInstances = (repo: Monorepo): Violation[] =>
  resourcesOf(repo, 'incus_instance', 'incus_profile').flatMap(({ file, block }) => {
    const name = resourceName(repo, file, block);
    const { entries } = entriesOf(repo, file, attributeOf(block, 'config')?.value);
    return [
      ...entries.flatMap((entry) => ofConfig(repo, file, name, entry)),
      ...block.blocks.flatMap((inner) => (inner.type === 'file' ? ofFile(repo, file, name, inner) : [])),
    ];
  });

function ofConfig(repo: Monorepo, file: HclFile, name: string, { key = '', value, start, end }: HclEntry): Violation[] {
  const at = { start, end };
  if (key.startsWith('environment.') && isSecretName(key.slice('environment.'.length)))
    return [{ file: file.path, at, message: `Incus gives ${name} the secret ${key}.` }];
  if (!/^(?:cloud-init\.|user\.)(?:user|vendor|network)-data$|^user\.user-data$/.test(key)) return [];
  const names = secretsNamedIn(resolved(repo, file, value));
  return names.map((secret) => ({
    file: file.path,
    at,
    message: `The first boot of ${name} brings the secret ${secret} through Incus.`,
    whatToDo: 'The first boot only makes the VM’s own key; secrets come after it, encrypted to it.',
  }));
}

/** `var.db_password` in it, or in what a function is given. */
function secretsNamedIn(value: HclValue): string[] {
  switch (value.type) {
    case 'reference':
      return value.path.split('.').slice(0, 2).filter(isSecretName);
    case 'call':
      return value.args.flatMap(secretsNamedIn);
    case 'object':
      return value.entries.flatMap((entry) => secretsNamedIn(entry.value));
    case 'tuple':
      return value.items.flatMap(secretsNamedIn);
    case 'string':
      return value.references.filter((path) => path.split('.').some(isSecretName));
    case 'number':
    case 'bool':
    case 'other':
      return [];
  }
}

function ofFile(repo: Monorepo, file: HclFile, name: string, block: HclBlock): Violation[] {
  const target = literal(repo, file, attributeOf(block, 'target_path')?.value) ?? '';
  const isSecret = KEY_PATH.test(target) || entriesIn(block).some(({ value }) => secretsNamedIn(value).length > 0);
  if (!isSecret) return [];
  return [
    {
      file: file.path,
      at: block,
      message: `Incus puts a secret into ${name}${target === '' ? '' : `: ${target}`}.`,
      whatToDo: 'The VM makes its own key at its first boot, and decrypts its secrets itself.',
    },
  ];
}
