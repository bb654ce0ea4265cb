import { describe, expect, it } from '@jest/globals';
import type { ClusterUpgradePlan } from '../../plan/cluster-upgrade.ts';
import { clusterStepTitle } from '../../plan/cluster-upgrade.ts';
import { durationWords } from '../../plan/duration.ts';
import { planOfMembers } from '../../plan/preview-all.ts';
import { previewClusterUpgrade, previewUpgrade } from '../../plan/preview.ts';
import type { RunResult, RunView } from '../../plan/run.ts';
import { planUpgrade } from '../../plan/safe-upgrade.ts';
import { closure, observation, POLICY, scope, system } from '../temporal/fake-world.ts';

const OPTIONS = { allowOffline: [], allowOrchestrator: false };
const lines = (steps: RunView['steps']): (string | undefined)[][] =>
  steps.map(({ phase, title, detail }) => [phase, title, detail]);

describe('the plan of one member', () => {
  const kernel = { kernel: 'k2', initrd: 'i2', kernelModules: 'm2' };
  const targets = scope().targets.map((target) => (target.containers ? { ...target, containerNote: 'web' } : target));
  const host = closure('v2', { parts: kernel, incusVersions: ['6.0.4'] });

  it.each([
    ['ask', 'asks first'],
    ['automatic', undefined],
  ] as const)('says of a restart what policy %s makes of it', (reboot, detail) => {
    const asked = scope({ targets, policy: { ...POLICY, reboot, snapshotExpiry: '1d', soak: '60s' } });
    const plan = planUpgrade(asked, observation(), { n1: host, g1: closure('v1') }, OPTIONS);
    expect(lines(previewUpgrade(asked, plan, {}))).toEqual([
      ['snapshot', 'g1 and 1 volume', 'kept 1 day'],
      ['drain', 'n1: stop its instances', 'g1'],
      ['deploy', 'host v1 → v2, for the next boot', 'Incus stays 6.0.4'],
      ['deploy', 'restart n1', detail],
      ['deploy', 'n1: start its instances', undefined],
      ['deploy', 'g1', 'is at v1'],
      ['update', 'g1: containers', 'web'],
      ['verify', '2 probes, cluster, units', 'then 60 s of quiet'],
      ['clean up', 'snapshots of earlier runs', 'but for the last 3'],
      ['roll back', 'if it fails: containers → host → snapshots (g1: asks first)', undefined],
    ]);
  });
});

describe('the plan of the cluster', () => {
  const deployment = {
    node: 'n1',
    kind: 'member' as const,
    from: system('v1'),
    to: closure('v2'),
    mode: 'switch' as const,
  };
  const plan = (rest: Partial<ClusterUpgradePlan> = {}): ClusterUpgradePlan => ({
    gates: [],
    refusals: [],
    from: ['6.0.4'],
    to: '7.0.2',
    deployments: [deployment],
    steps: [{ id: 'deploy-n1', phase: 'deploy', title: clusterStepTitle('n1', ['6.0.4'], '7.0.2'), state: 'pending' }],
    halfWay: false,
    alreadySo: false,
    ...rest,
  });
  const safety = { instances: observation().instances, expiry: '7d' };

  it('says what is snapshotted, from which version to which, and what restarts', () => {
    expect(lines(previewClusterUpgrade(plan(), safety, { n1: ['incus.service'] }))).toEqual([
      ['snapshot', 'g1', 'kept 7 days'],
      ['deploy', 'n1: Incus 6.0.4 → 7.0.2', 'system v1 → v2 · restarts incus.service'],
    ]);
  });

  it('promises no snapshot where an earlier run has made it and the API is blocked', () => {
    expect(previewClusterUpgrade(plan({ halfWay: true }), safety, {}).map(({ phase }) => phase)).toEqual(['deploy']);
  });

  it('names the new version alone where no member tells the former', () => {
    expect(clusterStepTitle('n1', ['7.0.2'], '7.0.2')).toBe('n1: Incus → 7.0.2');
  });
});

describe('the plan of all members', () => {
  const view = (outcome: RunResult['outcome'], rest: Partial<RunView> = {}): RunView => ({
    runbook: 'safe-upgrade',
    subject: '',
    name: '',
    revision: '',
    phase: 'plan',
    paused: false,
    decisions: [],
    waitingFor: [],
    warnings: [],
    gates: [],
    steps: [
      { id: 'observe', phase: 'gate', title: 'cluster', state: 'done' },
      { id: 'deploy-x', phase: 'deploy', title: 'host v1 → v2', state: 'pending' },
    ],
    result: { outcome, summary: 'Nothing was changed.', left: [], next: [] },
    ...rest,
  });
  const offline = { name: 'members', verdict: 'refused', message: 'n3 is Offline.' } as const;

  it('has the steps of each, and a question before those that come after a change', () => {
    const plans = [
      { member: 'n1', view: view('AlreadySo') },
      { member: 'n2', view: view('Done') },
      { member: 'n3', view: view('Done') },
    ];
    const { steps, result } = planOfMembers(plans, { asks: true });
    expect(steps.map(({ member, title, state }) => [member, title, state])).toEqual([
      ['n1', 'its system and its guests', 'already'],
      ['n2', 'host v1 → v2', 'pending'],
      ['n3', 'asks first', 'pending'],
      ['n3', 'host v1 → v2', 'pending'],
    ]);
    expect(result).toMatchObject({ outcome: 'Done', summary: 'Nothing was changed.' });
  });

  it('says once what every member refuses for, and where it would stop', () => {
    const plans = ['n1', 'n2'].map((member) => ({ member, view: view('Failed', { gates: [offline] }) }));
    const { steps, gates, result } = planOfMembers(plans, { asks: false });
    expect(gates).toEqual([offline]);
    expect(steps.map(({ title, state }) => [title, state])).toEqual([
      ['would not start: 1 gate would refuse', 'failed'],
      ['would not start: 1 gate would refuse', 'failed'],
    ]);
    expect(result.summary).toBe('It would stop at n1. Nothing was changed.');
  });
});

describe('durations for people', () => {
  it.each([
    ['1d', '1 day'],
    ['7d', '7 days'],
    ['26h', '26 h'],
    ['5m', '5 min'],
  ])('says %s as %s', (text, words) => {
    expect(durationWords(text)).toBe(words);
  });
});
