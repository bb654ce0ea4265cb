import type { Fleet } from '../../fleet/schema.ts';
import { importClosure, type Monorepo, type NixFile } from '../monorepo.ts';
import type { Range } from '../place.ts';
import type { Rule, Violation } from '../rule.ts';
import { resolvePath } from '../layout.ts';

export const noSharedSecrets: Rule = {
  id: 'no-shared-secrets',
  title: 'Every secret is of one guest',
  section: '§12',
  severity: 'error',
  why: 'Secrets are encrypted per VM. One that two guests know is lost with either, and has to be changed in both.',
  whatToDo: 'Give each guest a file and a secret of its own.',
  check: (repo) => [...inFiles(repo), ...inRunbookYaml(repo), ...inNix(repo), ...ofMembers(repo)],
};

const TOP: Range = { start: 0, end: 1 };

const inFiles = ({ secrets, yaml }: Monorepo): Violation[] =>
  (secrets?.files ?? []).flatMap(({ path: file, drift }) =>
    drift
      .filter(({ type }) => type === 'shared')
      .map(({ message, whatToDo }) => ({
        file,
        at: yaml.find(({ path }) => path === file)?.settings.find(({ path }) => path.join('.') === 'sops') ?? TOP,
        message,
        whatToDo,
      })),
  );

/** runbook.yaml may say that several have it: that makes it known, not right. */
function inRunbookYaml({ yaml, fleetFile }: Monorepo): Violation[] {
  const own = yaml.find(({ path }) => path === fleetFile)?.settings ?? [];
  const entries = own.filter(({ path, value }) => path[0] === 'guests' && path[2] === 'secrets' && value !== undefined);
  return entries.flatMap(({ path: [, guest = ''], value = '', valueAt }, index) => {
    const first = entries.slice(0, index).find((each) => each.value === value && each.path[1] !== guest);
    if (first === undefined) return [];
    return [
      { file: fleetFile, at: valueAt, message: `${value} is of ${first.path[1] ?? ''} already, and of ${guest} too.` },
    ];
  });
}

/** Which guests’ files name a file with secrets. */
function inNix(repo: Monorepo): Violation[] {
  const owners = new Map<string, { guest: string; file: string; at: Range }[]>();
  for (const [guest, files] of filesOfGuests(repo))
    for (const { path: file, secret, at } of files.flatMap((each) => secretsIn(each)))
      owners.set(secret, [...(owners.get(secret) ?? []), { guest, file, at }]);
  return [...owners].flatMap(([secret, uses]) => {
    const [first] = uses;
    const other = uses.find(({ guest }) => guest !== first?.guest);
    if (first === undefined || other === undefined) return [];
    return [
      {
        file: other.file,
        at: other.at,
        message:
          other.file === first.file
            ? `${secret} is named in a file of several guests: ${[...new Set(uses.map(({ guest }) => guest))].join(', ')}.`
            : `${secret} is named by ${first.guest} (${first.file}) and by ${other.guest}.`,
      },
    ];
  });
}

function filesOfGuests(repo: Monorepo): Map<string, NixFile[]> {
  const own = new Map<string, string[]>();
  for (const { area, path } of repo.nix)
    if (area.type === 'guest' && area.guest !== undefined) own.set(area.guest, [...(own.get(area.guest) ?? []), path]);
  return new Map([...own].map(([guest, paths]) => [guest, importClosure(repo, paths)]));
}

function secretsIn({ path, settings }: NixFile): { path: string; secret: string; at: Range }[] {
  return settings.flatMap(({ value }) => {
    if (value.type !== 'path') return [];
    const secret = resolvePath(path, value.value);
    return secret !== undefined && /\.enc\.|^secrets\//.test(secret) ? [{ path, secret, at: value }] : [];
  });
}

/** A host that can decrypt a guest’s secrets has them outside of the VM. What no guest has is the host’s own. */
const ofMembers = ({ secrets, fleet, yaml }: Monorepo): Violation[] =>
  (secrets?.files ?? []).flatMap(({ path: file, recipients }) =>
    (isOfGuest(fleet, file, recipients) ? recipients : [])
      .filter(({ name }) => name !== undefined && Object.hasOwn(fleet.members, name))
      .map(({ name = '' }) => ({
        file,
        at: yaml.find(({ path }) => path === file)?.settings.find(({ path }) => path.join('.') === 'sops') ?? TOP,
        message: `The host ${name} can decrypt ${file}.`,
        whatToDo: 'Take its key out of the rule, then sops updatekeys and sops rotate: secrets never leave the VM.',
      })),
  );

const isOfGuest = ({ guests }: Fleet, file: string, recipients: readonly { name?: string }[]): boolean =>
  Object.values(guests).some((guest) => guest.secrets.includes(file)) ||
  recipients.some(({ name }) => name !== undefined && Object.hasOwn(guests, name));
