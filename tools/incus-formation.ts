import { z } from 'zod';
import { apiPath, type IncusApi } from './incus-api.ts';
import { incusError, readIncusError, type IncusFailure } from './incus-errors.ts';
import { unexpected, type Ran } from './result.ts';

/** A pool or network takes a second; enabling the cluster restarts listeners. On a slow machine tens of seconds. */
const SETUP_TIMEOUT_MS = 3 * 60_000;

/** The new member copies the database, makes its pools and networks, and heartbeats: 44 s on virtual hosts. */
const JOIN_TIMEOUT_MS = 10 * 60_000;

/** The others take it out of their database. */
const REMOVE_TIMEOUT_MS = 5 * 60_000;

const config = z.record(z.string(), z.string());

const identitySchema = z.object({
  config: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]).transform(String)).nullish(),
  environment: z.object({
    server_name: z.string(),
    server_clustered: z.boolean(),
    server_version: z.string(),
    certificate: z.string(),
    certificate_fingerprint: z.string(),
  }),
});

const poolSchema = z.object({ name: z.string(), driver: z.string(), status: z.string(), config: config.nullish() });
const networkSchema = z.object({
  name: z.string(),
  type: z.string(),
  managed: z.boolean(),
  status: z.string(),
  description: z.string(),
  config: config.nullish(),
});
const profileSchema = z.object({
  name: z.string(),
  description: z.string(),
  config: config.nullish(),
  devices: z.record(z.string(), config).nullish(),
});
const groupSchema = z.object({ name: z.string(), description: z.string(), members: z.array(z.string()).nullish() });

/** Which server answers on this host, and whether it is part of a cluster. */
export interface ServerIdentity {
  type: 'identity';
  version: string;
  serverName: string;
  clustered: boolean;
  /** PEM; the cluster's where it is clustered, so equal on all members. */
  certificate: string;
  fingerprint: string;
  config: Record<string, string>;
}

/** `source` is in `config` on a server without a cluster: in one, each member has its own. */
export interface StoragePool {
  name: string;
  driver: string;
  /** `Created`, `Pending`, `Errored`, … */
  status: string;
  config: Record<string, string>;
}

export interface ManagedNetwork {
  name: string;
  kind: string;
  status: string;
  description: string;
  config: Record<string, string>;
}

export interface Profile {
  name: string;
  description: string;
  config: Record<string, string>;
  devices: Record<string, Record<string, string>>;
}

export interface ClusterGroup {
  name: string;
  description: string;
  members: string[];
}

/** What a server needs to join: the token is a secret, and goes through standard input only. */
export interface JoinRequest {
  name: string;
  /** `10.0.0.12:8443` */
  address: string;
  token: string;
  /** The source of each pool on this server, by the pool's name. */
  sources: Readonly<Record<string, string>>;
}

type Already = { type: 'already there' };
type Done = { type: 'created' } | Already | IncusFailure;

/** What forms a cluster and gives it its pools, networks, profiles and groups. Each looks at nothing: callers look first. */
export interface IncusFormation {
  identity(): Promise<ServerIdentity | IncusFailure>;
  storagePools(): Promise<{ type: 'storage pools'; pools: StoragePool[] } | IncusFailure>;
  networks(): Promise<{ type: 'networks'; networks: ManagedNetwork[] } | IncusFailure>;
  /** Of the project `default`. */
  profiles(): Promise<{ type: 'profiles'; profiles: Profile[] } | IncusFailure>;
  groups(): Promise<{ type: 'groups'; groups: ClusterGroup[] } | IncusFailure>;
  /** Sets these keys of the server's configuration, leaves others. Idempotent. */
  setConfig(keys: Readonly<Record<string, string>>): Promise<{ type: 'set' } | IncusFailure>;
  /** On a server that is not clustered yet. */
  createStoragePool(pool: { name: string; driver: string; source: string }): Promise<Done>;
  createNetwork(network: {
    name: string;
    description: string;
    config: Readonly<Record<string, string>>;
  }): Promise<Done>;
  /**
   * Makes a server that listens on its own address the first member. Never of one that is a member already: Incus 6.0.4
   * refuses, and takes the name for its own all the same until it is restarted.
   */
  enableClustering(name: string): Promise<{ type: 'enabled' } | IncusFailure>;
  /** A token for one attempt of this name to join. Minting another cancels it. Never goes into messages. */
  mintToken(name: string): Promise<{ type: 'token'; token: string } | { type: 'already member' } | IncusFailure>;
  /**
   * Waits until this server has joined. The server goes on with it if the connection breaks. `interrupted`: its daemon died
   * in the middle.
   */
  join(
    request: JoinRequest,
  ): Promise<
    { type: 'joined' } | { type: 'already clustered' } | { type: 'interrupted'; message: string } | IncusFailure
  >;
  /**
   * Asks a member to leave. Incus deletes its pools, and all that is in their places. `holds`: it has instances or volumes.
   * `unfinished`: the others have forgotten it, and it does not know.
   */
  removeMember(
    name: string,
  ): Promise<
    | { type: 'removed' }
    | { type: 'none' }
    | { type: 'holds'; message: string }
    | { type: 'unfinished'; message: string }
    | IncusFailure
  >;
  /** Takes a member that is dead, or that never came to be one, out of the cluster, with its records of instances. */
  removeMemberByForce(name: string): Promise<{ type: 'removed' } | { type: 'none' } | IncusFailure>;
  createProfile(profile: Profile): Promise<Done>;
  replaceProfile(profile: Profile): Promise<{ type: 'replaced' } | IncusFailure>;
  createGroup(group: ClusterGroup): Promise<Done>;
  replaceGroup(group: ClusterGroup): Promise<{ type: 'replaced' } | IncusFailure>;
}

export function createIncusFormation(api: IncusApi): IncusFormation {
  const created = async (sent: Promise<Ran>, already: RegExp): Promise<Done> => {
    const ran = await sent;
    if (ran.result.exitCode === 0) return { type: 'created' };
    return already.test(incusError(ran)) ? { type: 'already there' } : readIncusError(ran);
  };
  const send = (method: 'POST' | 'PUT' | 'PATCH', path: string, body: object): Promise<Ran> =>
    api.send(method, path, body, SETUP_TIMEOUT_MS);

  return {
    identity: async () => {
      const answer = await api.get(apiPath([]), identitySchema);
      if (answer.type !== 'json') return answer;
      const { environment, config: keys } = answer.value;
      return {
        type: 'identity',
        version: environment.server_version,
        serverName: environment.server_name,
        clustered: environment.server_clustered,
        certificate: environment.certificate,
        fingerprint: environment.certificate_fingerprint,
        config: keys ?? {},
      };
    },
    storagePools: async () => {
      const answer = await api.list(apiPath(['storage-pools'], { recursion: '1' }), poolSchema);
      return answer.type === 'json' ? { type: 'storage pools', pools: answer.value.map(withConfig) } : answer;
    },
    networks: async () => {
      const answer = await api.list(apiPath(['networks'], { recursion: '1' }), networkSchema);
      if (answer.type !== 'json') return answer;
      const managed = answer.value.filter((network) => network.managed);
      return { type: 'networks', networks: managed.map(({ type, ...rest }) => ({ kind: type, ...withConfig(rest) })) };
    },
    profiles: async () => {
      const answer = await api.list(apiPath(['profiles'], { recursion: '1', project: 'default' }), profileSchema);
      if (answer.type !== 'json') return answer;
      const profiles = answer.value.map(({ devices, ...rest }) => ({ ...withConfig(rest), devices: devices ?? {} }));
      return { type: 'profiles', profiles };
    },
    groups: async () => {
      const answer = await api.list(apiPath(['cluster', 'groups'], { recursion: '1' }), groupSchema);
      if (answer.type !== 'json') return answer;
      return {
        type: 'groups',
        groups: answer.value.map(({ members, ...rest }) => ({ ...rest, members: members ?? [] })),
      };
    },
    setConfig: async (keys) => {
      const ran = await send('PATCH', apiPath([]), { config: keys });
      return ran.result.exitCode === 0 ? { type: 'set' } : readIncusError(ran);
    },
    createStoragePool: ({ name, driver, source }) =>
      created(
        send('POST', apiPath(['storage-pools']), { name, driver, config: { source } }),
        /^The storage pool already exists/,
      ),
    createNetwork: (network) =>
      created(send('POST', apiPath(['networks']), { ...network, type: 'bridge' }), /^Network "[^"]*" already exists$/),
    enableClustering: async (name) => {
      const ran = await send('PUT', apiPath(['cluster']), { server_name: name, enabled: true });
      return ran.result.exitCode === 0 ? { type: 'enabled' } : readIncusError(ran);
    },
    mintToken: async (name) => {
      const ran = await api.run(['incus', 'cluster', 'add', '--quiet', name], SETUP_TIMEOUT_MS);
      if (ran.result.exitCode !== 0) {
        const taken = /^The cluster already has a member with name: /;
        return taken.test(incusError(ran)) ? { type: 'already member' } : readIncusError(ran);
      }
      const token = ran.result.stdout.trim().split('\n').at(-1) ?? '';
      if (/^[A-Za-z0-9+/=_-]{40,}$/.test(token)) return { type: 'token', token };
      // What it printed instead may have the token in it.
      return unexpected('incus', { ...ran, result: { ...ran.result, stdout: '' } }, 'Expected a join token.');
    },
    join: async ({ name, address, token, sources }) => {
      const memberConfig = Object.entries(sources).map(([pool, value]) => ({
        entity: 'storage-pool',
        name: pool,
        key: 'source',
        value,
      }));
      const preseed = {
        cluster: {
          enabled: true,
          server_name: name,
          server_address: address,
          cluster_token: token,
          member_config: memberConfig,
        },
      };
      // JSON is YAML, which is what init reads.
      const argv = ['incus', 'admin', 'init', '--preseed'];
      const ran = await api.run(argv, JOIN_TIMEOUT_MS, { input: JSON.stringify(preseed) });
      if (ran.result.exitCode === 0) return { type: 'joined' };
      const error = incusError(ran);
      if (DIED.test(error)) return { type: 'interrupted', message: error };
      return isClustered(ran) ? { type: 'already clustered' } : readIncusError(ran);
    },
    removeMember: async (name) => {
      const ran = await api.run(['incus', 'cluster', 'remove', '--quiet', name], REMOVE_TIMEOUT_MS);
      if (ran.result.exitCode === 0) return { type: 'removed' };
      const error = incusError(ran);
      if (NO_MEMBER.test(error)) return { type: 'none' };
      if (/^Failed to cleanup the member: /.test(error)) return { type: 'unfinished', message: error };
      return /^Node still has the following /.test(error) ? { type: 'holds', message: error } : readIncusError(ran);
    },
    removeMemberByForce: async (name) => {
      const argv = ['incus', 'cluster', 'remove', '--quiet', name, '--force', '--yes'];
      const ran = await api.run(argv, REMOVE_TIMEOUT_MS);
      if (ran.result.exitCode === 0) return { type: 'removed' };
      return NO_MEMBER.test(incusError(ran)) ? { type: 'none' } : readIncusError(ran);
    },
    createProfile: (profile) =>
      created(send('POST', apiPath(['profiles'], { project: 'default' }), profile), /already exists$/),
    replaceProfile: async ({ name, ...body }) => {
      const ran = await send('PUT', apiPath(['profiles', name], { project: 'default' }), body);
      return ran.result.exitCode === 0 ? { type: 'replaced' } : readIncusError(ran);
    },
    createGroup: (group) =>
      created(send('POST', apiPath(['cluster', 'groups']), group), /UNIQUE constraint failed: cluster_groups\.name$/),
    replaceGroup: async ({ name, ...body }) => {
      const ran = await send('PUT', apiPath(['cluster', 'groups', name]), body);
      return ran.result.exitCode === 0 ? { type: 'replaced' } : readIncusError(ran);
    },
  };
}

/** As the client says it of a daemon that is gone, or that came back without the operation (Incus 6.0.4). */
const DIED = /websocket: close 1006|\bEOF$|connection refused$|connection reset by peer$|Operation not found$/;

const NO_MEMBER = /^Cluster member not found$/;

const isClustered = (ran: Ran): boolean => /This server is already clustered/.test(incusError(ran));

const withConfig = <T extends { config?: Record<string, string> | null | undefined }>(
  value: T,
): Omit<T, 'config'> & { config: Record<string, string> } => ({ ...value, config: value.config ?? {} });
