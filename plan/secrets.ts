/** What `runbook secrets status` shows, and what it makes of it. Plain data, pure. */

/** A file as it is, and as the rules want it. */
export interface SecretFileFacts {
  /** From the root of the monorepo. */
  path: string;
  /** `plain`: nothing in it is encrypted. */
  state: 'encrypted' | 'plain' | 'missing' | 'unreadable';
  problem?: string;
  /** Those that can decrypt it. */
  recipients: string[];
  lastModified?: string;
  /** The rule that SOPS would take for it. */
  rule?: { line: number; pathRegex?: string; recipients: string[] };
  dataKey?: DataKeyAge;
}

/** As git tells it: a data key is at least as old as the oldest commit that it can be followed back to. */
export interface DataKeyAge {
  /** ISO 8601. */
  since: string;
  /** The history was not read further back. */
  atLeast?: true;
}

export interface SecretsFacts {
  /** Of the file with the rules. */
  config: string;
  names: Readonly<Record<string, string>>;
  files: SecretFileFacts[];
  /** Which guests each file is for, as the fleet file says. */
  guests: Readonly<Record<string, readonly string[]>>;
}

/** Begins what stands in the rules where a public key is to be put: `runbook init` does not know any yet. */
export const PLACEHOLDER = 'REPLACE';

export interface Drift {
  type: 'no key' | 'missing' | 'superfluous' | 'no rule' | 'plain' | 'shared' | 'not there' | 'unreadable' | 'guest';
  message: string;
  whatToDo: string;
}

export interface SecretFileView extends Omit<SecretFileFacts, 'recipients'> {
  recipients: { key: string; name?: string }[];
  drift: Drift[];
}

export interface SecretsView {
  config: string;
  files: SecretFileView[];
  /** How many differences there are between the rules and the files. */
  drift: number;
}

/**
 * How old the data key is: with another one every value is encrypted anew, so versions that share one share the key.
 * `history`: the file's former versions, newest first. Undefined where nothing in it is encrypted.
 */
export function dataKeyAge(
  now: { ciphertexts: readonly string[]; lastModified?: string },
  history: readonly { at: string; ciphertexts: readonly string[] }[],
  isWhole: boolean,
): DataKeyAge | undefined {
  if (now.ciphertexts.length === 0) return undefined;
  let { ciphertexts } = now;
  let since = now.lastModified;
  for (const version of history) {
    if (!version.ciphertexts.some((each) => ciphertexts.includes(each)))
      return since === undefined ? undefined : { since };
    ({ ciphertexts } = version);
    since = version.at;
  }
  return since === undefined ? undefined : { since, ...(isWhole ? {} : { atLeast: true }) };
}

/** Holds each file to its rule. */
export function secretsView(facts: SecretsFacts): SecretsView {
  const files = facts.files.map((file) => ({
    ...file,
    recipients: file.recipients.map((key) => ({ key, ...named(facts, key) })),
    drift: driftOf(facts, file),
  }));
  return { config: facts.config, files, drift: files.reduce((sum, { drift }) => sum + drift.length, 0) };
}

const named = ({ names }: SecretsFacts, key: string): { name?: string } =>
  names[key] === undefined ? {} : { name: names[key] };

/** `edge-vm`, or the beginning of the key where nobody has named it. */
export const shortName = (names: Readonly<Record<string, string>>, key: string): string =>
  names[key] ?? (key.length <= 16 ? key : `${key.slice(0, 12)}…`);

function driftOf(facts: SecretsFacts, file: SecretFileFacts): Drift[] {
  const { path, state, problem = '', rule } = file;
  switch (state) {
    case 'missing': {
      const unknown = (rule?.recipients ?? []).filter((key) => key.startsWith(PLACEHOLDER));
      if (unknown.length > 0) return [noKey(facts, path, unknown)];
      return [
        {
          type: 'not there',
          message: `${path} is not there; runbook.yaml says that ${theGuests(facts, path)} can decrypt it.`,
          whatToDo: 'Make it with sops, or take it from the guest’s secrets in runbook.yaml.',
        },
      ];
    }
    case 'unreadable':
      return [
        { type: 'unreadable', message: `${path} cannot be read: ${problem}.`, whatToDo: 'Correct it: git checkout.' },
      ];
    case 'plain':
      return [
        {
          type: 'plain',
          message: `${path} is not encrypted, and ${rule === undefined ? 'runbook.yaml names it as a secret' : `${ruleWords(facts, file)} is for it`}.`,
          whatToDo: `sops --config ${facts.config} encrypt -i ${path}. What was committed stays readable in git’s history: change the values at their source.`,
        },
      ];
    case 'encrypted':
      return rule === undefined ? [noRule(facts, path), ...ofGuests(facts, file)] : ofRule(facts, file, rule);
  }
}

/** The file cannot be made before the keys are there. */
const noKey = ({ config, names }: SecretsFacts, path: string, unknown: readonly string[]): Drift => ({
  type: 'no key',
  message: `${path} cannot be made yet: ${config} has no public key of ${unknown.map((key) => shortName(names, key)).join(', ')}.`,
  whatToDo: `Put the keys in place of what begins with ${PLACEHOLDER} there, then make the file with sops. A guest prints its key with age-keygen -y; if it needs no secrets, take the file from it in runbook.yaml.`,
});

const noRule = ({ config }: SecretsFacts, path: string): Drift => ({
  type: 'no rule',
  message: `No rule of ${config} is for ${path}.`,
  whatToDo: 'Add one: without it, sops updatekeys leaves the file as it is.',
});

function ofRule(facts: SecretsFacts, file: SecretFileFacts, rule: { recipients: readonly string[] }): Drift[] {
  const { config } = facts;
  const { path, recipients } = file;
  const missing = rule.recipients.filter((key) => !recipients.includes(key));
  const superfluous = recipients.filter((key) => !rule.recipients.includes(key));
  const names = (keys: readonly string[]): string => keys.map((key) => shortName(facts.names, key)).join(', ');
  const update = `sops --config ${config} updatekeys ${path}`;
  return [
    ...(missing.length === 0
      ? []
      : [
          {
            type: 'missing' as const,
            message: `${names(missing)} cannot decrypt ${path}, and ${ruleWords(facts, file)} says so.`,
            whatToDo: update,
          },
        ]),
    ...(superfluous.length === 0
      ? []
      : [
          {
            type: 'superfluous' as const,
            message: `${names(superfluous)} can decrypt ${path}, and ${ruleWords(facts, file)} does not name them.`,
            whatToDo: `${update}, then sops rotate -i ${path}: who had its data key has it still.`,
          },
        ]),
    ...ofGuests(facts, file),
  ];
}

/** Secrets are of one guest each, unless the fleet file says that several have them. */
function ofGuests(facts: SecretsFacts, { path, recipients }: SecretFileFacts): Drift[] {
  const { guests, names } = facts;
  const readers = Object.keys(guests).filter((guest) => recipients.some((key) => names[key] === guest));
  const declared = Object.keys(guests).filter((guest) => guests[guest]?.includes(path));
  const undeclared = readers.filter((guest) => !declared.includes(guest));
  const shared: Drift[] =
    readers.length > 1 && undeclared.length > 0
      ? [
          {
            type: 'shared',
            message: `${path} is shared: ${readers.join(', ')} can decrypt it, and runbook.yaml does not say so of ${undeclared.join(', ')}.`,
            whatToDo: 'Give each guest a file of its own, or declare it in secrets of each.',
          },
        ]
      : [];
  const without = declared.filter((guest) => !readers.includes(guest) && Object.values(names).includes(guest));
  return [
    ...shared,
    ...without.map((guest) => ({
      type: 'guest' as const,
      message: `${guest} cannot decrypt ${path}, and runbook.yaml says that it can.`,
      whatToDo: `Add its key to the rule in ${facts.config}, then sops updatekeys ${path}.`,
    })),
  ];
}

const theGuests = ({ guests }: SecretsFacts, path: string): string =>
  Object.keys(guests)
    .filter((guest) => guests[guest]?.includes(path))
    .join(', ');

const ruleWords = ({ config }: SecretsFacts, { rule }: SecretFileFacts): string =>
  `the rule of ${config}:${rule?.line ?? 1}`;
