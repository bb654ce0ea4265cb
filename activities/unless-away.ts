import { HostError } from '../hosts/host.ts';

/** A host that cannot be asked now is asked again later. */
export async function unlessAway<T>(look: () => Promise<T>): Promise<T | undefined> {
  try {
    return await look();
  } catch (error) {
    if (error instanceof HostError && (error.type === 'TimedOut' || error.type === 'Unreachable')) return undefined;
    throw error;
  }
}
