import { describe, expect, it } from '@jest/globals';
import { checkGates, type Gate } from '../../plan/gates.ts';
import type { UpgradeObservation } from '../../plan/observation.ts';
import { observation, POLICY, scope } from '../temporal/fake-world.ts';

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
