import { toolFailure, type ToolProblem } from './failure.ts';

/** The answer of that type, or a failure that names the member. */
export function expecting<A extends { type: string }, T extends A['type']>(
  answer: A,
  type: T,
  member: string,
): Extract<A, { type: T }> {
  if (answer.type === type) return answer as Extract<A, { type: T }>;
  throw toolFailure(`incus on ${member}`, answer as unknown as ToolProblem);
}
