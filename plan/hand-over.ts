import { count } from './count.ts';
import type { FormationScope } from './formation.ts';
import { sourceOf } from './formation.ts';

/** A text that a person puts into the monorepo. */
export interface HandOver {
  /** Where it may go: `infra/incus/import.tf`. */
  path: string;
  /** What it is for, in a line. */
  about?: string;
  text: string;
}

/**
 * What Terraform and NixOS have to know of a cluster that was formed. The provider imports profiles and groups; pools
 * and networks of a cluster cannot be imported, and are named instead (lxc/terraform-provider-incus, docs/resources). Pure.
 */
export function handOver({ cluster, members }: FormationScope): HandOver[] {
  const imports = [
    ...Object.keys(cluster.profiles).map((name) => importBlock('incus_profile', name)),
    ...Object.keys(cluster.groups).map((name) => importBlock('incus_cluster_group', name)),
  ];
  const locals = [
    'locals {',
    '  # The provider cannot import pools and networks of a cluster: name them, do not declare them.',
    `  incus_members = ${list(members.map(({ name }) => name))}`,
    `  incus_pools = ${list(Object.keys(cluster.pools))}`,
    `  incus_networks = ${list(Object.keys(cluster.networks))}`,
    '}',
  ];
  const nix = [
    '# Of every member: what the cluster relies on.',
    '{',
    `  networking.firewall.allowedTCPPorts = [ ${cluster.port} ];`,
    ...Object.entries(cluster.pools).map(([name, pool]) => `  # Pool ${name} is at ${sourceOf(pool)}.`),
    '  virtualisation.incus.enable = true;',
    '  # The cluster has its own database: a preseed would be applied to it at each start.',
    '  virtualisation.incus.preseed = null;',
    '}',
  ];
  return [
    {
      path: 'infra/incus/cluster.tf',
      about: `names of members, pools and networks, ${count(imports.length, 'import block')}`,
      text: lines([...locals, ...imports.flatMap((block) => ['', ...block])]),
    },
    { path: 'host/common/incus-cluster.nix', about: 'what NixOS has to know of it', text: lines(nix) },
  ];
}

const lines = (all: readonly string[]): string => `${all.join('\n')}\n`;
const list = (names: readonly string[]): string => `[${names.map((name) => JSON.stringify(name)).join(', ')}]`;

/** A name of Incus may begin with a digit and hold dots; one of Terraform may not. */
const identifier = (name: string): string => `_${name}`.replace(/^_(?=[A-Za-z])/, '').replaceAll('.', '_');

const importBlock = (resource: string, name: string): string[] => [
  'import {',
  `  to = ${resource}.${identifier(name)}`,
  `  id = ${JSON.stringify(name)}`,
  '}',
];
