import * as z from 'zod';

/** One of the choices that `type` decides between. */
export const variant = <const Type extends string, Shape extends z.core.$ZodShape>(
  type: Type,
  description: string,
  shape: Shape,
) => z.strictObject({ type: z.literal(type).describe(description), ...shape }).describe(description);
