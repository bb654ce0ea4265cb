import { HOSTS, NODES, address, nodeNamed, type Node } from './nodes.ts';

/** What a node's system is to be; the flake reads it. Every field changes the closure, but for the address. */
export interface NodeSpec {
  type: Node['type'];
  address: string;
  /** The NixOS version it claims, in `nixos-version`. */
  version: string;
  /** A change means "needs a reboot". */
  kernel: string;
  /** What the page of the node's application on port 8080 says. */
  app: string;
  /** Whether that page answers 200 or 500. */
  healthy: boolean;
  /** Shell commands at the end of an activation; one that fails makes it fail. */
  hook: string;
  /** A whole nftables file, or nothing. */
  firewall: string;
  /** Hosts: the Incus version, one of those in the lab. */
  incus: string;
}

export interface Spec {
  /** As Nix calls it: `x86_64-linux`. */
  system: string;
  /** Debian's own Incus version, at /usr; others are at /opt/incus-VERSION. */
  incus: string;
  nodes: Record<string, NodeSpec>;
}

/** The spec that the golden state runs. */
export function goldenSpec(run: number, incus: string): Spec {
  const node = (each: Node): NodeSpec => ({
    type: each.type,
    address: address(run, each),
    version: '26.05.1',
    kernel: '6.12.1',
    app: 'v1',
    healthy: true,
    hook: '',
    firewall: '',
    incus: each.type === 'host' ? incus : '',
  });
  const system = process.arch === 'arm64' ? 'aarch64-linux' : 'x86_64-linux';
  return { system, incus, nodes: Object.fromEntries(NODES.map((each) => [each.name, node(each)])) };
}

/** Throws where there is no such node, or where the change has nothing to do with it. */
export function changeSpec(spec: Spec, name: string, change: Partial<NodeSpec>): Spec {
  const node = nodeNamed(name);
  const old = spec.nodes[name];
  if (old === undefined) throw new Error(`spec.json has no node ${name}`);
  if (change.incus !== undefined && node.type === 'guest')
    throw new Error(`Expected the Incus version of a host (${HOSTS.map((host) => host.name).join(', ')}), got ${name}`);
  return { ...spec, nodes: { ...spec.nodes, [name]: { ...old, ...change } } };
}

const CHANGEABLE = ['version', 'kernel', 'app', 'healthy', 'hook', 'firewall', 'incus'] as const;

/** Reads `field=value` words. Throws where a field is not one of a node's, or `healthy` is neither true nor false. */
export function specChange(words: readonly string[]): Partial<NodeSpec> {
  const change: Partial<NodeSpec> = {};
  for (const word of words) {
    const [name, value] = [word.slice(0, word.indexOf('=')), word.slice(word.indexOf('=') + 1)];
    const field = CHANGEABLE.find((known) => known === name);
    if (field === undefined) throw new Error(`Expected one of ${CHANGEABLE.join(', ')} and a =, got ${word}`);
    if (field !== 'healthy') change[field] = value;
    else if (value === 'true' || value === 'false') change.healthy = value === 'true';
    else throw new Error(`Expected healthy to be true or false, got ${value}`);
  }
  return change;
}
