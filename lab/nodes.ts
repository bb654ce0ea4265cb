/** The hosts and guests of every lab. Addresses are `10.89.R.1N` for hosts and `10.89.R.2N` for guests. */
export interface Node {
  name: string;
  type: 'host' | 'guest';
  index: number;
  /** The host a guest is on; a host's own name. */
  host: string;
}

const INDEXES = [1, 2, 3];

export const HOSTS: readonly Node[] = INDEXES.map((index) => ({
  name: `n${index}`,
  type: 'host',
  index,
  host: `n${index}`,
}));
export const GUESTS: readonly Node[] = INDEXES.map((index) => ({
  name: `g${index}`,
  type: 'guest',
  index,
  host: `n${index}`,
}));
export const NODES: readonly Node[] = [...HOSTS, ...GUESTS];

/** Run 0 is the network that hosts, guests and registry share in every lab; the machine has no way into it. */
export const address = (run: number, node: Node): string =>
  `10.89.${run}.${(node.type === 'host' ? 10 : 20) + node.index}`;

export const REGISTRY = '10.89.0.2:5000';
export const registryAddress = (run: number): string => `10.89.${run}.2:5000`;

/** Throws with the names that exist where there is no such node. */
export function nodeNamed(name: string): Node {
  const node = NODES.find((candidate) => candidate.name === name);
  if (node === undefined)
    throw new Error(`Expected a host or guest to be one of ${NODES.map((n) => n.name).join(', ')}, got ${name}`);
  return node;
}

export function hostNamed(name: string): Node {
  const node = HOSTS.find((candidate) => candidate.name === name);
  if (node === undefined)
    throw new Error(`Expected a host to be one of ${HOSTS.map((n) => n.name).join(', ')}, got ${name}`);
  return node;
}
