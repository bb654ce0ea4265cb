import { shortHash } from '../../plan/infra.ts';
import type { Decision } from '../../plan/run.ts';

/** Who decided what, and why, in a line. */
export const decisionText = ({ approvalId, approved, actor, reason, plan }: Decision): string =>
  `${approvalId}${plan === undefined ? '' : ` (${shortHash(plan)})`} ${approved ? 'approved' : 'rejected'} by ${actor}: ${reason}`;
