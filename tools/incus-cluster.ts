import { z } from 'zod';
import { apiPath, type IncusApi } from './incus-api.ts';
import { incusError, readIncusError, type IncusFailure } from './incus-errors.ts';
import { unexpected } from './result.ts';

/** Guests are asked to shut down one after the other and have 30 s each (`boot.host_shutdown_timeout`) by default. */
const EVACUATE_TIMEOUT_MS = 20 * 60_000;

/** Starts what was stopped, one guest after the other. */
const RESTORE_TIMEOUT_MS = 20 * 60_000;

/** A number over what the daemon was told, so that its own message comes first. */
const WAIT_READY_MARGIN_MS = 10_000;

const serverSchema = z.object({
  api_extensions: z.array(z.string()),
  environment: z.object({
    server_version: z.string(),
    server_name: z.string(),
    server_clustered: z.boolean(),
    storage: z.string(),
    storage_version: z.string(),
  }),
});

const memberSchema = z.object({
  server_name: z.string(),
  url: z.string(),
  database: z.boolean(),
  status: z.string(),
  message: z.string(),
  roles: z
    .array(z.string())
    .nullish()
    .transform((roles) => roles ?? []),
});

interface Server {
  type: 'server';
  version: string;
  clustered: boolean;
  serverName: string;
  /** The drivers in use, as `zfs 2.3.9-1 | dir 1` is listed: name and version. */
  storageDrivers: { name: string; version: string }[];
  /** Members of a cluster must agree on these as well as on the version. */
  apiExtensions: number;
}

interface Member {
  name: string;
  url: string;
  /** `Online`, `Offline`, `Evacuated`, `Evacuating`, `Restoring`, `Blocked` (another version), … An evacuated member stays `Evacuated` when powered off. */
  status: string;
  message: string;
  roles: string[];
  database: boolean;
}

type Members = { type: 'members'; members: Member[] } | { type: 'not clustered' } | IncusFailure;

export interface IncusCluster {
  /** The daemon that answers on this host. */
  server(): Promise<Server | IncusFailure>;
  members(): Promise<Members>;
  /** Stops the member's instances where they are; nothing migrates. Idempotent: an evacuated member stays so. */
  evacuateMember(
    name: string,
  ): Promise<
    { type: 'evacuated' } | { type: 'already evacuated' } | InProgress | { type: 'not clustered' } | IncusFailure
  >;
  /** Takes the member back and starts what its evacuation stopped. Idempotent. */
  restoreMember(
    name: string,
  ): Promise<
    { type: 'restored' } | { type: 'already restored' } | InProgress | { type: 'not clustered' } | IncusFailure
  >;
  /** Waits until the daemon on this host answers and has started what it starts. */
  waitReady(timeoutMs: number): Promise<{ type: 'ready' } | { type: 'not ready'; message: string } | IncusFailure>;
}

/** The server is at it; look again later. */
interface InProgress {
  type: 'in progress';
  status: string;
}

export function createIncusCluster(api: IncusApi): IncusCluster {
  const server = async (): Promise<Server | IncusFailure> => {
    const answer = await api.get(apiPath([]), serverSchema);
    if (answer.type !== 'json') return answer;
    const { environment, api_extensions } = answer.value;
    return {
      type: 'server',
      version: environment.server_version,
      clustered: environment.server_clustered,
      serverName: environment.server_name,
      storageDrivers: storageDrivers(environment.storage, environment.storage_version),
      apiExtensions: api_extensions.length,
    };
  };

  const members = async (): Promise<Members> => {
    const answer = await api.read(['incus', 'cluster', 'list', '-f', 'json'], z.array(memberSchema), (error) =>
      error === "Server isn't part of a cluster" ? { type: 'not clustered' as const } : undefined,
    );
    if (answer.type !== 'json') return answer;
    return {
      type: 'members',
      members: answer.value.map(({ server_name, ...rest }) => ({ name: server_name, ...rest })),
    };
  };

  const memberStatus = async (name: string) => {
    const answer = await members();
    if (answer.type !== 'members') return answer;
    const found = answer.members.find((member) => member.name === name);
    if (found === undefined) return { type: 'not found' as const, what: `Cluster member ${JSON.stringify(name)}` };
    return { type: 'status' as const, status: found.status };
  };

  /** Only a name from the cluster's own list gets into the command, so none can be taken for an option. */
  const change = async <D, A>(name: string, { argv, timeoutMs, aim, underway, done, already }: Change<D, A>) => {
    const before = await memberStatus(name);
    if (before.type !== 'status') return before;
    if (before.status === aim) return already;
    if (underway.includes(before.status)) return { type: 'in progress' as const, status: before.status };
    const ran = await api.run(argv, timeoutMs);
    const raced = /^Cluster member is already (?:in requested state|evacuated|restored)$/.test(incusError(ran));
    if (ran.result.exitCode !== 0 && !raced) return readIncusError(ran);
    const after = await memberStatus(name);
    if (after.type !== 'status') return after;
    if (after.status === aim) return raced ? already : done;
    if (underway.includes(after.status) || raced) return { type: 'in progress' as const, status: after.status };
    return unexpected('incus', ran, `Expected the member ${name} to be ${aim} afterwards, it is ${after.status}.`);
  };

  return {
    server,
    members,
    evacuateMember: (name) =>
      change(name, {
        argv: ['incus', 'cluster', 'evacuate', name, '--action', 'stop', '--force'],
        timeoutMs: EVACUATE_TIMEOUT_MS,
        aim: 'Evacuated',
        underway: ['Evacuating'],
        done: { type: 'evacuated' } as const,
        already: { type: 'already evacuated' } as const,
      }),
    restoreMember: (name) =>
      change(name, {
        argv: ['incus', 'cluster', 'restore', name, '--force'],
        timeoutMs: RESTORE_TIMEOUT_MS,
        aim: 'Online',
        // An evacuated one stays so also while it is away: one that is not any more has only to be heard of again, which
        // takes a heartbeat where it has just booted.
        underway: ['Restoring', 'Offline'],
        done: { type: 'restored' } as const,
        already: { type: 'already restored' } as const,
      }),
    waitReady: async (timeoutMs) => {
      const seconds = Math.max(1, Math.ceil(timeoutMs / 1000));
      const argv = ['incus', 'admin', 'waitready', `--timeout=${seconds}`];
      const ran = await api.run(argv, seconds * 1000 + WAIT_READY_MARGIN_MS);
      if (ran.result.exitCode === 0) return { type: 'ready' };
      const error = incusError(ran);
      return /^Daemon still not running after/.test(error)
        ? { type: 'not ready', message: error }
        : readIncusError(ran);
    },
  };
}

interface Change<Done, Already> {
  argv: readonly string[];
  timeoutMs: number;
  /** The status that the member is to have. */
  aim: string;
  underway: readonly string[];
  done: Done;
  already: Already;
}

/** `zfs | dir` and `2.3.9-1 | 1` belong together, in order. */
function storageDrivers(names: string, versions: string): { name: string; version: string }[] {
  const version = versions.split(' | ');
  return names
    .split(' | ')
    .filter((name) => name !== '')
    .map((name, index) => ({ name, version: version[index] ?? '' }));
}
