import { describe, expect, it } from '@jest/globals';
import { ON_ZFS, playScenarios } from '../../../lab/record/subjects.ts';
import { changesOf } from '../../contract/same-answer.ts';
import { transcript } from '../../contract/transcripts.ts';
import { aLab } from '../a-lab.ts';

const lab = aLab('vms');

describe('ZFS, and Incus on it,', () => {
  it('answer as they are recorded', async () => {
    const changes: string[] = [];
    const played: string[] = [];
    await playScenarios(lab(), (subject, entries) => {
      played.push(subject);
      changes.push(...changesOf(subject, transcript(subject), entries));
      return Promise.resolve();
    });
    expect(changes).toEqual([]);
    expect(played).toEqual(Object.keys(ON_ZFS));
  }, 600_000);
});
