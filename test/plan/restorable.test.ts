import { describe, expect, it } from '@jest/globals';
import { resticTitle, restorable, volumeOfReplica, type RestorableCopy } from '../../plan/restorable.ts';

const copy = (of: string, at: string): RestorableCopy => ({
  ...{ of, at, kind: 'replica', place: 'nuc-1 tank/r', snapshot: at },
});

describe('what there is to restore from', () => {
  it('is in the order of what it is of and newest first, and of one volume where that is named', () => {
    const all = [copy('b', '1'), copy('a', '1'), copy('a', '2')];
    expect(restorable(all, [], undefined).copies.map(({ of, at }) => of + at)).toEqual(['a2', 'a1', 'b1']);
    expect(restorable(all, [], 'b')).toMatchObject({ copies: [{ of: 'b' }], names: ['a', 'b'] });
  });

  it('is of the volume that a replica is named after', () => {
    expect(volumeOfReplica('my_vol', ['default', 'work'])).toBe('my_vol');
    expect(volumeOfReplica('work_edge-data', ['default', 'work'])).toBe('work/edge-data');
  });

  it('is of what restic has read, in any order, declared still or not', () => {
    const declared = [
      { title: '/srv/b, /srv/a of edge-vm', reads: { type: 'paths' as const, paths: ['/srv/b', '/srv/a'] } },
    ];
    const titleOf = (...paths: string[]): string => resticTitle({ hostname: 'edge-vm', paths }, declared);
    expect(titleOf('/srv/a', '/srv/b')).toBe('/srv/b, /srv/a of edge-vm');
    expect(titleOf('/srv/a')).toBe('/srv/a of edge-vm');
    expect(titleOf('/run/runbook/restic/default_my_vol')).toBe('my_vol');
    expect(titleOf('/run/runbook/restic/work_data')).toBe('work/data');
  });
});
