import { setTimeout as pause } from 'node:timers/promises';

export interface Looking {
  everyMs: number;
  /** What takes longer is given up. */
  patienceMs: number;
  /** Ends it. */
  signal: AbortSignal;
}

/** Looks again and again, never twice at once, and resolves when `signal` ends it. Whatever `look` throws is told to `failed`. */
export async function keepLooking(
  look: (signal: AbortSignal) => Promise<void>,
  failed: (error: unknown) => void,
  { everyMs, patienceMs, signal }: Looking,
): Promise<void> {
  while (!signal.aborted) {
    const began = Date.now();
    const patience = AbortSignal.any([signal, AbortSignal.timeout(patienceMs)]);
    await orAborted(look(patience), patience).catch((error: unknown) => {
      if (!signal.aborted) failed(error);
    });
    const left = Math.max(0, everyMs - (Date.now() - began));
    await pause(left, undefined, { signal }).catch(() => undefined);
  }
}

/** Also where the work does not care for the signal. */
async function orAborted(work: Promise<void>, signal: AbortSignal): Promise<void> {
  let giveUp: () => void = () => undefined;
  const aborted = new Promise<never>((_, reject) => {
    giveUp = () => {
      reject(signal.reason as Error);
    };
    signal.addEventListener('abort', giveUp, { once: true });
  });
  try {
    await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', giveUp);
  }
}
