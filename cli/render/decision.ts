import { shortHash } from '../../plan/infra.ts';
import type { Decision } from '../../plan/run.ts';

/** Who decided what, and why, in a line. */
export const decisionText = ({ approvalId, approved, actor, reason, plan, count }: Decision): string =>
  `${approvalId}${plan === undefined ? '' : ` (${shortHash(plan)})`} ${approved ? 'approved' : 'rejected'}${countText(count)} by ${actor}: ${reason}`;

/** ` (1 of 2)`, where more than one yes is needed. */
export const countText = (count: Decision['count']): string =>
  count === undefined ? '' : ` (${count.yes} of ${count.of})`;
