import { z } from 'zod';
import { apiPath, type IncusApi } from './incus-api.ts';
import { incusError, readIncusError, type IncusFailure } from './incus-errors.ts';

const TIMEOUT_MS = 60_000;
/** The image may have to be fetched by the cluster, and unpacked on the member. */
const CREATE_TIMEOUT_MS = 15 * 60_000;
/** With the `dir` driver all of its files are removed one by one. */
const DELETE_TIMEOUT_MS = 5 * 60_000;

const device = z.record(z.string(), z.string());
const recordSchema = z.object({
  type: z.enum(['container', 'virtual-machine']),
  status: z.string(),
  location: z.string(),
  architecture: z.string(),
  description: z.string(),
  ephemeral: z.boolean(),
  stateful: z.boolean(),
  profiles: z.array(z.string()),
  config: z.record(z.string(), z.string()),
  devices: z.record(z.string(), device),
  expanded_devices: z.record(z.string(), device),
});

/** Everything that Incus knows of an instance itself. Its configuration may hold secrets: it is for memory only. */
export type InstanceRecord = z.output<typeof recordSchema>;

export interface NewInstance {
  project: string;
  name: string;
  member: string;
  type: 'container' | 'virtual-machine';
  image: string;
  profiles: readonly string[];
  config: Readonly<Record<string, string>>;
  devices: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

/** An instance that takes the place of another one. */
export interface IncusRecreate {
  instanceRecord(
    project: string,
    instance: string,
  ): Promise<{ type: 'instance record'; record: InstanceRecord } | IncusFailure>;
  /** Configuration and devices at once, whole or not at all. */
  replaceInstanceRecord(
    project: string,
    instance: string,
    record: InstanceRecord,
  ): Promise<{ type: 'replaced' } | IncusFailure>;
  /** One that does not run. Its snapshots go with it. */
  renameInstance(project: string, instance: string, to: string): Promise<{ type: 'renamed' } | IncusFailure>;
  /** On that member, without starting it. */
  createInstance(wanted: NewInstance): Promise<{ type: 'made' } | { type: 'already there' } | IncusFailure>;
  /** One that does not run, with its snapshots. Custom volumes stay. Idempotent. */
  removeInstance(project: string, instance: string): Promise<{ type: 'removed' } | { type: 'none' } | IncusFailure>;
}

export function createIncusRecreate(api: IncusApi): IncusRecreate {
  return {
    instanceRecord: async (project, instance) => {
      const answer = await api.get(apiPath(['instances', instance], { project }), recordSchema);
      return answer.type === 'json' ? { type: 'instance record', record: answer.value } : answer;
    },
    replaceInstanceRecord: async (project, instance, record) => {
      const { architecture, description, ephemeral, stateful, profiles, config, devices } = record;
      // JSON is YAML. Over its input: configuration may hold secrets, and everybody sees arguments.
      const input = JSON.stringify({ architecture, description, ephemeral, stateful, profiles, config, devices });
      const ran = await api.run(['incus', 'config', 'edit', '--project', project, instance], TIMEOUT_MS, { input });
      return ran.result.exitCode === 0 ? { type: 'replaced' } : readIncusError(ran);
    },
    renameInstance: async (project, instance, to) => {
      const ran = await api.send('POST', apiPath(['instances', instance], { project }), { name: to }, TIMEOUT_MS);
      return ran.result.exitCode === 0 ? { type: 'renamed' } : readIncusError(ran);
    },
    createInstance: async ({ project, name, member, type, image, profiles, config, devices }) => {
      const argv = [
        ...['incus', 'init', '--quiet', '--project', project, '--target', member],
        ...(type === 'virtual-machine' ? ['--vm'] : []),
        ...(profiles.length === 0 ? ['--no-profiles'] : profiles.flatMap((profile) => ['--profile', profile])),
        ...[image, name],
      ];
      const ran = await api.run(argv, CREATE_TIMEOUT_MS, { input: JSON.stringify({ config, devices }) });
      if (ran.result.exitCode === 0) return { type: 'made' };
      return /UNIQUE constraint failed: instances\.project_id, instances\.name$/.test(incusError(ran))
        ? { type: 'already there' }
        : readIncusError(ran);
    },
    removeInstance: async (project, instance) => {
      const path = apiPath(['instances', instance], { project });
      const ran = await api.send('DELETE', path, undefined, DELETE_TIMEOUT_MS);
      if (ran.result.exitCode === 0) return { type: 'removed' };
      return /Instance not found$/.test(incusError(ran)) ? { type: 'none' } : readIncusError(ran);
    },
  };
}
