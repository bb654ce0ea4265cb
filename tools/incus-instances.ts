import { z } from 'zod';
import { apiPath, type IncusApi } from './incus-api.ts';
import { incusError, readIncusError, type IncusFailure } from './incus-errors.ts';

/** A container starts within a second; a virtual machine's devices can take a minute on a busy host. */
const START_TIMEOUT_MS = 5 * 60_000;

/** Over the time the guest is given to shut down. */
const STOP_MARGIN_MS = 60_000;

const device = z.record(z.string(), z.string());

const instanceSchema = z.object({
  name: z.string(),
  project: z.string(),
  type: z.enum(['container', 'virtual-machine']),
  status: z.string(),
  location: z.string(),
  created_at: z.string(),
  // null where the member is offline: only its own record of the instance has them.
  config: z.record(z.string(), z.string()).nullish(),
  expanded_config: z.record(z.string(), z.string()).nullish(),
  expanded_devices: z.record(z.string(), device).nullish(),
});

const stateSchema = z.object({ status: z.string(), processes: z.number(), pid: z.number() });

interface Instance {
  name: string;
  project: string;
  type: 'container' | 'virtual-machine';
  /** `Running`, `Stopped`, `Frozen`, …; `Error` where its member is offline. */
  status: string;
  /** The member it is on; `none` on a server without a cluster. */
  location: string;
  /** ISO 8601. */
  created: string;
  /** `boot.autostart`; undefined: as it was when the host went down. */
  autostart?: boolean;
  /** `boot.autostart.priority`: the highest starts first. */
  autostartPriority?: number;
  /** `snapshots.schedule` and `snapshots.expiry`, its own or of its profiles. */
  snapshotSchedule?: string;
  snapshotExpiry?: string;
  /** What it was made from, in words. */
  image?: string;
  /** Attached custom volumes. */
  volumes: { device: string; pool: string; name: string }[];
  /** What a run has noted of why it is kept: `user.runbook.kept`. */
  keptMark?: string;
  /** The pool of its root disk. */
  rootPool?: string;
}

interface InstanceState {
  type: 'state';
  status: string;
  /** −1 in a virtual machine whose agent does not answer. */
  processes: number;
}

export interface IncusInstances {
  /** Of one project, or of all. An offline member's are listed with the status `Error`, without volumes and configuration. */
  instances(options?: { project?: string }): Promise<{ type: 'instances'; instances: Instance[] } | IncusFailure>;
  instanceState(project: string, instance: string): Promise<InstanceState | IncusFailure>;
  /** Idempotent. `member evacuated`: Incus starts nothing there until the member is restored. */
  startInstance(
    project: string,
    instance: string,
  ): Promise<{ type: 'started' } | { type: 'already running' } | { type: 'member evacuated' } | IncusFailure>;
  /** Asks the guest to shut down; `force` pulls the plug. Idempotent. */
  stopInstance(
    project: string,
    instance: string,
    options: { timeoutSeconds: number; force?: boolean },
  ): Promise<
    { type: 'stopped' } | { type: 'already stopped' } | { type: 'did not stop'; message: string } | IncusFailure
  >;
}

export function createIncusInstances(api: IncusApi): IncusInstances {
  const setState = (project: string, instance: string, body: object, timeoutMs: number) =>
    api.send('PUT', apiPath(['instances', instance, 'state'], { project }), body, timeoutMs);

  return {
    instances: async ({ project } = {}) => {
      const query = project === undefined ? { 'all-projects': 'true' } : { project };
      const answer = await api.get(apiPath(['instances'], { recursion: '1', ...query }), z.array(instanceSchema));
      return answer.type === 'json' ? { type: 'instances', instances: answer.value.map(toInstance) } : answer;
    },
    instanceState: async (project, instance) => {
      const answer = await api.get(apiPath(['instances', instance, 'state'], { project }), stateSchema);
      if (answer.type !== 'json') return answer;
      return { type: 'state', status: answer.value.status, processes: answer.value.processes };
    },
    startInstance: async (project, instance) => {
      const ran = await setState(project, instance, { action: 'start', timeout: -1 }, START_TIMEOUT_MS);
      if (ran.result.exitCode === 0) return { type: 'started' };
      const error = incusError(ran);
      if (/^The (?:instance|container) is already running$/.test(error)) return { type: 'already running' };
      if (error === 'Cluster member is evacuated') return { type: 'member evacuated' };
      return readIncusError(ran);
    },
    stopInstance: async (project, instance, { timeoutSeconds, force = false }) => {
      const body = { action: 'stop', timeout: timeoutSeconds, force };
      const ran = await setState(project, instance, body, timeoutSeconds * 1000 + STOP_MARGIN_MS);
      if (ran.result.exitCode === 0) return { type: 'stopped' };
      const error = incusError(ran);
      if (/^The (?:instance|container) is already stopped$/.test(error)) return { type: 'already stopped' };
      if (/^Failed shutting down instance|context deadline exceeded$/.test(error))
        return { type: 'did not stop', message: error };
      return readIncusError(ran);
    },
  };
}

/** Of the configuration only what is needed: the rest can hold secrets (`cloud-init.user-data`). */
function toInstance(raw: z.output<typeof instanceSchema>): Instance {
  const config = raw.expanded_config ?? raw.config ?? {};
  const devices = Object.entries(raw.expanded_devices ?? {}).filter(([, value]) => value['type'] === 'disk');
  const rootPool = devices.find(([, value]) => value['path'] === '/')?.[1]['pool'];
  const keptMark = config['user.runbook.kept'];
  const image = config['image.description'] ?? config['volatile.base_image'];
  return {
    name: raw.name,
    project: raw.project,
    type: raw.type,
    status: raw.status,
    location: raw.location,
    created: raw.created_at,
    ...(config['boot.autostart'] === undefined ? {} : { autostart: config['boot.autostart'] === 'true' }),
    ...(config['boot.autostart.priority'] === undefined
      ? {}
      : { autostartPriority: Number(config['boot.autostart.priority']) }),
    ...snapshotsOf(config),
    ...(image === undefined ? {} : { image }),
    ...(keptMark === undefined ? {} : { keptMark }),
    ...(rootPool === undefined ? {} : { rootPool }),
    volumes: devices.flatMap(([name, { pool, source }]) =>
      pool === undefined || source === undefined ? [] : [{ device: name, pool, name: source }],
    ),
  };
}

const snapshotsOf = ({
  'snapshots.schedule': snapshotSchedule,
  'snapshots.expiry': snapshotExpiry,
}: Readonly<Record<string, string>>): Pick<Instance, 'snapshotSchedule' | 'snapshotExpiry'> => ({
  ...(snapshotSchedule === undefined ? {} : { snapshotSchedule }),
  ...(snapshotExpiry === undefined ? {} : { snapshotExpiry }),
});
