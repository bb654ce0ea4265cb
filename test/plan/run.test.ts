import { describe, expect, it } from '@jest/globals';
import { addStep, type StepView } from '../../plan/run.ts';

const step = (id: string, phase: StepView['phase'], state: StepView['state'] = 'pending'): StepView => ({
  id,
  phase,
  title: id,
  state,
});

describe('a step that was not planned', () => {
  const added = (phase: StepView['phase']): string[] => {
    const steps = [
      step('built', 'plan', 'done'),
      step('host', 'deploy', 'done'),
      step('guest', 'deploy'),
      step('soak', 'verify'),
      step('prune', 'clean up'),
    ];
    addStep(steps, step('new', phase, 'running'));
    return steps.map(({ id }) => id);
  };

  it.each([
    ['snapshot', ['built', 'host', 'new', 'guest', 'soak', 'prune']],
    ['deploy', ['built', 'host', 'guest', 'new', 'soak', 'prune']],
    ['roll back', ['built', 'host', 'guest', 'soak', 'new', 'prune']],
    ['clean up', ['built', 'host', 'guest', 'soak', 'prune', 'new']],
  ] as const)('of phase %s stands before what is planned for later phases', (phase, ids) => {
    expect(added(phase)).toEqual(ids);
  });
});
