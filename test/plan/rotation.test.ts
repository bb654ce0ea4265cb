import { describe, expect, it } from '@jest/globals';
import type { SystemState } from '../../plan/observation.ts';
import { checklist, planRotation, type RotationObservation, type RotationScope } from '../../plan/rotation.ts';

const SCOPE: RotationScope = {
  guest: 'edge-vm',
  member: 'n1',
  config: 'secrets/sops.yaml',
  keyFile: '/key',
  push: { remote: 'origin', branch: 'main' },
  approvalTimeout: '1h',
};
const SYSTEM: SystemState = {
  ...{ profilePath: '/nix/store/a', generation: 1, runningPath: '/nix/store/a', nixosVersion: '26.05.1' },
  ...{ bootId: 'b', failedUnits: [], activations: [] },
};
const FILE = { path: 'edge.yaml', values: ['caddy.token'], others: [] };
const WELL: RotationObservation = {
  ...{ head: 'abc', uncommitted: [], remote: { head: 'abc' }, names: { age1edge: 'edge-vm' } },
  ...{ keys: ['age1edge'], named: ['age1edge'], files: [FILE], system: SYSTEM },
};
const CLOSURE = { path: '/nix/store/a', nixosVersion: '26.05.1', incusVersions: [] };

const refusals = (change: Partial<RotationObservation>, scope: Partial<RotationScope> = {}): string[] =>
  planRotation({ ...SCOPE, ...scope }, { ...WELL, ...change }, 'abc', CLOSURE).refusals.map(({ name }) => name);

describe('the gates of rotate-keys', () => {
  it('pass where all is well, and name the key that is to go', () => {
    const plan = planRotation(SCOPE, WELL, 'abc', CLOSURE);
    expect(plan).toMatchObject({ refusals: [], old: 'age1edge' });
    expect(plan.steps.map(({ id }) => id).indexOf('retire-key')).toBe(plan.steps.length - 1);
  });

  it.each<[string, Partial<RotationObservation>, string]>([
    ['the clone is elsewhere', { head: 'def' }, 'repository'],
    ['the clone is not clean', { uncommitted: ['secrets/edge.yaml'] }, 'repository'],
    ['the branch is elsewhere', { remote: { head: 'def' } }, 'push'],
    ['there is no such branch', { remote: {} }, 'push'],
    ['the remote takes nothing', { remote: { head: 'abc', problem: 'denied' } }, 'push'],
    ['there is no sops', { sopsProblem: 'sops is not there' }, 'sops'],
    ['the rules cannot be read', { configProblem: 'line 1', named: [] }, 'key'],
    ['the guest has no age', { keyProblem: 'age-keygen is not there', named: [] }, 'key'],
    ['no rule names its key', { named: [] }, 'key'],
    ['an earlier run has left a key', { named: ['age1edge', 'age1left'] }, 'key'],
    ['nothing is encrypted for it', { files: [] }, 'files'],
    ['a file cannot be encrypted anew', { files: [{ ...FILE, problem: 'damaged' }] }, 'files'],
    ['it runs something else', { system: { ...SYSTEM, runningPath: '/nix/store/b' } }, 'system'],
    ['deploy-rs cannot log in', { login: { fatal: true, message: 'no', whatToDo: 'x' } }, 'login'],
  ])('refuse where %s', (_, change, gate) => {
    expect(refusals(change)).toEqual([gate]);
  });

  it('refuse a guest that cannot be looked at', () => {
    const away = { ...WELL, systemProblem: 'it is away' };
    delete away.system;
    const plan = planRotation(SCOPE, away, 'abc');
    expect(plan.refusals).toMatchObject([{ name: 'system', message: 'edge-vm cannot be looked at: it is away.' }]);
  });

  it('only warn where nothing is pushed', () => {
    const scope = { ...SCOPE };
    delete scope.push;
    const plan = planRotation(scope, WELL, 'abc', CLOSURE);
    expect([plan.refusals, plan.gates.find(({ name }) => name === 'push')?.verdict]).toEqual([[], 'warning']);
  });
});

it('tells what the old key could have read by names', () => {
  expect(checklist([FILE, { ...FILE, path: 'photo', values: [] }])).toEqual([
    'edge.yaml: caddy.token',
    'photo: all of it, as it is encrypted as a whole',
  ]);
});
