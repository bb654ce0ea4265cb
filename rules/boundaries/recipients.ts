import type { Monorepo } from '../monorepo.ts';
import type { Range } from '../place.ts';
import type { Drift } from '../../plan/secrets.ts';
import type { Rule, Violation } from '../rule.ts';

/** What `runbook secrets status` says of them, and this rule repeats. */
const KINDS: readonly Drift['type'][] = ['missing', 'superfluous', 'no rule', 'not there', 'unreadable', 'guest'];

export const recipients: Rule = {
  id: 'recipients',
  title: 'Who can decrypt a file is who its rule names',
  section: '§7',
  severity: 'error',
  why: 'A recipient that is missing cannot start with its secrets; one that is superfluous reads what is not its own. A VM that was made anew has another key.',
  whatToDo: 'runbook secrets status says what differs; sops updatekeys makes it so.',
  check: (repo) => [...ruleless(repo), ...drifted(repo), ...nameless(repo)],
};

/** Guests have secrets, and nothing says who can decrypt them. A fleet file alone is no monorepo yet. */
function ruleless(repo: Monorepo): Violation[] {
  const { secretsProblem, fleet, files } = repo;
  const named = Object.values(fleet.guests).flatMap((guest) => guest.secrets);
  if (secretsProblem === undefined || named[0] === undefined || files.length <= 1) return [];
  return [
    {
      ...inFleetFile(repo, named[0]),
      message: secretsProblem,
      whatToDo: 'It has the rules by which SOPS encrypts, and the guests’ public keys: docs/secrets.md.',
    },
  ];
}

const drifted = (repo: Monorepo): Violation[] =>
  (repo.secrets?.files ?? []).flatMap(({ path, drift }) =>
    drift
      .filter(({ type }) => KINDS.includes(type))
      .map(({ type, message, whatToDo }) => ({
        ...(type === 'not there' ? inFleetFile(repo, path) : { file: path, at: metadataOf(repo, path) }),
        message,
        whatToDo,
      })),
  );

/** Where SOPS has written who can decrypt it. */
function metadataOf(repo: Monorepo, file: string): Range {
  const own = repo.yaml.find(({ path }) => path === file)?.settings.find(({ path }) => path.join('.') === 'sops');
  return own ?? { start: 0, end: 1 };
}

function inFleetFile({ yaml, fleetFile }: Monorepo, named: string): { file: string; at: Range } {
  const own = yaml.find(({ path }) => path === fleetFile)?.settings;
  const entry = own?.find(({ path, value }) => path[0] === 'guests' && path[2] === 'secrets' && value === named);
  return { file: fleetFile, at: entry?.valueAt ?? { start: 0, end: 1 } };
}

/** Guests that are to decrypt something, and of which no key is known by name. */
function nameless(repo: Monorepo): Violation[] {
  const { fleet, secrets } = repo;
  if (secrets === undefined) return [];
  const known = new Set(secrets.files.flatMap((file) => file.recipients.map(({ name }) => name)));
  return Object.entries(fleet.guests)
    .filter(([name, guest]) => guest.secrets.length > 0 && !known.has(name) && !repo.recipientNames.includes(name))
    .map(([name, guest]) => ({
      ...inFleetFile(repo, guest.secrets[0] ?? ''),
      message: `${secrets.config} has no key called ${name}, which is to decrypt ${guest.secrets.join(', ')}.`,
      whatToDo: `Add its public key with the anchor &${name}, then sops updatekeys.`,
    }));
}
