import { readFileSync } from 'node:fs';
import { ToolError, Unknown, type Call, type Tool } from '../core/call.ts';
import { machineOf, type Store } from '../core/store.ts';
import type { State } from '../core/state.ts';
import { clusterCertificate } from './certificates.ts';
import { makePool } from './pools.ts';
import { roleOfNew } from './roles.ts';
import { apiExtensions } from './server-routes.ts';
import {
  emptyDatabase,
  incusVersion,
  listenAddress,
  ownAddresses,
  seenBy,
  serverOf,
  writeClusterCertificate,
} from './servers.ts';
import { isDaemonUp } from './view.ts';

const HOURS_VALID = 3;
const FAILED = 'Error: Failed to join cluster';
const INITIALIZE = `${FAILED}: Failed to initialize member: Failed to initialize storage pools and networks: Failed to`;

interface Token {
  server_name: string;
  addresses: string[];
  secret: string;
}

/** `incus cluster add --quiet NAME`: the token alone. The one before it for the same name is good for nothing any more. */
export async function addMember({ store, machine, args, out, update }: Call): Promise<number> {
  const [, , quiet, name = '', ...rest] = args;
  if (quiet !== '--quiet' || name === '' || name.startsWith('-') || rest.length > 0)
    throw new Unknown('expected cluster add --quiet NAME');
  const secret = Array.from({ length: 64 }, () => Math.floor(Math.random() * 16).toString(16)).join('');
  await update((state) => {
    const { cluster } = seenBy(state, machine);
    if (Object.keys(cluster.members).length === 0) throw new ToolError('Error: This server is not clustered');
    if (cluster.members[name]) throw new ToolError(`Error: The cluster already has a member with name: ${name}`);
    cluster.tokens[name] = secret;
  });
  const state = seenBy(store.read(), machine);
  const token = {
    server_name: name,
    fingerprint: clusterCertificate().fingerprint,
    addresses: Object.keys(state.cluster.members).map((member) => listenAddress(machineOf(state, member))),
    secret,
    expires_at: new Date(Date.now() + HOURS_VALID * 3_600_000).toISOString(),
  };
  out(`${Buffer.from(JSON.stringify(token)).toString('base64')}\n`);
  return 0;
}

/** `incus admin init --preseed`, which reads what is to be joined from its standard input. */
export async function join(call: Call): Promise<number> {
  if (call.args.join(' ') !== 'admin init --preseed') throw new Unknown('expected admin init --preseed');
  const { cluster, ...others } = JSON.parse(readFileSync(0, 'utf8')) as { cluster: Record<string, unknown> };
  const known = ['enabled', 'server_name', 'server_address', 'cluster_token', 'member_config'];
  const strange = [...Object.keys(others), ...Object.keys(cluster).filter((key) => !known.includes(key))];
  if (strange.length > 0) throw new Unknown(`unknown fields ${strange.join(', ')} in the preseed`);
  const token = readToken(String(cluster['cluster_token']));
  await call.update((state) => {
    trust(state, call.machine, token, String(cluster['server_address']));
  });
  if (token.server_name !== call.machine || cluster['server_name'] !== call.machine)
    throw new Unknown(`a server of the simulation is called like its machine, not ${token.server_name}`);
  const sources = Object.fromEntries(
    (cluster['member_config'] as { name: string; value: string }[]).map(({ name, value }) => [name, value]),
  );
  // Each is a command of its own, so that a fault can strike between them.
  for (const step of ['pools', 'networks', 'accept', 'finish']) {
    const code = await call.exec({ machine: call.machine, argv: ['.incus-joins', step, JSON.stringify(sources)] });
    if (code !== 0) return code;
  }
  return 0;
}

/**
 * The parts of a join that can be told apart by what is left of it: only `pools`, and `networks`, are there; it is `accept`ed, and a daemon that
 * is restarted now hangs for ever; it is a member.
 */
export const incusJoins: Tool = async ({ machine, args, store, update }) => {
  const [step = '', sources = ''] = args;
  const act = STEPS[step];
  if (!act) throw new Unknown(`unknown step ${step}`);
  await update((state) => {
    act(store, state, machine, JSON.parse(sources) as Record<string, string>);
  });
  return 0;
};

type Step = (store: Store, state: State, machine: string, sources: Record<string, string>) => void;

const STEPS: Readonly<Record<string, Step>> = {
  pools: makePools,
  networks: (_, state, machine) => {
    makeNetworks(state, machine);
  },
  accept: (store, state, machine) => {
    const version = newestOf(state);
    const own = incusVersion(state, machine);
    if (own !== version)
      throw new ToolError(
        `${FAILED}: Failed request to add member: The joining server version doesn't match (expected ${version} with API count ${apiExtensions(version).length})`,
      );
    serverOf(state, machine).join = 'running';
    writeClusterCertificate(store, machine);
  },
  finish: (_, state, machine) => {
    const server = serverOf(state, machine);
    for (const [pool, places] of Object.entries(server.database?.pools ?? {}))
      Object.assign((state.cluster.pools[pool] ??= {}), places);
    state.cluster.members[machine] = {
      version: server.version,
      evacuated: false,
      stoppedByEvacuation: [],
      description: '',
      role: roleOfNew(state.cluster),
    };
    for (const key of ['database', 'join'] as const) Reflect.deleteProperty(server, key);
  },
};

function makePools(store: Store, state: State, machine: string, sources: Record<string, string>): void {
  const { database = emptyDatabase() } = serverOf(state, machine);
  for (const [name, places] of Object.entries(state.cluster.pools)) {
    if (database.pools[name])
      throw new ToolError(
        `${INITIALIZE} update storage pool "${name}": Config key "source" is cluster member specific`,
      );
    const source = sources[name];
    if (source === undefined) throw new Unknown(`no source for the pool ${name} in the preseed`);
    const [like] = Object.values(places);
    try {
      const pool = makePool(store, machineOf(state, machine), name, like?.driver ?? 'zfs', source);
      database.pools[name] = { [machine]: pool };
    } catch (error) {
      if (!(error instanceof ToolError)) throw error;
      throw new ToolError(error.message.replace(/^Error/, `${INITIALIZE} create storage pool "${name}"`));
    }
  }
}

/** An interface that is there and of no network of its own is in the way; the pools stay. */
function makeNetworks(state: State, machine: string): void {
  const server = serverOf(state, machine);
  for (const network of Object.keys(state.cluster.networks)) {
    if (server.bridges?.includes(network) === true)
      throw new ToolError(
        `${INITIALIZE} update local member network "${network}" in project "default": Failed loading network: Network not found`,
      );
    server.bridges = [...(server.bridges ?? []), network];
  }
}

function trust(state: State, machine: string, token: Token, address: string): void {
  const server = serverOf(state, machine);
  if (server.database === undefined || Object.keys(server.database.members).length > 0)
    throw new ToolError(`${FAILED}: This server is already clustered`);
  const isThere = Object.keys(state.cluster.members).some((name) => isDaemonUp(state, name));
  if (!isThere) {
    const lines = token.addresses.map(
      (each) =>
        `Error connecting to existing cluster member "${each}": Get "https://${each}": Unable to connect to: ${each} ([dial tcp ${each}: connect: connection refused])`,
    );
    throw new ToolError(
      [...lines, 'Error: Unable to connect to any of the cluster members specified in join token'].join('\n'),
    );
  }
  if (state.cluster.tokens[token.server_name] !== token.secret)
    throw new ToolError(
      `${FAILED}: Failed to setup cluster trust: Failed to add server cert to cluster: No matching cluster join operation found`,
    );
  Reflect.deleteProperty(state.cluster.tokens, token.server_name);
  Object.assign(server, ownAddresses(address));
}

function readToken(text: string): Token {
  try {
    return JSON.parse(Buffer.from(text, 'base64').toString()) as Token;
  } catch {
    throw new ToolError("Error: Invalid cluster join token: invalid character 'o' in literal null (expecting 'u')");
  }
}

function newestOf(state: State): string {
  return Object.values(state.cluster.members)[0]?.version ?? '';
}
