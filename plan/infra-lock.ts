/** A time in which a command of this run was ended from outside, and the user and machine that it ran as. */
export interface Interruption {
  /** ISO 8601. */
  from: string;
  to: string;
  /** `root@worker` */
  who: string;
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
