import { setTimeout as sleep } from 'node:timers/promises';
import type { Store } from '../core/store.ts';
import { powerOff, powerOn } from './power.ts';

/** Goes down a moment after it was asked for, is away for a while, and comes back. */
export async function rebootMachine(store: Store, name: string): Promise<number> {
  await sleep(50);
  await store.update((state) => {
    powerOff(store, state, name);
  });
  await sleep(500 * store.read().pace);
  await store.update((state) => {
    powerOn(store, state, name);
  });
  return 0;
}
