import { describe, expect, it } from '@jest/globals';
import { wasWished } from '../../plan/run-metrics.ts';
import { NOBODY, type RunResult, type RunView } from '../../plan/run.ts';
import { aView, at } from './run-fixture.ts';

const ended = (result: Partial<RunResult>, type: string, actor = 'ada@laptop'): RunView => ({
  ...aView(),
  decisions: [{ approvalId: 'reboot', approved: false, actor, reason: 'not tonight', at: at(1) }],
  result: {
    outcome: 'Failed',
    summary: 'Not started.',
    failure: { type, message: 'Not approved.', whatToDo: 'Start it again.' },
    left: [],
    next: [],
    ...result,
  },
});

describe('a run that ended by a person’s wish', () => {
  it.each([
    ['refused before anything was changed', true, ended({ unchanged: true }, 'NotApproved')],
    ['cancelled before anything was changed', true, ended({ unchanged: true }, 'Cancelled')],
    ['cancelled and rolled back', true, ended({ outcome: 'RolledBack' }, 'Cancelled')],
    ['not answered in time', false, ended({ unchanged: true }, 'NotApproved', NOBODY)],
    ['refused, with something left', false, ended({}, 'NotApproved')],
    ['cancelled, with something left', false, ended({}, 'Cancelled')],
    ['rolled back because it was unhealthy', false, ended({ outcome: 'RolledBack' }, 'Unhealthy')],
    ['refused by a gate', false, ended({ unchanged: true }, 'GateRefused')],
    ['without a result', false, aView()],
  ])('%s: %s', (_what, wished, view) => {
    expect(wasWished(view)).toBe(wished);
  });
});
