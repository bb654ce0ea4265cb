import { posix } from 'node:path';
import type { Fleet } from '../fleet/schema.ts';
import type { SecretsView } from '../plan/secrets.ts';
import { areaOf, type Area } from './layout.ts';
import { hclBlocks, type HclBlock } from './parse/hcl.ts';
import { nixModules, type NixModules } from './parse/nix-modules.ts';
import { nixPaths } from './parse/nix-paths.ts';
import { nixSettings, type NixSetting } from './parse/nix.ts';
import { loadParsers, type Comment, type Tree } from './parse/syntax.ts';
import { readYaml, type YamlSetting } from './parse/yaml.ts';
import type { Unreadable } from './place.ts';

export interface SourceFile {
  /** From the folder of runbook.yaml, with slashes. */
  path: string;
  text: string;
}

interface ReadFile extends SourceFile {
  area: Area;
}
export interface NixFile extends ReadFile {
  settings: NixSetting[];
  /** Every file that it names. */
  paths: string[];
  /** Of a file that is nobody’s, as flake.nix: what it puts machines together of. */
  modules: NixModules[];
}
export interface HclFile extends ReadFile {
  root: HclBlock;
}
export interface YamlSource extends ReadFile {
  settings: YamlSetting[];
}

/** What rules look at. */
export interface Monorepo {
  fleet: Fleet;
  /** The name of the fleet file among `files`. */
  fleetFile: string;
  files: ReadFile[];
  nix: NixFile[];
  hcl: HclFile[];
  yaml: YamlSource[];
  /** Comments of the files that have a language of ours. */
  comments: Map<string, Comment[]>;
  errors: { file: string; at: Unreadable }[];
  /** Who can decrypt which file; undefined where there are no rules of SOPS. */
  secrets: SecretsView | undefined;
  /** Why there are none. */
  secretsProblem?: string;
  /** What SOPS’s rules call their recipients. */
  recipientNames: string[];
  /** Milliseconds since 1970: what the clocks do within a year. */
  now: number;
}

export interface MonorepoInput extends Pick<
  Monorepo,
  'fleet' | 'fleetFile' | 'secrets' | 'secretsProblem' | 'recipientNames' | 'now'
> {
  files: readonly SourceFile[];
}

/** Parses every file that has a language of ours. */
export async function readMonorepo({ files, ...rest }: MonorepoInput): Promise<Monorepo> {
  const infra = rest.fleet.infra?.dir ?? 'infra/incus';
  const repo: Monorepo = { ...rest, files: [], nix: [], hcl: [], yaml: [], comments: new Map(), errors: [] };
  const parsers = await loadParsers();
  for (const { path, text } of files) {
    const file = { path, text, area: areaOf(path, infra) };
    repo.files.push(file);
    const kind = kindOf(path);
    if (kind === undefined) continue;
    const parsed = kind === 'yaml' ? readYaml(text) : parsers[kind](text);
    if ('settings' in parsed) repo.yaml.push({ ...file, settings: parsed.settings });
    else if (kind === 'nix') repo.nix.push(nixFile(file, parsed.tree));
    else repo.hcl.push({ ...file, root: hclBlocks(parsed.tree) });
    repo.comments.set(path, parsed.comments);
    // What follows the first mistake is often none.
    const [first] = parsed.errors;
    if (first !== undefined) repo.errors.push({ file: path, at: first });
  }
  return repo;
}

function kindOf(path: string): 'nix' | 'hcl' | 'yaml' | undefined {
  if (path.endsWith('.nix')) return 'nix';
  if (/\.(?:tf|tfvars|hcl|tofu|nomad)$/.test(path)) return 'hcl';
  return /\.ya?ml$/.test(path) ? 'yaml' : undefined;
}

const nixFile = (file: ReadFile, tree: Tree): NixFile => ({
  ...file,
  settings: nixSettings(tree),
  paths: nixPaths(tree, file.path),
  modules: file.area.type === 'other' ? nixModules(tree, file.path) : [],
});

/** A file and all that it imports. `start`: paths. */
export function importClosure(repo: Monorepo, start: readonly string[]): NixFile[] {
  const known = new Map(repo.nix.map((file) => [file.path, file]));
  const found = new Map<string, NixFile>();
  const todo = [...start];
  for (let path = todo.pop(); path !== undefined; path = todo.pop()) {
    const file = known.get(path) ?? known.get(posix.join(path, 'default.nix'));
    if (file === undefined || found.has(file.path)) continue;
    found.set(file.path, file);
    todo.push(...file.paths);
  }
  return [...found.values()];
}

/** A host as flake.nix and the like put it together, in place of a file of its own. */
interface WrittenHost {
  member: string | undefined;
  paths: string[];
  file: NixFile;
}

/** Of a member by its name, or of all hosts: a list that takes a file of host/, and none of a guest’s. */
function writtenHosts({ nix, fleet }: Monorepo): WrittenHost[] {
  return nix.flatMap((file) =>
    file.modules.flatMap(({ machine = '', paths, settings }) => {
      const isMember = Object.hasOwn(fleet.members, machine);
      const isIn = (folder: string): boolean => paths.some((path) => path.startsWith(folder));
      if (!isMember && (Object.hasOwn(fleet.guests, machine) || !isIn('host/') || isIn('guests/'))) return [];
      const member = isMember ? machine : undefined;
      const area: Area = { type: 'host', ...(isMember ? { member: machine } : {}) };
      return [{ member, paths, file: { ...file, area, settings, paths: [], modules: [] } }];
    }),
  );
}

/** The files that make a host: those of its folder, what flake.nix adds to them, and what they import from elsewhere. */
export function hostFiles(repo: Monorepo): NixFile[] {
  const written = writtenHosts(repo);
  const own = repo.nix.filter(({ area }) => area.type === 'host').map(({ path }) => path);
  return [
    ...importClosure(repo, [...own, ...written.flatMap(({ paths }) => paths)]),
    ...written.map(({ file }) => file),
  ];
}

/** The files of each member that has a folder below host/nodes or is in flake.nix by its name, with what they import. */
export function filesOfMembers(repo: Monorepo): Map<string, NixFile[]> {
  const own = new Map<string, { paths: string[]; written: NixFile[] }>();
  const add = (member: string, paths: readonly string[], written: readonly NixFile[]): void => {
    const before = own.get(member) ?? { paths: [], written: [] };
    own.set(member, { paths: [...before.paths, ...paths], written: [...before.written, ...written] });
  };
  for (const { area, path } of repo.nix)
    if (area.type === 'host' && area.member !== undefined) add(area.member, [path], []);
  for (const { member, paths, file } of writtenHosts(repo)) if (member !== undefined) add(member, paths, [file]);
  return new Map([...own].map(([member, { paths, written }]) => [member, [...importClosure(repo, paths), ...written]]));
}

/** Every block of a type with a first label, in every file. */
export const resourcesOf = (repo: Monorepo, ...types: readonly string[]): { file: HclFile; block: HclBlock }[] =>
  repo.hcl.flatMap((file) =>
    file.root.blocks
      .filter(({ type, labels: [label] }) => type === 'resource' && label !== undefined && types.includes(label))
      .map((block) => ({ file, block })),
  );
