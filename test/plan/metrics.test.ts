import { describe, expect, it } from '@jest/globals';
import { backupSamples, type MeasuredBackups } from '../../plan/backup-metrics.ts';
import { judgeCopy, type CopySeen, type JudgedCopy, type ProofView } from '../../plan/copy-age.ts';
import { GAUGES, type Sample } from '../../plan/metrics.ts';
import { problemOf } from '../../plan/problem.ts';
import { runSamples, type SeenRuns } from '../../plan/run-metrics.ts';
import type { RunView } from '../../plan/run.ts';
import { aView, at } from '../cli/run-fixture.ts';

const NOW = '2026-11-28T06:00:00.000Z';
const PLACE = 'nuc-1 tank/replicas';
const copy = (newest: CopySeen['newest'], proof?: ProofView, own: Partial<CopySeen> = {}): JudgedCopy => ({
  ...judgeCopy({ of: 'edge-data', place: PLACE, newest, ...own }, { now: NOW, maxAgeMs: 26 * 3_600_000 }),
  ...(proof && { proof }),
});
const measured = (copies: JudgedCopy[], own: Partial<MeasuredBackups> = {}): MeasuredBackups => ({
  view: { copies, problems: [], upkeep: [] },
  restic: { repositories: [] },
  ...{ maxAge: '26h', proofMaxAge: '30d', ...own },
});
const lines = (samples: Sample[]): string[] =>
  samples.map(({ name, labels, value }) => `${name} ${Object.values(labels).join(', ')} = ${value}`);
const ofCopies = (...copies: JudgedCopy[]): string[] =>
  lines(backupSamples(measured(copies))).filter((line) => line.includes('edge-data'));
const newest = { type: 'copy', at: '2026-11-28T02:00:00.000Z' } as const;

describe('what metrics say of copies', () => {
  it('when the newest was made, how old it may be, and how it is', () => {
    expect(ofCopies(copy(newest))).toEqual([
      `runbook_backup_outcome edge-data, ${PLACE}, fresh = 1`,
      `runbook_backup_max_age_seconds edge-data, ${PLACE} = 93600`,
      `runbook_backup_newest_timestamp_seconds edge-data, ${PLACE} = 1795831200`,
    ]);
  });

  it.each([
    ['never', copy({ type: 'none' })],
    ['failed', copy({ type: 'unseen' }, undefined, { problem: problemOf('Unreachable', 'nuc-1 does not answer') })],
  ])('no moment where there is none or it is not known: %s', (outcome, seen) => {
    expect(ofCopies(seen)).toEqual([
      `runbook_backup_outcome edge-data, ${PLACE}, ${outcome} = 1`,
      `runbook_backup_max_age_seconds edge-data, ${PLACE} = 93600`,
    ]);
  });

  it.each<[string, ProofView | undefined, string[]]>([
    ['nothing where the receiver was not seen', undefined, []],
    ['never', { type: 'never' }, [`runbook_backup_proof edge-data, ${PLACE}, never = 1`]],
    [
      'failed',
      { type: 'failed', at: NOW, ageMs: 0, words: 'differs' },
      [`runbook_backup_proof edge-data, ${PLACE}, failed = 1`],
    ],
    [
      'proven, and when',
      { type: 'proven', at: NOW, ageMs: 0, isOld: false, snapshotAt: NOW, words: 'same' },
      [
        `runbook_backup_proof edge-data, ${PLACE}, proven = 1`,
        `runbook_backup_last_proven_timestamp_seconds edge-data, ${PLACE} = 1795845600`,
      ],
    ],
  ])('of proofs: %s', (_what, proof, expected) => {
    expect(ofCopies(copy(newest, proof)).slice(3)).toEqual(expected);
  });

  it('a repository has an age of its own, and no proofs: no drill restores from it', () => {
    const place = { node: 'edge', repository: 'rest:x', passwordFile: '/p' };
    const source = {
      ...{ id: 's', title: '/srv of edge', guest: 'edge', place, reads: { type: 'paths' as const, paths: ['/srv'] } },
      ...{ tags: ['runbook'], backupEvery: '1d', forgetEvery: '1d', maxAge: '8d' },
    };
    const restic = {
      repositories: [
        {
          ...{ id: 'r', repository: 'rest:x', sources: [source], maintenance: place },
          ...{ pruneEvery: '7d', checkEvery: '7d', checkSubsets: 10, maxAge: '8d' },
        },
      ],
    };
    const seen = copy(newest, { type: 'never' }, { of: '/srv of edge', place: 'restic rest:x' });
    const all = measured([seen], { restic });
    all.view.upkeep = [{ repository: 'rest:x', message: 'check: never' }];
    expect(lines(backupSamples(all)).filter((line) => line.includes('rest:x'))).toEqual([
      'runbook_backup_outcome /srv of edge, restic rest:x, fresh = 1',
      'runbook_backup_max_age_seconds /srv of edge, restic rest:x = 691200',
      'runbook_backup_newest_timestamp_seconds /srv of edge, restic rest:x = 1795831200',
      'runbook_backup_upkeep_overdue rest:x = 1',
    ]);
  });
});

const nothing: SeenRuns = { open: [], ended: [], locks: [] };
const end = { runbook: 'drift', subject: 'all', startedAt: at(0), closedAt: at(60), outcome: 'Failed' };
const drift = (rows: RunView['drift']): string[] =>
  lines(runSamples({ ...nothing, ended: [{ ...end, view: { ...aView(), ...(rows && { drift: rows }) } }] })).filter(
    (line) => line.startsWith('runbook_drift'),
  );

describe('what metrics say of runs', () => {
  it('since when one is open, is held, and waits for a person', () => {
    const approval = { id: 'a', question: '?', consequences: [], askedAt: NOW, deadline: NOW };
    const open = { runbook: 'safe-upgrade', subject: 'nuc-1', startedAt: NOW, view: { paused: true, approval } };
    expect(lines(runSamples({ ...nothing, open: [open] }))).toEqual([
      'runbook_run_start_timestamp_seconds safe-upgrade, nuc-1 = 1795845600',
      'runbook_run_paused safe-upgrade, nuc-1 = 1',
      'runbook_approval_asked_timestamp_seconds safe-upgrade, nuc-1 = 1795845600',
      'runbook_approval_deadline_timestamp_seconds safe-upgrade, nuc-1 = 1795845600',
    ]);
  });

  it('nothing of questions where the run could not be asked', () => {
    const open = { runbook: 'safe-upgrade', subject: 'nuc-1', startedAt: NOW };
    expect(runSamples({ ...nothing, open: [open] }).map(({ name }) => name)).toEqual([
      'runbook_run_start_timestamp_seconds',
    ]);
  });

  it('who holds a lock and how many wait; nobody is not a holder', () => {
    const locks = [
      { resource: 'member/nuc-1', holder: 'drift/all', waiting: 2 },
      { resource: 'member/nuc-2', waiting: 0 },
    ];
    expect(lines(runSamples({ ...nothing, locks }))).toEqual([
      'runbook_lock_held member/nuc-1, drift/all = 1',
      'runbook_lock_waiting member/nuc-1 = 2',
      'runbook_lock_waiting member/nuc-2 = 0',
    ]);
  });

  it('a drift that found nothing says so; one that did not look says nothing', () => {
    expect(drift([])).toContain('runbook_drift_rows all, guest = 0');
    expect(drift(undefined)).toEqual([]);
    const row = { subject: 'edge-vm', where: 'nuc-1', declared: 'a', found: 'b', whatToDo: 'c' };
    expect(drift([{ kind: 'guest', ...row }])).toContain('runbook_drift_rows all, guest = 1');
  });

  it.each([
    ['a later one of all makes up for one node', 'drift', '2026-11-28T04:00:00Z', 'Done', ['all']],
    ['not one that failed', 'drift', '2026-11-28T04:00:00Z', 'Failed', ['edge-vm', 'all']],
    ['not one that began before', 'drift', '2026-11-28T01:00:00Z', 'Done', ['edge-vm', 'all']],
    ['not where all is not each', 'restore-drill', '2026-11-28T04:00:00Z', 'Done', ['edge-vm', 'all']],
  ])('of ended runs: %s', (_, runbook, startedAt, outcome, subjects) => {
    const one = { startedAt: '2026-11-28T02:00:00Z', closedAt: '2026-11-28T03:00:00Z', outcome: 'Failed' };
    const all = { startedAt, closedAt: '2026-11-28T05:00:00Z', outcome };
    const ended = [
      { runbook, subject: 'edge-vm', ...one },
      { runbook, subject: 'all', ...all },
    ];
    const told = runSamples({ open: [], ended, locks: [] }).filter(({ name }) => name === 'runbook_run_last_outcome');
    expect(told.map(({ labels }) => labels['subject'])).toEqual(subjects);
  });

  it('what a person wanted to end so is no failure', () => {
    const result = { outcome: 'Failed' as const, unchanged: true as const, summary: '', left: [], next: [] };
    const failure = { type: 'Cancelled', message: '', whatToDo: '' };
    const view = { ...aView(), result: { ...result, failure } };
    expect(lines(runSamples({ ...nothing, ended: [{ ...end, view }] }))[0]).toBe(
      'runbook_run_last_outcome drift, all, Declined = 1',
    );
    expect(lines(runSamples({ ...nothing, ended: [end] }))[0]).toBe('runbook_run_last_outcome drift, all, Failed = 1');
  });
});

describe('names of metrics', () => {
  it.each(Object.entries(GAUGES))('%s: base units, and what it is', (name, { help }) => {
    expect(name).toMatch(/^runbook_[a-z_]+$/);
    expect(name).not.toMatch(/_(ms|minutes|hours|days|total)(_|$)/);
    expect(help).toMatch(/\.$/);
  });
});
