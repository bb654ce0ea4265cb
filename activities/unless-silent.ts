import { ApplicationFailure } from '@temporalio/common';
import { unlessAway } from './unless-away.ts';

/** A daemon that cannot answer now is asked again, as a host that is away. */
export async function unlessSilent<T>(look: () => Promise<T>): Promise<T | undefined> {
  try {
    return await unlessAway(look);
  } catch (error) {
    if (error instanceof ApplicationFailure && (error.type === 'Busy' || error.type === 'NoQuorum')) return undefined;
    throw error;
  }
}
