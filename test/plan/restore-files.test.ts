import { describe, expect, it } from '@jest/globals';
import {
  planRestoreFiles,
  restoredFolder,
  type RestoreFilesObservation,
  type RestoreFilesScope,
} from '../../plan/restore-files.ts';

const RUN = { run: 'runbook-20261128-1200-3f9c', now: '2026-11-28T12:00:00.000Z' };
const scope: RestoreFilesScope = {
  ...{ wish: { backup: 'edge' }, guest: 'edge-vm', member: 'n1', repository: 'r', source: 's' },
  ...{ address: 'rest:https://backup.lan/edge', lock: 'restic-r', path: '/srv/data' },
};
const fitting = { id: 'a'.repeat(64), at: '2026-11-27T01:00:00.000Z' };
const refusals = (seen: RestoreFilesObservation, wish = scope.wish): string[] =>
  planRestoreFiles({ ...scope, wish }, seen, RUN).refusals.map(({ name }) => name);

describe('files from restic', () => {
  it('come beside the original, or where was said', () => {
    const { files, refusals: none } = planRestoreFiles(scope, { fitting, isTaken: false }, RUN);
    expect(none).toEqual([]);
    expect(files).toMatchObject({ target: '/srv/data.restored-20261128-1200-3f9c', snapshot: fitting });
    expect(restoredFolder({ ...scope, wish: { backup: 'edge', to: '/root/x' } }, RUN.run)).toBe('/root/x');
  });

  it('come over nothing, and out of nothing', () => {
    expect(refusals({ fitting, isTaken: true })).toEqual(['name']);
    expect(refusals({ isTaken: false })).toEqual(['copy']);
    const problem = { type: 'Unreachable' as const, message: 'no route', whatToDo: 'see' };
    expect(refusals({ problem, isTaken: false })).toEqual(['copy']);
    const wish = { backup: 'edge', until: '2026-11-20T23:59:59.999Z' };
    const [gate] = planRestoreFiles({ ...scope, wish }, { oldestAt: fitting.at, isTaken: false }, RUN).refusals;
    expect(gate?.message).toContain('they begin with 2026-11-27 01:00 UTC');
  });
});
