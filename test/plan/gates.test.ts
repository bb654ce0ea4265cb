import { describe, expect, it } from '@jest/globals';
import { checkGates, type Gate } from '../../plan/gates.ts';
import type { UpgradeObservation } from '../../plan/observation.ts';
import { leaveOut } from '../../plan/safe-upgrade.ts';
import { closure, observation, POLICY, scope, system } from '../temporal/fake-world.ts';

const OPTIONS = { allowOffline: [] as string[], allowOrchestrator: false };
const refusals = (seen: Partial<UpgradeObservation>, options = OPTIONS): Gate[] =>
  checkGates(scope({ policy: { ...POLICY, backup: 'require' } }), { ...observation(), ...seen }, [], options).filter(
    ({ verdict }) => verdict === 'refused',
  );
const online = observation().members;

describe('a member that is away', () => {
  it('is told with the time of its last heartbeat, the same at every look', () => {
    const message = 'No heartbeat for 11.146026032s (2026-11-23 13:29:05.134109389 +0000 UTC)';
    const [gate] = refusals({
      members: [...online, { name: 'n9', status: 'Offline', message, incusVersion: '6.0.4' }],
    });
    expect(gate?.message).toMatch(/^n9 is Offline \(no heartbeat since 2026-11-23 13:29 UTC\)\./);
    expect(gate?.whatToDo).toMatch(/^runbook doctor --node n9 finds out why; add --allow-offline n9 if /);
  });

  it('is told in Incus’s words where they are others', () => {
    const away = { name: 'n9', status: 'Evacuated', message: 'Unavailable due to maintenance', incusVersion: '6.0.4' };
    expect(refusals({ members: [...online, away] })[0]?.message).toMatch(/^n9 is Evacuated \(Unavailable due to /);
  });
});

describe('deploy-rs’s own login', () => {
  const login = { fatal: true, message: 'root@10.0.0.21: it refused the login', whatToDo: 'Let its key in there.' };
  const judge = (mode: 'switch' | 'already', trouble = login): Gate[] => {
    const seen = observation();
    const targets = seen.targets.map((target) => (target.node === 'g1' ? { ...target, login: trouble } : target));
    const deployment = { node: 'g1', kind: 'guest', from: system('v1'), to: closure('v2'), mode } as const;
    const gates = checkGates(scope({ policy: POLICY }), { ...seen, targets }, [deployment], OPTIONS);
    return gates.filter(({ name }) => name === 'login');
  };

  it('refuses where something would be deployed there', () => {
    expect(judge('switch')).toEqual([
      {
        name: 'login',
        verdict: 'refused',
        message: 'deploy-rs cannot log in to g1 by itself: root@10.0.0.21: it refused the login.',
        whatToDo: 'Let its key in there.',
      },
    ]);
    expect(judge('already')).toEqual([]);
  });

  it('only warns where it depends on the flake', () => {
    expect(judge('switch', { ...login, fatal: false })).toMatchObject([{ verdict: 'warning' }]);
  });
});

describe('a guest that is off', () => {
  const off = (status: string, node = 'n1'): Partial<UpgradeObservation> => {
    const seen = observation();
    return {
      node,
      instances: seen.instances.map((instance) => ({ ...instance, status })),
      targets: [...seen.targets.slice(0, 1), { node: 'g1', kind: 'guest', problem: 'the instance is Stopped' }],
    };
  };

  it('refuses, with the command that starts it', () => {
    expect(refusals(off('Stopped'))).toMatchObject([
      {
        name: 'systems',
        message: 'g1 is Stopped, so nothing can be deployed to it.',
        whatToDo: 'Start it (on n1: incus start g1), or add --allow-offline g1 if it is meant to be off.',
      },
    ]);
    expect(refusals(off('Frozen', 'g1'))[0]?.whatToDo).toBe('Start it (on n1: incus start g1).');
  });

  it('is told as it was read where it runs', () => {
    expect(refusals(off('Running'))[0]).toMatchObject({
      message: 'g1 could not be read: the instance is Stopped.',
      whatToDo: 'runbook doctor --node g1 shows what is wrong.',
    });
  });

  it('is left out where that is said, with a warning; never the one that was asked for', () => {
    const options = { ...OPTIONS, allowOffline: ['g1'] };
    const left = leaveOut(scope(), options);
    expect(left.targets.map(({ node }) => node)).toEqual(['n1']);
    const seen = { ...observation(), ...off('Stopped'), targets: observation().targets.slice(0, 1) };
    const gates = checkGates({ ...left, policy: POLICY }, seen, [], options);
    expect(gates.filter(({ verdict }) => verdict === 'refused')).toEqual([]);
    expect(gates.filter(({ name }) => name === 'systems')).toMatchObject([
      { verdict: 'warning', message: expect.stringMatching(/^g1 is Stopped, and left as it is/) as unknown },
    ]);
    const asked = leaveOut(scope({ node: 'g1', targets: scope().targets.slice(1) }), options);
    expect(asked.targets.map(({ node }) => node)).toEqual(['g1']);
  });
});

it('names the units that have failed before', () => {
  const seen = observation();
  const targets = seen.targets.map((target) => ({ ...target, system: system('v1', { failedUnits: ['a.service'] }) }));
  const gates = checkGates(scope({ policy: POLICY }), { ...seen, targets: targets.slice(0, 1) }, [], OPTIONS);
  expect(gates.filter(({ name }) => name === 'health')).toMatchObject([
    { verdict: 'warning', message: 'a.service has failed already on n1, so it does not count against the upgrade.' },
  ]);
});

describe('what could not be seen', () => {
  const backup = { guest: 'g1', volume: 'data', target: 'n2 tank/replica' };

  it('is not said to be missing: backups', () => {
    const [gate] = refusals({ backups: [{ ...backup, problem: 'n2 is unreachable', unseen: true }] });
    expect(gate).toMatchObject({
      message: 'The backups of data (g1) at n2 tank/replica could not be seen: n2 is unreachable.',
      whatToDo: 'Mend the way there (runbook doctor), or set policies.upgrade.backup to warn.',
    });
    expect(refusals({ backups: [{ ...backup, problem: 'it has no snapshot' }] })[0]).toMatchObject({
      message: 'No backup of data (g1) was seen at n2 tank/replica: it has no snapshot.',
      whatToDo: 'Make a backup first, or set policies.upgrade.backup to warn.',
    });
  });

  it('is not said to be missing: the guests of a member that does not answer', () => {
    const silent = online.map((member) =>
      member.name === 'n1' ? { name: 'n1', status: 'Online', message: '', problem: 'no connection' } : member,
    );
    const names = (options = OPTIONS): string[] =>
      refusals({ members: silent, instances: [] }, options).map(({ name }) => name);
    expect(names()).toEqual(['versions']);
    expect(names({ ...OPTIONS, allowOffline: ['n1'] })).toEqual(['placement']);
    expect(refusals({ instances: [] }).map(({ name }) => name)).toEqual(['placement']);
  });
});
