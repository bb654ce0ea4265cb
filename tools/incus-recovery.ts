import { z } from 'zod';
import type { IncusApi } from './incus-api.ts';
import { readIncusError, type IncusFailure } from './incus-errors.ts';
import { readJson, unexpected, type Ran, type Unexpected } from './result.ts';

/** Every volume of the pools is mounted and read: 12 s on virtual hosts with one guest. */
const TIMEOUT_MS = 20 * 60_000;

const volume = z.object({
  name: z.string(),
  type: z.string(),
  snapshotCount: z.number(),
  project: z.string(),
  pool: z.string(),
});
const scan = z.object({
  UnknownVolumes: z.array(volume).nullish(),
  DependencyErrors: z.array(z.string()).nullish(),
});

/** A volume on the disks that the database does not know. */
export interface UnknownVolume {
  /** `volume`: a custom one; `container`, `virtual-machine`, `bucket` */
  kind: string;
  name: string;
  project: string;
  pool: string;
  snapshots: number;
}

/** Instances and volumes of a member's pools taken into the database again. Ask the member that has the pools. */
export interface IncusRecovery {
  /** Changes nothing. `dependencies`: what has to be there first, in Incus's words. */
  unknownVolumes(
    pools: readonly string[],
  ): Promise<{ type: 'unknown volumes'; volumes: UnknownVolume[]; dependencies: string[] } | IncusFailure>;
  /** Idempotent: what the database knows by now is not unknown. */
  recover(
    pools: readonly string[],
  ): Promise<{ type: 'recovered' } | { type: 'dependencies'; missing: string[] } | IncusFailure>;
}

export function createIncusRecovery(api: IncusApi): IncusRecovery {
  const post = (path: string, pools: readonly string[]): Promise<Ran> =>
    api.run(
      ['incus', 'query', '-X', 'POST', '-d', JSON.stringify({ pools: pools.map((name) => ({ name })) }), path],
      TIMEOUT_MS,
    );
  const read = (ran: Ran): { type: 'json'; value: z.output<typeof scan> } | Unexpected => readJson('incus', ran, scan);

  return {
    unknownVolumes: async (pools) => {
      const ran = await post('/internal/recover/validate', pools);
      if (ran.result.exitCode !== 0) return readIncusError(ran);
      const answer = read(ran);
      if (answer.type !== 'json') return answer;
      return {
        type: 'unknown volumes',
        volumes: (answer.value.UnknownVolumes ?? []).map(({ type, snapshotCount, ...rest }) => ({
          kind: type,
          snapshots: snapshotCount,
          ...rest,
        })),
        dependencies: answer.value.DependencyErrors ?? [],
      };
    },
    recover: async (pools) => {
      const ran = await post('/internal/recover/import', pools);
      if (ran.result.exitCode !== 0) return readIncusError(ran);
      // It answers with the scan, and imports nothing, where something is missing (Incus 6.0.4); else with nothing.
      if (ran.result.stdout.trim() === '') return { type: 'recovered' };
      const answer = read(ran);
      if (answer.type !== 'json') return answer;
      const missing = answer.value.DependencyErrors ?? [];
      return missing.length > 0 ? { type: 'dependencies', missing } : unexpected('incus', ran, 'Expected no answer.');
    },
  };
}
