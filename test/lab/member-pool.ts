/** Lends the members of a lab to tests that run at the same time, each to one at a time. */
export function memberPool(
  members: readonly string[] = ['n1', 'n2', 'n3'],
): <T>(work: (member: string) => Promise<T>) => Promise<T> {
  const free = [...members];
  const waiting: ((member: string) => void)[] = [];
  return async (work) => {
    const member = free.shift() ?? (await new Promise<string>((resolve) => waiting.push(resolve)));
    try {
      return await work(member);
    } finally {
      const next = waiting.shift();
      if (next === undefined) free.push(member);
      else next(member);
    }
  };
}

/** The guest that the lab has on each member. */
export const guestOn = (member: string): string => member.replace('n', 'g');
