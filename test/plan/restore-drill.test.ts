import { describe, expect, it } from '@jest/globals';
import type { ReplicaPair } from '../../plan/nightly-backup.ts';
import { problemOf } from '../../plan/problem.ts';
import {
  drillSteps,
  isPassing,
  planDrill,
  restoreWords,
  whyInTurn,
  type CopyProof,
  type DrillCopy,
} from '../../plan/restore-drill.ts';

const NOW = '2026-11-28T06:00:00.000Z';
const PAIR = {
  id: 'n1-to-n3-1',
  sender: 'n1',
  target: { member: 'n3', dataset: 'tank/r' },
  volumes: [],
} as unknown as ReplicaPair;

const proof = (at: string, outcome: CopyProof['outcome'] = 'proven'): CopyProof => ({
  ...{ outcome, at, guid: '1', snapshotAt: at, words: 'all of 3 files' },
});

const copy = (volume: string, more: Partial<DrillCopy> = {}): DrillCopy => ({
  ...{ id: volume, volume, place: 'n3 tank/r', pair: PAIR, bytes: 10, freeBytes: 100, scratch: 'zpool/runbook-drill' },
  snapshot: { onSource: 'a', onCopy: 'a', guid: '1', createdAt: NOW, createtxg: '1' },
  ...more,
});

const chosen = (copies: DrillCopy[], most = 2): string[] =>
  planDrill(copies, { most }).chosen.map(({ volume }) => volume);

describe('which copies are restored for a proof', () => {
  it('are those that were never tried, then those whose last try is oldest', () => {
    const all = [
      copy('young', { proof: proof('2026-11-27T00:00:00.000Z') }),
      copy('old', { proof: proof('2026-10-27T00:00:00.000Z') }),
      copy('never'),
      copy('wrong', { proof: proof('2026-11-28T00:00:00.000Z', 'failed') }),
    ];
    expect(chosen(all, 4)).toEqual(['never', 'old', 'young', 'wrong']);
    expect(planDrill(all, { most: 3 }).later).toBe(1);
  });

  it('come all to their turn in as many drills as it takes', () => {
    const copies = Array.from({ length: 7 }, (_, at) => copy(`v${at}`));
    const seen = new Set<string>();
    for (let day = 0; day < 4; day += 1) {
      const plan = planDrill(copies, { most: 2 });
      for (const each of plan.chosen) {
        seen.add(each.volume);
        each.proof = proof(new Date(Date.parse(NOW) + day * 86_400_000).toISOString());
      }
    }
    expect(seen.size).toBe(7);
  });

  it('come to their turn also where others are lastingly wrong', () => {
    const copies = Array.from({ length: 5 }, (_, at) => copy(`v${at}`));
    const seen = new Set<string>();
    for (let day = 0; day < 3; day += 1)
      for (const each of planDrill(copies, { most: 2 }).chosen) {
        seen.add(each.volume);
        each.proof = proof(new Date(Date.parse(NOW) + day * 86_400_000).toISOString(), 'failed');
      }
    expect(seen.size).toBe(5);
  });

  it('are none that cannot be proven, which take nobody’s turn', () => {
    const none = copy('none');
    delete none.snapshot;
    const plan = planDrill(
      [
        copy('secret', { problem: problemOf('NotProvable', 'it is encrypted.') }),
        none,
        copy('large', { bytes: 101 }),
        copy('good'),
      ],
      { most: 1 },
    );
    expect(plan.chosen.map(({ volume }) => volume)).toEqual(['good']);
    expect(plan.notProvable.map(({ copy: { volume }, problem: { type } }) => `${volume} ${type}`)).toEqual([
      'secret NotProvable',
      'none NotProvable',
      'large NoSpace',
    ]);
    expect(plan.gates.filter(({ verdict }) => verdict === 'warning')).toHaveLength(3);
    expect(plan.refusals).toEqual([]);
  });

  it('are refused where there is nothing to prove', () => {
    expect(planDrill([], { most: 2 }).refusals).toHaveLength(1);
    expect(planDrill([copy('large', { bytes: 101 })], { most: 2 }).refusals).toHaveLength(1);
  });

  it('go through their steps one after the other, each with why it has its turn', () => {
    const steps = drillSteps([copy('a'), copy('b', { proof: proof('2026-11-26T06:00:00.000Z') })], NOW);
    expect(steps.map(({ id }) => id)).toEqual(
      ['a', 'b'].flatMap((id) => ['restore', 'compare', 'clean', 'prove'].map((step) => `${step}-${id}`)),
    );
    expect(steps[0]?.detail).toBe('never proven');
    expect(steps[4]?.detail).toBe('proven 2 d ago');
    expect(whyInTurn(copy('c', { proof: proof('2026-11-28T05:00:00.000Z', 'failed') }), NOW)).toBe('failed 1 h ago');
  });

  it('fail where they cannot be read, not where their hosts cannot work for the moment', () => {
    for (const type of ['Unexpected', 'NotFound', 'Damaged', 'KeyNotLoaded'] as const)
      expect(isPassing(type)).toBe(false);
    for (const type of ['Unreachable', 'Busy', 'NoSpace', 'Cancelled', 'TimedOut'] as const)
      expect(isPassing(type)).toBe(true);
  });

  it('say how long a restore takes, where that was measured', () => {
    expect(restoreWords({ bytes: 2 ** 30, seconds: 12.4 })).toBe('a real restore would take about 12 s (1.0 GiB)');
    expect(restoreWords({ bytes: 1, seconds: 0.1 })).toContain('1 s');
    expect(restoreWords({ bytes: 1 })).toContain('was not measured');
  });
});
