import { filesOfMembers, type HclFile, type Monorepo, type NixFile } from '../monorepo.ts';
import { isOption } from '../nix-options.ts';
import type { Range } from '../place.ts';
import type { Rule, Violation } from '../rule.ts';
import { literal } from '../terraform.ts';

/** What one member has, where others may have something else. */
interface Stated {
  of: string;
  value: string;
  file: string;
  at: Range;
}

export const sameVersions: Rule = {
  id: 'same-versions',
  title: 'Every member has the same version of Incus',
  section: '§5',
  severity: 'error',
  why: 'A member with another version of Incus blocks the cluster: whoever is newer waits for all others, and there is no way back.',
  whatToDo: 'Say it once, in host/common/incus.nix, and move all members together: runbook plan cluster-upgrade.',
  check: (repo) => [
    ...differing(packages(repo), 'the Incus package'),
    ...differing(releases(repo), 'the nixpkgs'),
    ...differing(constraints(repo), 'the provider version'),
    ...differing(locked(repo), 'the locked provider version'),
  ],
};

/** The rarest are told; of two that are as rare, the later. */
function differing(stated: readonly Stated[], what: string): Violation[] {
  const counts = new Map<string, number>();
  for (const { value } of stated) counts.set(value, (counts.get(value) ?? 0) + 1);
  const [usual] = [...counts].sort(([, a], [, b]) => b - a)[0] ?? [];
  const holder = stated.find(({ value }) => value === usual);
  return stated
    .filter(({ value }) => value !== usual)
    .map(({ of, value, file, at }) => ({
      file,
      at,
      message: `${of} has ${what} ${value}, ${holder?.of ?? ''} has ${usual ?? ''}.`,
    }));
}

/** Members that say nothing have what the release has. */
function packages(repo: Monorepo): Stated[] {
  return [...filesOfMembers(repo)].flatMap(([of, files]) => {
    if (!isMember(repo, of)) return [];
    const found = files.flatMap(({ path: file, settings }) =>
      settings.flatMap((setting) =>
        isOption(setting, 'virtualisation.incus.package')
          ? [{ of, file, at: setting, value: 'text' in setting.value ? setting.value.text : '?' }]
          : [],
      ),
    );
    const [own] = found.filter(({ file }) => file.includes(of));
    const [main] = files;
    const said = own ?? found[0];
    if (said !== undefined) return [said];
    return main === undefined ? [] : [{ of, file: main.path, at: { start: 0, end: 1 }, value: 'of its release' }];
  });
}

const isMember = ({ fleet }: Monorepo, name: string): boolean => Object.hasOwn(fleet.members, name);

/** `nixosConfigurations.nuc-1 = nixpkgs-unstable.lib.nixosSystem { … }`: what it is made with. */
const releases = (repo: Monorepo): Stated[] =>
  repo.nix.filter(({ path }) => path === 'flake.nix').flatMap((flake) => releasesIn(repo, flake));

const releasesIn = (repo: Monorepo, { path: file, settings }: NixFile): Stated[] =>
  settings.flatMap((setting) => {
    const { path, value } = setting;
    const of = path.at(-1) ?? '';
    if (path.at(-2) !== 'nixosConfigurations' || !isMember(repo, of) || value.type !== 'other') return [];
    const input = /^\(?\s*(?:inputs\.)?([\w'-]+)\.lib\.nixosSystem\b/.exec(value.text)?.[1];
    return input === undefined ? [] : [{ of, file, at: setting, value: input }];
  });

/** `required_providers` of each member’s folder. */
const constraints = (repo: Monorepo): Stated[] =>
  repo.hcl.flatMap((file) =>
    memberOf(file).flatMap((of) =>
      file.root.blocks
        .filter(({ type }) => type === 'terraform')
        .flatMap(({ blocks }) => blocks.filter(({ type }) => type === 'required_providers'))
        .flatMap(({ attributes }) => attributes.filter(({ key }) => key === 'incus'))
        .flatMap(({ value }) => (value.type === 'object' ? value.entries : []))
        .filter(({ key }) => key === 'version')
        .flatMap(({ value: at }) => {
          const value = literal(repo, file, at);
          return value === undefined ? [] : [{ of, file: file.path, at, value }];
        }),
    ),
  );

/** What `terraform init` has chosen. */
const locked = (repo: Monorepo): Stated[] =>
  repo.hcl
    .filter(({ path }) => path.endsWith('.terraform.lock.hcl'))
    .flatMap((file) =>
      memberOf(file).flatMap((of) =>
        file.root.blocks
          .filter(({ type, labels: [source = ''] }) => type === 'provider' && source.endsWith('/lxc/incus'))
          .flatMap(({ attributes }) => attributes.filter(({ key }) => key === 'version'))
          .flatMap(({ value: at }) => {
            const value = literal(repo, file, at);
            return value === undefined ? [] : [{ of, file: file.path, at, value }];
          }),
      ),
    );

const memberOf = ({ area }: HclFile): string[] =>
  area.type === 'infra' && area.member !== undefined ? [area.member] : [];
