import { describe, expect, it } from '@jest/globals';
import { requireCopies } from '../../cli/actions/backups-list.ts';
import { renderRestorable } from '../../cli/render/restorable.ts';
import type { Problem } from '../../plan/problem.ts';
import type { RestorableCopy } from '../../plan/restorable.ts';

const options = { width: 90, colour: false, now: Date.parse('2026-11-28T06:00:00Z') };
const NO_ROUTE: Problem = { type: 'Unreachable', message: 'no route to host', whatToDo: 'Look at it.' };
const copy = (own: Partial<RestorableCopy>): RestorableCopy => ({
  ...{ of: 'edge-data', kind: 'replica', place: 'nuc-1 tank/r', snapshot: 'a', at: '2026-11-28T02:00:00.000Z' },
  ...own,
});

describe('the list of what there is to restore from', () => {
  it('says of each snapshot when it was taken and where it is', () => {
    const copies = [
      copy({ kind: 'source', place: 'n1 zpool', bytes: 3 * 2 ** 20 }),
      copy({ at: '2026-11-25T02:00:00.000Z', snapshot: 'b' }),
    ];
    expect(renderRestorable({ copies, silent: [] }, options)).toEqual([
      'what       taken                    age     size  place              snapshot',
      'edge-data  2026-11-28 02:00 UTC     4 h  3.0 MiB  n1 zpool (itself)  a',
      'edge-data  2026-11-25 02:00 UTC  3 days           nuc-1 tank/r       b',
    ]);
  });

  it('names what does not answer, also where there is nothing', () => {
    const silent = [{ place: 'attic backup', problem: NO_ROUTE }];
    expect(renderRestorable({ copies: [], silent }, options)).toEqual([
      'There is nothing to restore from.',
      '',
      '  ! attic backup: no route to host',
      '    Look at it.',
    ]);
  });

  it('takes a name that nothing is called for a slip, unless a place is silent', () => {
    const view = { copies: [], silent: [], names: ['edge-data', 'home-data'] };
    expect(() => {
      requireCopies(view, 'egde-data');
    }).toThrow(/got "egde-data"\. Did you mean edge-data\?$/);
    const silent = [{ place: 'attic backup', problem: NO_ROUTE }];
    expect(() => {
      requireCopies({ ...view, silent }, 'egde-data');
    }).not.toThrow();
    expect(() => {
      requireCopies({ ...view, copies: [copy({})] }, 'edge-data');
    }).not.toThrow();
  });
});
