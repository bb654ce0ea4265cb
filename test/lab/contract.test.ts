import { describe, expect, it } from '@jest/globals';
import type { Entry } from '../../lab/record/entry.ts';
import { LAST, ON_ZFS, playScenarios } from '../../lab/record/subjects.ts';
import { changesOf } from '../contract/same-answer.ts';
import { subjects, transcript } from '../contract/transcripts.ts';
import { aLab } from './a-lab.ts';

const lab = aLab();

/**
 * The simulator is held to the transcripts by `npm test`; here the transcripts are held to reality. Without the version jump
 * of Incus, which cluster-upgrade.test.ts makes with the product itself.
 */
describe('the real programs', () => {
  it('answer as they are recorded', async () => {
    const changes: string[] = [];
    const played: string[] = [];
    const compare = (subject: string, entries: Entry[]): Promise<void> => {
      played.push(subject);
      changes.push(...changesOf(subject, transcript(subject), entries));
      return Promise.resolve();
    };
    await playScenarios(lab(), compare, { withoutLast: true });
    expect(changes).toEqual([]);
    expect(played.sort()).toEqual(subjects().filter((subject) => !(subject in LAST || subject in ON_ZFS)));
  }, 600_000);
});
