import { entriesOfFile } from '../config-keys.ts';
import type { HclFile, Monorepo, NixFile, YamlSource } from '../monorepo.ts';
import type { HclValue } from '../parse/hcl.ts';
import type { NixValue } from '../parse/nix.ts';
import type { Range } from '../place.ts';
import type { Rule, Violation } from '../rule.ts';
import { secretLines, tellItem, tellValue } from '../secret-lines.ts';
import { isListOfSecrets, isSecretName, isSecretValue, URL_PASSWORD } from '../secret-names.ts';

const WHAT_TO_DO =
  'Put it into a file that SOPS encrypts for the guest that needs it, name that file here, and change the secret: git’s history keeps this one.';

export const noPlaintextSecrets: Rule = {
  id: 'no-plaintext-secrets',
  title: 'No secret is in plain text',
  section: '§7',
  severity: 'error',
  why: 'Secrets are encrypted for each VM, and never leave it. Plain text is for everybody who has a clone, and in Nix for every user of the machine: its store can be read by all.',
  whatToDo: WHAT_TO_DO,
  check: (repo) => [
    ...repo.nix.flatMap(inNix),
    ...repo.hcl.flatMap(inHcl),
    ...repo.yaml.filter(({ path }) => !isEncrypted(repo, path)).flatMap(inYaml),
    ...repo.files.flatMap(inUrls),
    ...repo.files.flatMap(inEnvironment),
    ...repo.files.flatMap(states),
    ...ofSecretFiles(repo),
  ],
};

const isEncrypted = ({ secrets }: Monorepo, path: string): boolean =>
  secrets?.files.some((file) => file.path === path && file.state === 'encrypted') === true;

const plain = (file: string, name: string, at: Range): Violation => ({
  file,
  at,
  message: `${name} is a secret in plain text.`,
});

const hashed = (file: string, name: string, at: Range): Violation => ({
  file,
  at,
  message: `${name} is the hash of a password: whoever has a clone can try passwords until one fits.`,
  severity: 'warning',
  whatToDo: 'Put it into a file that SOPS encrypts, and name that file: hashedPasswordFile.',
});

const told = (kind: 'secret' | 'hash' | undefined, file: string, name: string, at: Range): Violation[] =>
  kind === undefined ? [] : [kind === 'hash' ? hashed(file, name, at) : plain(file, name, at)];

/** What a text is where it is set to `name`, or is an item of a list by that name. */
const ofItem = (file: string, list: string, item: string, at: Range): Violation[] => {
  const assigned = tellItem(item);
  if (assigned !== undefined) return told(assigned.told, file, assigned.name, at);
  return told(isListOfSecrets(list) ? tellValue(list, item) : undefined, file, list, at);
};

/** In what is written over several lines. */
const inLines = ({ path: file, text }: { path: string; text: string }, { start, end }: Range): Violation[] => {
  const own = text.slice(start, end);
  return own.includes('\n')
    ? secretLines(own, start).map(({ name, isHash, ...at }) => (isHash ? hashed : plain)(file, name, at))
    : [];
};

/** `initialPassword` and the like too. */
const inNix = (source: NixFile): Violation[] =>
  source.settings.flatMap(({ path, value }) => {
    const name = path.at(-1) ?? '';
    const ofText = (each: NixValue): Violation[] => (each.type === 'string' ? inLines(source, each) : []);
    if (value.type === 'list')
      return value.items.flatMap((item) => [
        ...(item.type === 'string' && item.whole ? ofItem(source.path, name, item.value, item) : []),
        ...ofText(item),
      ]);
    const own = value.type === 'string' && value.whole ? tellValue(name, value.value) : undefined;
    return own === undefined ? ofText(value) : told(own, source.path, path.join('.'), value);
  });

function inHcl(source: HclFile): Violation[] {
  const { path: file, root } = source;
  const named = entriesOfFile(source).flatMap(({ key = '', value }) => ofHcl(source, key, value));
  const defaults = root.blocks
    .filter(({ type, labels: [name = ''] }) => type === 'variable' && isSecretName(name))
    .flatMap(({ labels: [name = ''], attributes }) =>
      attributes.flatMap(({ key, value }) =>
        key === 'default' && value.type === 'string' && isSecretValue(value.value)
          ? [plain(file, `The default of ${name}`, value)]
          : [],
      ),
    );
  return [...named, ...defaults];
}

function ofHcl(source: HclFile, key: string, value: HclValue): Violation[] {
  switch (value.type) {
    case 'string': {
      const own = value.whole ? tellValue(key, value.value) : undefined;
      return own === undefined ? inLines(source, value) : told(own, source.path, key, value);
    }
    case 'tuple':
      return value.items.flatMap((item) =>
        item.type === 'string' && item.whole ? ofItem(source.path, key, item.value, item) : [],
      );
    case 'call':
      return value.args.flatMap((arg) => (arg.type === 'string' ? inLines(source, arg) : []));
    case 'number':
    case 'bool':
    case 'object':
    case 'reference':
    case 'other':
      return [];
  }
}

/** `POSTGRES_PASSWORD: x`, and as an item of a list `POSTGRES_PASSWORD=x`. */
const inYaml = (source: YamlSource): Violation[] =>
  source.settings.flatMap(({ path, value, valueAt }) => {
    const [list = '', last = ''] = ['', ...path].slice(-2);
    if (value === undefined) return [];
    if (/^\d+$/.test(last)) return [...ofItem(source.path, list, value, valueAt), ...inLines(source, valueAt)];
    const own = tellValue(last, value);
    return own === undefined ? inLines(source, valueAt) : told(own, source.path, last, valueAt);
  });

const inUrls = ({ path: file, text }: { path: string; text: string }): Violation[] =>
  /\.(?:md|lock)$/.test(file)
    ? []
    : Array.from(text.matchAll(URL_PASSWORD), ({ index, 0: { length } }) =>
        plain(file, 'A password in a URL', { start: index, end: index + length }),
      );

/** Files of lines `NAME=value`. */
function inEnvironment({ path: file, text }: { path: string; text: string }): Violation[] {
  if (!/(?:^|\/)(?:[\w-]*\.)?env(?:\.(?!example$|sample$|template$)[\w-]+)?$/.test(file) || /\bsops_/.test(text))
    return [];
  return Array.from(text.matchAll(/^(?:export )?([A-Za-z_]\w*)=["']?([^\s"'][^\r\n]*)/gm)).flatMap(
    ({ index, 0: { length }, 1: name = '', 2: value = '' }) =>
      told(tellValue(name, value), file, name, { start: index, end: index + length }),
  );
}

/** Terraform keeps in its states all that it knows. */
const states = ({ path: file }: { path: string }): Violation[] =>
  /\.tfstate(?:\.[\w.-]+)?$|\.tfplan$/.test(file)
    ? [
        {
          file,
          at: { start: 0, end: 1 },
          message: 'A state or a plan of Terraform holds every secret that it was given.',
          whatToDo: 'Keep states where infra.state of runbook.yaml says: git rm --cached, and a line in .gitignore.',
        },
      ]
    : [];

/** Files that a rule of SOPS or runbook.yaml takes for secrets, and that are not encrypted. */
const ofSecretFiles = ({ secrets }: Monorepo): Violation[] =>
  (secrets?.files ?? []).flatMap(({ path: file, drift }) =>
    drift
      .filter(({ type }) => type === 'plain')
      .map(({ message, whatToDo }) => ({ file, at: { start: 0, end: 1 }, message, whatToDo })),
  );
