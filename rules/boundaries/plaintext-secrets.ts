import { entriesOfFile } from '../config-keys.ts';
import type { HclFile, Monorepo, NixFile, YamlSource } from '../monorepo.ts';
import type { Range } from '../place.ts';
import type { Rule, Violation } from '../rule.ts';
import { isSecretName, isSecretValue, URL_PASSWORD } from '../secret-names.ts';

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

/** `initialPassword` and the like too. */
const inNix = ({ path: file, settings }: NixFile): Violation[] =>
  settings.flatMap(({ path, value }) =>
    isSecretName(path.at(-1) ?? '') && value.type === 'string' && value.whole && isSecretValue(value.value)
      ? [plain(file, path.join('.'), value)]
      : [],
  );

function inHcl(source: HclFile): Violation[] {
  const { path: file, root } = source;
  const named = entriesOfFile(source).flatMap(({ key, value }) =>
    key !== undefined && isSecretName(key) && value.type === 'string' && value.whole && isSecretValue(value.value)
      ? [plain(file, key, value)]
      : [],
  );
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

/** `POSTGRES_PASSWORD: x`, and as an item of a list `POSTGRES_PASSWORD=x`. */
const inYaml = ({ path: file, settings }: YamlSource): Violation[] =>
  settings.flatMap(({ path, value, valueAt }) => {
    const last = path.at(-1) ?? '';
    if (value === undefined) return [];
    const [, name = '', item = ''] = /^\d+$/.test(last)
      ? (/^([A-Z][A-Z0-9_]*)=(.*)$/.exec(value) ?? [])
      : ['', last, value];
    return isSecretName(name) && isSecretValue(item) ? [plain(file, name, valueAt)] : [];
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
      isSecretName(name) && isSecretValue(value) ? [plain(file, name, { start: index, end: index + length })] : [],
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
