import { describe, expect, it } from '@jest/globals';
import { cancelOutlook } from '../../cli/render/cancel.ts';
import type { Phase } from '../../plan/run.ts';
import { aView } from './run-fixture.ts';

describe('what a cancel comes to', () => {
  it.each<[string, Phase, RegExp]>([
    ['safe-upgrade', 'plan', /rolled back first/],
    ['safe-upgrade', 'verify', /rolled back first/],
    ['safe-upgrade', 'roll back', /on its way back already/],
    ['safe-upgrade', 'clean up', /nothing is rolled back any more/],
    ['cluster-upgrade', 'snapshot', /^Snapshots that it made are kept/],
    ['cluster-upgrade', 'deploy', /no way back/],
    ['cluster-upgrade', 'clean up', /no way back/],
    ['cluster-bootstrap', 'join', /^What it made stays/],
    ['node-rejoin', 'recover', /^What it made stays/],
    ['identity-backup', 'save', /^Copies that it made stay/],
    ['node-reinstall', 'gate', /^Nothing was changed/],
    ['node-reinstall', 'install', /^What the command has begun goes on/],
    ['member-remove', 'gate', /^Nothing was changed/],
    ['member-remove', 'remove', /^What Incus has begun goes on/],
    ['quorum-recover', 'gate', /^Nothing was changed/],
    ['quorum-recover', 'recover', /goes on to its end/],
    ['drift', 'verify', /^Nothing was changed/],
    ['restore-drill', 'verify', /^What it has restored is removed first/],
    ['backups-resolve', 'gate', /^Nothing was changed/],
    ['backups-resolve', 'restore', /started again, it looks first/],
    ['restore', 'copy', /^What arrived stays/],
    ['restore', 'verify', /^What arrived stays/],
    ['restore', 'roll back', /on its way back already/],
    ['infra-apply', 'plan', /^Nothing was changed/],
    ['infra-apply', 'apply', /goes on to its end/],
    ['vm-recreate', 'gate', /^Nothing was changed/],
    ['vm-recreate', 'deploy', /given its name, its volumes and its files back/],
    ['vm-recreate', 'clean up', /goes on to its end/],
    ['vm-recreate', 'roll back', /on its way back already/],
    ['rotate-keys', 'gate', /^Nothing was changed/],
    ['rotate-keys', 'deploy', /given back its files/],
    ['rotate-keys', 'remove', /goes on to its end/],
    ['rotate-keys', 'roll back', /on its way back already/],
    ['release-kept', 'gate', /^Nothing was changed/],
    ['release-kept', 'remove', /may be there in part/],
  ])('in a %s in its phase %s', (runbook, phase, outlook) => {
    expect(cancelOutlook(aView({ runbook, phase }))).toMatch(outlook);
  });

  it('in an infra-apply says what stays where an apply was ended half-way', () => {
    const apply = { id: 'apply-1', phase: 'apply', title: 'plan', state: 'done', detail: 'interrupted' } as const;
    expect(cancelOutlook(aView({ runbook: 'infra-apply', phase: 'plan', steps: [apply] }))).toMatch(/stays\.$/);
  });

  it('in a restore in place says that the original comes back, once it has begun with it', () => {
    const swap = { id: 'swap', phase: 'apply', title: 'it becomes data', state: 'pending' } as const;
    const outlook = (phase: 'copy' | 'drain' | 'verify'): string =>
      cancelOutlook(aView({ runbook: 'restore', phase, steps: [swap] }));
    expect(outlook('copy')).toMatch(/^What arrived stays/);
    for (const phase of ['drain', 'verify'] as const) expect(outlook(phase)).toMatch(/^The original is put back first/);
  });

  it('with --all leaves the members that are finished', () => {
    expect(cancelOutlook(aView({ subject: 'all', phase: 'deploy' }))).toMatch(/those that are finished stay so/);
  });

  it('is the usual where no worker tells how far the run is', () => {
    expect(cancelOutlook(undefined)).toBe('What it changed is rolled back first.');
  });
});
