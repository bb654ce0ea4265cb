import { setTimeout as delay } from 'node:timers/promises';
import { ApplicationFailure } from '@temporalio/common';
import { HostError } from '../hosts/host.ts';

const TRIES = 3;
const APART_MS = 1_000;

/** One lost connection is not a machine that is away, nor one lost answer a broken one: only three in a row are. */
export async function again<T>(look: () => Promise<T>, signal: AbortSignal): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await look();
    } catch (error) {
      const isPassing = error instanceof HostError ? error.type === 'Unreachable' : isBusy(error);
      if (!isPassing || tries >= TRIES) throw error;
      await delay(APART_MS, undefined, { signal });
    }
  }
}

function isBusy(error: unknown): boolean {
  return error instanceof ApplicationFailure && error.type === 'Busy';
}
