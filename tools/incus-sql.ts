import { z } from 'zod';

/** What `incus admin sql … -f json` answers to a SELECT; `null` where nothing was found. */
export const rows = <T extends z.ZodType>(row: T) =>
  z.object({
    rows: z
      .array(row)
      .nullish()
      .transform((found) => found ?? []),
  });

/** A name in a text of SQL. Throws a TypeError for one that cannot be. */
export function literal(member: string): string {
  if (/^[A-Za-z0-9][A-Za-z0-9.-]*$/.test(member)) return `'${member}'`;
  throw new TypeError(`Expected the name of a member, got ${JSON.stringify(member)}.`);
}
