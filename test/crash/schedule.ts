import type { Kill } from './killing.ts';

/** Deals kills out to as few runs as give each at most `perRun`: in the order of the procedure, one per step. */
export function dealOut(kills: readonly Kill[], perRun: number): Kill[][] {
  const runs: Kill[][] = Array.from({ length: Math.ceil(kills.length / perRun) }, () => []);
  kills.forEach((kill, i) => {
    // Neighbours go to different runs, so that kills are apart within one.
    const inTurn = runs.map((_, k) => runs[(i + k) % runs.length] ?? []);
    const fitting = inTurn.find((run) => run.every((other) => other.point.step !== kill.point.step));
    if (fitting) fitting.push(kill);
    else runs.push([kill]);
  });
  return runs.filter((run) => run.length > 0);
}

/** Starts the next piece of work whenever one of `width` has ended; each settles by itself. */
export function runAll<T>(works: readonly (() => Promise<T>)[], width: number): Promise<T>[] {
  const waiting: (() => void)[] = [];
  let free = width;
  const enter = (): Promise<void> => {
    if (free > 0) {
      free -= 1;
      return Promise.resolve();
    }
    return new Promise((resolve) => waiting.push(resolve));
  };
  const leave = (): void => {
    const next = waiting.shift();
    if (next) next();
    else free += 1;
  };
  return works.map(async (work) => {
    await enter();
    try {
      return await work();
    } finally {
      leave();
    }
  });
}
