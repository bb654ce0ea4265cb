import { describe, expect, it } from '@jest/globals';
import { renderDrift, type DriftView } from '../../cli/render/drift.ts';

const NOW = Date.parse('2026-11-28T05:00:00Z');
const ROW = { kind: 'snapshots', where: 'm1', declared: 'schedule @daily', found: 'schedule not set' } as const;
const VIEW: DriftView = {
  ...{ workflowId: 'drift/all', runId: 'r', at: '2026-11-28T00:00:00Z', revision: '3f9c1e2abc', underWay: false },
  result: { outcome: 'Failed', summary: '2 things are not as declared, and 1 could not be looked at.' },
  rows: [
    { ...ROW, subject: 'edge-vm', whatToDo: 'incus config set edge-vm snapshots.schedule=@daily' },
    { ...ROW, subject: 'home-vm', whatToDo: 'incus config set home-vm snapshots.schedule=@daily' },
    {
      ...{ kind: 'unknown', subject: 'NixOS of m2', where: 'm2', declared: '?', found: 'no route to host' },
      whatToDo: 'runbook doctor --node m2',
    },
  ],
};
const shown = (view: Partial<DriftView> = {}, width = 100): string[] =>
  renderDrift({ ...VIEW, ...view }, { width, colour: false, now: NOW });

describe('drift, as it is shown', () => {
  it('is the fact, how old it is, one table, and what to do about each row', () => {
    expect(shown()).toEqual([
      '2 things are not as declared, and 1 could not be looked at.',
      'Looked at 5 h ago, revision 3f9c1e2.',
      '',
      'what         where  kind       declared         found',
      'edge-vm      m1     snapshots  schedule @daily  schedule not set',
      'home-vm      m1     snapshots  schedule @daily  schedule not set',
      'NixOS of m2  m2     unknown    ?                no route to host',
      '',
      '  ! edge-vm',
      '    incus config set edge-vm snapshots.schedule=@daily',
      '  ! home-vm',
      '    incus config set home-vm snapshots.schedule=@daily',
      '  ? NixOS of m2: no route to host',
      '    runbook doctor --node m2',
      '',
      'runbook start drift   looks again',
    ]);
  });

  it('is no wider than the terminal', () => {
    for (const width of [40, 60, 80])
      for (const line of shown({}, width)) expect(line.length).toBeLessThanOrEqual(width);
  });

  it('is short where all is as declared, and says that it is looked at again', () => {
    const result = { outcome: 'AlreadySo', summary: 'All is as declared: 3 members.' } as const;
    expect(shown({ result, rows: [], underWay: true, workflowId: 'drift/m1' })).toEqual([
      'All is as declared: 3 members.',
      'Looked at 5 h ago, revision 3f9c1e2; it is being looked at again.',
      '',
      'runbook watch drift/m1',
    ]);
  });
});
