import { isCancellation } from '@temporalio/workflow';
import type { RunRef } from '../../activities/contract.ts';
import { count } from '../../plan/count.ts';
import type { SavedIdentity } from '../../plan/identity.ts';
import { asSentence } from '../../plan/sentence.ts';
import { describeFailure, type DescribedFailure } from '../support/failures.ts';
import type { Run } from '../support/run.ts';

export interface SavedIdentities {
  saved: SavedIdentity[];
  failed: { member: string; cause: DescribedFailure }[];
  /** For the end of a run: one line for each that was not saved, and for each place that has no copy. */
  left: string[];
}

/**
 * Copies of who each member is to its cluster, after it changed. One that fails keeps no other from being saved, and fails no
 * run: it is in `left`. Call it only where the fleet file declares `identity`. Throws only for a cancellation.
 */
export async function saveIdentities(run: Run, ref: RunRef, members: readonly string[]): Promise<SavedIdentities> {
  const all: SavedIdentities = { saved: [], failed: [], left: [] };
  const takenAt = new Date().toISOString();
  for (const member of members) {
    try {
      all.saved.push(await saveOne(run, { fleet: ref.fleet, name: ref.name, member, takenAt }));
    } catch (error) {
      if (isCancellation(error)) throw error;
      all.failed.push({ member, cause: describeFailure(error) });
    }
  }
  all.left = [
    ...all.failed.map(({ member, cause }) => `The identity of ${member} was not saved: ${asSentence(cause.message)}`),
    ...all.saved.flatMap(({ member, missed }) =>
      missed.map(({ place, problem }) => `No copy of the identity of ${member} on ${place}: ${asSentence(problem)}`),
    ),
  ];
  return all;
}

async function saveOne(run: Run, input: RunRef & { member: string; takenAt: string }): Promise<SavedIdentity> {
  return run.step(
    { ...identityStep(input.member), kind: 'observe' },
    (act) => act.saveIdentity(input),
    ({ copies, removed }) => {
      const kept = `copies on ${copies.map(({ place }) => place).join(', ')}`;
      const older = removed.reduce((sum, { number }) => sum + number, 0);
      return { state: 'done', detail: older === 0 ? kept : `${kept}; ${count(older, 'older file')} removed` };
    },
  );
}

export const identityStep = (member: string) =>
  ({ id: `identity-${member}`, phase: 'save', title: `identity of ${member}` }) as const;
