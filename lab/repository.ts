import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { machinesOf } from './machines.ts';
import { address, GUESTS, HOSTS, type Node } from './nodes.ts';
import { shipped } from './paths.ts';
import type { RunRecord } from './run-record.ts';
import { check } from './shell.ts';
import { changeSpec, goldenSpec, type NodeSpec, type Spec } from './spec.ts';

/** What the golden state knows of itself. */
export interface Facts {
  /** Debian's version, and the newer one beside it. */
  incus: string;
  newerIncus: string;
  /** Public ssh host keys, as `ssh-ed25519 AAAA…`. */
  hostKeys: Record<string, string>;
}

export const repositoryOf = (record: RunRecord): string => join(record.folder, 'repository');
export const identityOf = (record: RunRecord): string => join(record.folder, 'id');

const git = (record: RunRecord, ...argv: string[]): Promise<string> =>
  check(['git', '-C', repositoryOf(record), ...argv], {
    env: { GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1' },
  });

/** Commits everything and returns the revision; the same one where nothing has changed. */
async function commit(record: RunRecord, message: string): Promise<string> {
  await git(record, 'add', '-A');
  const changed = await git(record, 'status', '--porcelain');
  const author = ['-c', 'user.name=lab', '-c', 'user.email=lab@localhost'];
  if (changed !== '') await git(record, ...author, 'commit', '-q', '-m', message);
  return (await git(record, 'rev-parse', 'HEAD')).trim();
}

/** The fleet file of this run: as `fleet/schema.ts` wants it, with the host keys pinned. */
function fleetOf(record: RunRecord, facts: Facts): object {
  const ssh = (node: Node): object => ({ identityFile: identityOf(record), hostKey: facts.hostKeys[node.name] });
  const url = (node: Node, port: number): string => `http://${address(record.number, node)}:${port}/cgi-bin/health`;
  const patience = (seconds: number): string => `${seconds * machinesOf(record).patience}s`;
  const http = (node: Node, port: number): object => ({
    type: 'http',
    url: url(node, port),
    timeout: patience(2),
    // A container that starts anew takes seconds on any host.
    for: `${Math.max(15, 8 * machinesOf(record).patience)}s`,
  });
  return {
    version: 1,
    name: 'lab',
    members: Object.fromEntries(
      HOSTS.map((host) => [
        host.name,
        { address: address(record.number, host), ssh: ssh(host), probes: [http(host, 8080)] },
      ]),
    ),
    guests: Object.fromEntries(
      GUESTS.map((guest) => [
        guest.name,
        {
          member: guest.host,
          type: 'container',
          address: address(record.number, guest),
          ssh: ssh(guest),
          deploy: { node: guest.name },
          volumes: [{ pool: 'local', name: `${guest.name}-data` }],
          containers: { type: 'units', engine: 'podman', units: [{ unit: 'web.service', container: 'web' }] },
          probes: [
            http(guest, 8080),
            http(guest, 8081),
            { type: 'systemd', units: ['web.service', 'lab-app.service'] },
          ],
          rollback: { snapshot: 'automatic' },
        },
      ]),
    ),
    cluster: clusterOf(record),
    policies: {
      upgrade: {
        backup: 'off',
        soak: '1s',
        reboot: 'automatic',
        confirmTimeout: patience(8),
        activationTimeout: patience(25),
      },
    },
  };
}

/** What `formCluster` forms, as the fleet file says it. */
function clusterOf(record: RunRecord): object {
  const { storage, offlineThreshold } = machinesOf(record);
  const local =
    storage.driver === 'zfs' ? { type: 'zfs', dataset: storage.source } : { type: 'dir', path: storage.source };
  return {
    pools: { local },
    networks: { labnet: { config: { 'ipv4.address': '10.90.0.1/24', 'ipv4.nat': true, 'ipv6.address': 'none' } } },
    groups: { small: { members: ['n2', 'n3'] } },
    profiles: {
      default: {
        config: { 'cluster.evacuate': 'stop', 'security.nesting': true },
        devices: {
          root: { path: '/', pool: 'local', type: 'disk' },
          eth0: { type: 'nic', nictype: 'bridged', parent: 'br0', name: 'eth0' },
          // The guests' image has no /usr of its own.
          usr: { type: 'disk', source: '/usr', path: '/usr', readonly: 'true' },
          lab: { type: 'disk', source: '/etc/lab', path: '/etc/lab', readonly: 'true' },
        },
      },
    },
    config: { 'cluster.offline_threshold': offlineThreshold },
    // As `createGuests` imports it: the hosts reach no image server.
    trialImage: 'guest',
  };
}

const specFile = (record: RunRecord): string => join(repositoryOf(record), 'spec.json');
const readSpec = async (record: RunRecord): Promise<Spec> =>
  JSON.parse(await readFile(specFile(record), 'utf8')) as Spec;
const writeSpec = (record: RunRecord, spec: Spec): Promise<void> =>
  writeFile(specFile(record), `${JSON.stringify(spec, null, 2)}\n`);

/** Writes the monorepo that a worker works from, and commits it. Returns the revision. */
export async function writeRepository(record: RunRecord, facts: Facts): Promise<string> {
  const folder = repositoryOf(record);
  await mkdir(folder, { recursive: true });
  for (const file of ['flake.nix', 'build.sh', 'switch-to-configuration', 'health'])
    await copyFile(shipped('flake', file), join(folder, file));
  await copyFile(join(record.deployRs, 'bin', 'activate'), join(folder, 'activate-rs'));
  await writeFile(join(folder, 'runbook.yaml'), stringify(fleetOf(record, facts)));
  await writeSpec(record, goldenSpec(record.number, facts.incus));
  await git(record, 'init', '-q', '-b', 'main');
  return commit(record, 'the golden state');
}

/** Changes what a node is to be, and commits it. Returns the revision. */
export async function setSpec(record: RunRecord, node: string, change: Partial<NodeSpec>): Promise<string> {
  await writeSpec(record, changeSpec(await readSpec(record), node, change));
  return commit(record, `${node}: ${JSON.stringify(change)}`);
}
