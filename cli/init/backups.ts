import type { Answers } from './answers.ts';

/** The member that holds the replicas of a member’s volumes: the next one. Undefined where there is no other. */
export function backedUpTo({ members }: Pick<Answers, 'members'>, member: string): string | undefined {
  const at = members.findIndex(({ name }) => name === member);
  const next = members[(at + 1) % members.length]?.name;
  return next === member ? undefined : next;
}
