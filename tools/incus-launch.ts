import type { IncusApi } from './incus-api.ts';
import { incusError, readIncusError, type IncusFailure } from './incus-errors.ts';

/** The image may have to be downloaded by the cluster, and unpacked on the member. */
const LAUNCH_TIMEOUT_MS = 15 * 60_000;
const DELETE_TIMEOUT_MS = 5 * 60_000;

export interface LaunchRequest {
  /** As `incus launch` takes it: `images:alpine/edge`, an alias, a fingerprint. */
  image: string;
  name: string;
  member: string;
  pool: string;
}

/** Containers that are launched and deleted again, in the project `default`. */
export interface IncusLaunch {
  /** Creates and starts a container on that member. What was created stays where it does not start. */
  launch(request: LaunchRequest): Promise<{ type: 'launched' } | { type: 'already there' } | IncusFailure>;
  /** Also one that runs. Callers delete what they named themselves, and nothing else. Idempotent. */
  deleteInstance(name: string): Promise<{ type: 'deleted' } | { type: 'none' } | IncusFailure>;
}

export function createIncusLaunch(api: IncusApi): IncusLaunch {
  return {
    launch: async ({ image, name, member, pool }) => {
      const argv = ['incus', 'launch', '--quiet', image, name, '--target', member, '--storage', pool];
      const ran = await api.run(argv, LAUNCH_TIMEOUT_MS);
      if (ran.result.exitCode === 0) return { type: 'launched' };
      return /UNIQUE constraint failed: instances\.project_id, instances\.name$/.test(incusError(ran))
        ? { type: 'already there' }
        : readIncusError(ran);
    },
    deleteInstance: async (name) => {
      const ran = await api.run(['incus', 'delete', '--quiet', '--force', name], DELETE_TIMEOUT_MS);
      if (ran.result.exitCode === 0) return { type: 'deleted' };
      return /Instance not found$/.test(incusError(ran)) ? { type: 'none' } : readIncusError(ran);
    },
  };
}
