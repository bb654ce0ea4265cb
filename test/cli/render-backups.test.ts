import { describe, expect, it } from '@jest/globals';
import { renderBackups } from '../../cli/render/backups.ts';
import { judgeCopy, type CopySeen, type JudgedCopy, type ProofView } from '../../plan/copy-age.ts';
import { problemOf } from '../../plan/problem.ts';

const NOW = '2026-11-28T06:00:00.000Z';
const options = { width: 70, colour: false, now: Date.parse(NOW) };
const copy = (own: Partial<CopySeen>): JudgedCopy =>
  judgeCopy(
    { of: 'edge-data', place: 'n3 tank/r', newest: { type: 'copy', at: '2026-11-28T02:00:00.000Z' }, ...own },
    { now: NOW, maxAgeMs: 26 * 3_600_000 },
  );
const lines = (copies: JudgedCopy[], more: object = {}): string[] =>
  renderBackups({ copies, problems: [], upkeep: [], ...more }, options);

describe('the list of copies', () => {
  it('says first whether all is well', () => {
    expect(lines([copy({})])).toEqual([
      'Every copy is fresh.',
      '',
      'what       place      newest copy  state  proven',
      'edge-data  n3 tank/r          4 h  fresh       ?',
    ]);
  });

  it('says which were proven, when, and how long a restore takes; red what never was', () => {
    const old = { type: 'proven', at: NOW, ageMs: 2 * 86_400_000, snapshotAt: NOW, words: 'all of 3 files' } as const;
    const proven: ProofView = { ...old, isOld: false, bytes: 2 ** 30, seconds: 72 };
    const failed: ProofView = { type: 'failed', at: NOW, ageMs: 1, words: 'x' };
    const all = [proven, { ...old, isOld: true }, failed, { type: 'never' } as const].map((proof) => ({
      ...copy({}),
      proof,
    }));
    const rows = renderBackups({ copies: all, problems: [], upkeep: [] }, { ...options, width: 90 })
      .slice(3)
      .map((line) => line.split(/ {2,}/).slice(4));
    expect(rows).toEqual([['2 days', '1 min', '1.0 GiB'], ['2 days !'], ['failed'], ['never']]);
    const painted = renderBackups({ copies: all, problems: [], upkeep: [] }, { ...options, colour: true });
    expect(painted.at(-1)).toContain('\u001b[31m');
    expect(painted.at(3)).not.toContain('\u001b[31m');
  });

  it('says why what is not fresh is not, and what to do', () => {
    const problem = problemOf('Diverged', 'It has others.');
    const shown = lines([copy({}), copy({ of: 'home-data', problem }), copy({ of: 'old', newest: { type: 'none' } })]);
    expect(shown[0]).toBe('Not fresh: 2 of 3 copies.');
    expect(shown.join('\n')).toContain('! home-data at n3 tank/r: failed. It has others. It is 4 h old.');
    expect(shown.join(' ').replaceAll(/ +/g, ' ')).toContain(problem.whatToDo);
    expect(shown.join('\n')).toContain('runbook start nightly-backup');
  });

  it('says what repositories need, and which entries select nothing', () => {
    const problems = [problemOf('NothingSelected', 'backups.x selects nothing.')];
    const upkeep = [{ repository: 'rest:x', message: 'check: never done' }];
    const text = lines([copy({})], { problems, upkeep }).join('\n');
    expect(text).toContain('✘ backups.x selects nothing.');
    expect(text).toContain('! rest:x: check: never done');
  });

  it('says that nothing is declared', () => {
    expect(lines([])).toEqual(['No copy is declared.']);
  });
});
