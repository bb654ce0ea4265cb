import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { resolve } from 'node:path';
import { ToolError, Unknown } from '../core/call.ts';

/** The simulation's stand-in for a flake's outputs: `simulated.json` at the top of the repository. */
export interface SimulatedFlake {
  nodes: Record<string, NodeSpec>;
}

/** What a node's system is built from, and how it behaves when it is activated. */
export interface NodeSpec {
  hostname: string;
  /** As in `nixos-version`. */
  version: string;
  kernel: string;
  /** The Incus daemon's version; absent where it has none. */
  incus?: string;
  /** Any text: another one is another closure. */
  app?: string;
  activation?: Activation;
  /** Building it fails with this. */
  buildError?: string;
  /** What an installation of it erases: a device by its name in the layout. Without a part in the system itself. */
  disks?: Record<string, string>;
  /** Machines whose endpoints answer 502 while this configuration runs. */
  breaks?: string[];
}

export interface Activation {
  /** How long it takes, times the simulation's pace. */
  seconds?: number;
  /** switch-to-configuration's: 1, 2, 4 (units failed) or 100 (reboot needed). */
  exitCode?: number;
  /** Fail as it starts them. */
  failedUnits?: string[];
  network?: 'stops sshd' | 'cuts off';
}

export interface FlakeReference {
  repository: string;
  revision: string | undefined;
  /** What stands after `#`, in parts. */
  attribute: string[];
  text: string;
}

/** `git+file:///repo?rev=…#deploy.nodes.n1.profiles.system.path`, a plain path, or `.`. */
export function parseFlakeReference(text: string, cwd: string): FlakeReference {
  const [reference, fragment] = splitOnce(text, '#');
  const [location, query] = splitOnce(reference, '?');
  const parameters = new URLSearchParams(query);
  for (const key of parameters.keys())
    if (!['rev', 'ref', 'allRefs', 'shallow'].includes(key))
      throw new Unknown(`unknown parameter ${key} in the flake reference ${text}`);
  const path = location.replace(/^(git\+)?(file|path):(\/\/)?/, '');
  if (/^[a-z+]+:/.test(path)) throw new Unknown(`unknown kind of flake reference ${text}`);
  return {
    repository: resolve(cwd, decodeURIComponent(path)),
    revision: parameters.get('rev') ?? parameters.get('ref') ?? undefined,
    attribute: splitAttribute(fragment),
    text,
  };
}

/** Reads the revision with the real git. Throws as nix does where there is none. */
export function readFlake({ repository, revision }: FlakeReference): SimulatedFlake {
  try {
    const object = `${revision ?? 'HEAD'}:simulated.json`;
    const text = execFileSync('git', ['-C', repository, 'show', object], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    return JSON.parse(text) as SimulatedFlake;
  } catch (error) {
    const cause = error instanceof Error ? error.message.split('\n')[1] : '';
    throw new ToolError(`error: Cannot find Git revision '${revision ?? 'HEAD'}' in '${repository}' (${cause ?? ''})`);
  }
}

/** Throws as nix does where the flake has no such node. */
export function nodeOf(flake: SimulatedFlake, node: string, reference: FlakeReference): NodeSpec {
  const spec = flake.nodes[node];
  if (!spec)
    throw new ToolError(
      `error: flake '${reference.text.split('#')[0] ?? ''}' does not provide attribute 'deploy.nodes."${node}"'`,
    );
  return spec;
}

/** The same for the same content, and for nothing else. */
export function storePath(name: string, content: unknown): string {
  const hash = createHash('sha256')
    .update(JSON.stringify([name, sortKeys(content)]))
    .digest();
  const alphabet = '0123456789abcdfghijklmnpqrsvwxyz';
  const letters = [...hash].slice(0, 32).map((byte) => alphabet[byte % 32] ?? '0');
  return `/nix/store/${letters.join('')}-${name}`;
}

export interface Closure {
  node: string;
  spec: NodeSpec;
  path: string;
  /** Store paths of their own, so that "does it need a reboot" compares like with like. */
  parts: { kernel: string; initrd: string; 'kernel-modules': string };
  /** Where the client is from. */
  incus: string | undefined;
}

export function closureOf(node: string, whole: NodeSpec): Closure {
  const spec = { ...whole };
  delete spec.disks;
  return {
    node,
    spec,
    path: storePath(`nixos-system-${node}-${spec.version}`, spec),
    parts: {
      kernel: storePath(`linux-${spec.kernel}`, spec.kernel),
      initrd: storePath(`initrd-linux-${spec.kernel}`, spec.kernel),
      'kernel-modules': storePath(`linux-${spec.kernel}-modules`, spec.kernel),
    },
    incus: spec.incus === undefined ? undefined : storePath(`incus-${spec.incus}`, spec.incus),
  };
}

function sortKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortKeys);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, inner]) => [key, sortKeys(inner)]),
  );
}

function splitOnce(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator);
  return at === -1 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}

/** `deploy.nodes."elitedesk-1".profiles` → its parts. */
function splitAttribute(fragment: string): string[] {
  return [...decodeURIComponent(fragment).matchAll(/"([^"]*)"|([^."]+)/g)].map(
    ([, quoted, bare]) => quoted ?? bare ?? '',
  );
}
