/** A time in which a command of this run was ended from outside, and the user and machine that it ran as. */
export interface Interruption {
  /** ISO 8601. */
  from: string;
  to: string;
  /** `root@worker` */
  who: string;
}

/** A command locks when it has begun; by then that has taken long. */
const START_MS = 60_000;
/** How long it took is counted from when its supervisor ran, which is so much later than when it was started. */
const SPAWN_MS = 2_000;

/**
 * When a command of this run that was ended from outside can have locked: soon after its start, and no later than its end. When
 * that end was noticed says nothing: somebody else can have a lock by then. Pure.
 */
export function interruptionOf(
  ended: { startedAt: string; how: string; durationMs: number },
  { lockTimeoutMs, now, who }: { lockTimeoutMs: number; now: number; who: string },
): Interruption {
  const start = Date.parse(ended.startedAt);
  // Of one that is lost nobody knows when it ended.
  const end = ended.how === 'lost' ? now : Math.min(now, start + ended.durationMs + SPAWN_MS);
  const to = Math.min(end, start + lockTimeoutMs + START_MS);
  return { from: ended.startedAt, to: new Date(to).toISOString(), who };
}

/**
 * Whether a lock was left by a command of this run that was ended from outside: of the same user on the same machine, taken
 * while that command ran. Whoever else has one keeps it. Pure.
 */
export const isLeftBy = (
  { who, created }: { who: string; created: string },
  interruptions: readonly Interruption[],
): boolean =>
  created !== '' && interruptions.some((each) => each.who === who && each.from <= created && created <= each.to);
