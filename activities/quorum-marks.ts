import { STATE_DIR } from './join-mark.ts';
import { marksIn } from './marks.ts';

/** `halted`: its Incus was stopped by a run, and is not started again. `recovered`: it was made the only one that votes. */
export const {
  on: quorumMarks,
  set: setQuorumMark,
  remove: clearQuorumMark,
} = marksIn(`${STATE_DIR}/quorum`, ['halted', 'recovered']);
