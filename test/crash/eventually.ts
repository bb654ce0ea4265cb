import { setTimeout as delay } from 'node:timers/promises';

export interface Patience {
  /** For the message: `the run to end`. */
  what: string;
  withinMs: number;
  everyMs: number;
  /** Looked at now and then: why it will never hold. */
  unless?: () => Promise<string | undefined>;
}

const asText = (problem: unknown): string => (problem instanceof Error ? problem.message : String(problem));

const UNLESS_EVERY_MS = 2_000;

/** Looks until it holds. What a look throws counts as no, and as no reason to end: what it asks may just have been killed. */
export async function eventually(
  look: () => boolean | Promise<boolean>,
  { what, withinMs, everyMs, unless }: Patience,
): Promise<void> {
  const until = Date.now() + withinMs;
  let askAgain = Date.now() + UNLESS_EVERY_MS;
  let problem: unknown;
  for (;;) {
    try {
      if (await look()) return;
      problem = undefined;
    } catch (error) {
      problem = error;
    }
    if (unless && Date.now() > askAgain) {
      const why = await unless().catch(() => undefined);
      if (why !== undefined) throw new Error(`Waited for ${what}, but ${why}.`);
      askAgain = Date.now() + UNLESS_EVERY_MS;
    }
    if (Date.now() > until)
      throw new Error(`Waited ${withinMs} ms for ${what}${problem === undefined ? '' : `: ${asText(problem)}`}.`);
    await delay(everyMs);
  }
}
