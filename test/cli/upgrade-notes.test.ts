import { describe, expect, it } from '@jest/globals';
import { readFile } from 'node:fs/promises';
import { compareVersions, parseChangelog, releasesAfter } from '../../cli/changelog.ts';
import { CHANGELOG } from '../../cli/changelog-file.ts';
import { main } from '../../cli/program.ts';
import { testIo } from './io.ts';

const TEXT = `# Changelog

## [Unreleased]

### Added

- A thing.

## [0.10.0] - 2027-02-01

### Upgrading

- Do this,
  then that.
- And this.

### Added

- Another thing.

## [0.9.1] - 2027-01-01

### Upgrading

- Older.
`;
const notes = async (argv: string[], options = {}) => {
  const io = testIo(options);
  return { code: await main(['upgrade-notes', ...argv], io), out: io.out(), err: io.err() };
};

describe('the changelog', () => {
  it('is read as releases with what is to be done', () => {
    expect(parseChangelog(TEXT)).toEqual([
      { version: 'Unreleased', upgrading: [] },
      { version: '0.10.0', date: '2027-02-01', upgrading: ['Do this, then that.', 'And this.'] },
      { version: '0.9.1', date: '2027-01-01', upgrading: ['Older.'] },
    ]);
  });

  it('tells what came after a version by its numbers', () => {
    const after = (from: string) => releasesAfter(parseChangelog(TEXT), from).map(({ version }) => version);
    expect(after('0.9.1')).toEqual(['Unreleased', '0.10.0']);
    expect(after('0.10.0')).toEqual(['Unreleased']);
    expect(after('0.2.0')).toEqual(['Unreleased', '0.10.0', '0.9.1']);
  });

  it('of this repository has the sections of Keep a Changelog, newest version first', async () => {
    const text = await readFile(CHANGELOG, 'utf8');
    const kinds = [...text.matchAll(/^### (.+)$/gm)].map(([, kind]) => kind);
    const allowed = ['Upgrading', 'Added', 'Changed', 'Deprecated', 'Removed', 'Fixed', 'Security'];
    expect(kinds.filter((kind) => !allowed.includes(kind ?? ''))).toEqual([]);
    const releases = parseChangelog(text);
    expect(releases).toHaveLength([...text.matchAll(/^## /gm)].length);
    const versions = releases.map(({ version }) => version).filter((version) => version !== 'Unreleased');
    expect(versions).toEqual(versions.toSorted((a, b) => compareVersions(b, a)));
  });
});

describe('runbook upgrade-notes', () => {
  it('prints what is to be done, no wider than the terminal', async () => {
    const { code, out } = await notes(['--from', '0.1.0'], { isTTY: true, columns: 60 });
    expect(code).toBe(0);
    expect(out).toMatch(/^Not yet released\n {2}- Before you restart workers: `runbook worker --check`/);
    for (const line of out.split('\n')) expect(line.length).toBeLessThanOrEqual(60);
    expect((await notes([])).out).toContain('  - Before you restart workers');
  });

  it.each([
    ['yesterday', 'Expected --from to be a version, like 0.1.0, got "yesterday".'],
    ['9.0.0', 'This is runbook 0.1.0, which is older than 9.0.0.'],
  ])('refuses %s', async (from, message) => {
    const { code, err } = await notes(['--from', from]);
    expect([code, err]).toEqual([2, expect.stringContaining(message)]);
  });
});
