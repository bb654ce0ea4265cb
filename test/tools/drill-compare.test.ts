import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  drillCompareArgv,
  readDrillCompare,
  type DrillCompared,
  type DrillComparison,
} from '../../tools/drill-compare.ts';

/** Nobody but root mounts: what is shown is a copy of it. What is not there cannot be. */
const MOUNT = `#!/bin/sh
for at; do :; done
case "$*" in
*lowerdir=*) from=\${4#lowerdir=}; from=\${from%%,*} ;;
*) shift $(($# - 2)); from=$1 ;;
esac
exec cp -a "$from/." "$at"
`;
const AT = new Date('2026-11-28T02:00:00Z');

describe('a comparison', () => {
  let dir = '';
  const put = (name: string, text: string): void => {
    const path = join(dir, name);
    writeFileSync(path, text);
    utimesSync(path, AT, AT);
  };
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'compare-'));
    for (const folder of ['bin', 'source/sub']) mkdirSync(join(dir, folder), { recursive: true });
    writeFileSync(join(dir, 'bin/mount'), MOUNT, { mode: 0o755 });
    for (let at = 0; at < 20; at += 1) put(`source/sub/file ${at}`, `content ${at}`);
    put('source/a\nname', 'of two lines');
    symlinkSync('nowhere', join(dir, 'source/link'));
    cpSync(join(dir, 'source'), join(dir, 'copy'), {
      recursive: true,
      preserveTimestamps: true,
      verbatimSymlinks: true,
    });
  });
  afterEach(() => {
    rmSync(dir, { recursive: true, force: true });
  });

  const compare = (more: Partial<DrillComparison> = {}): DrillCompared => {
    const argv = drillCompareArgv({
      folder: join(dir, 'drill'),
      source: { type: 'folder', from: join(dir, 'source') },
      copy: { type: 'folder', from: join(dir, 'copy') },
      seed: 'runbook-20261123-0214-3f9c',
      ...more,
    });
    // Without `unshare --mount --propagation private`, for which one has to be root.
    const [program = '', ...args] = argv.slice(4);
    const env = { ...process.env, PATH: `${join(dir, 'bin')}:${process.env['PATH'] ?? ''}` };
    const { status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8', env });
    const result = { exitCode: status ?? -1, stdout, stderr, truncated: false, durationMs: 0 };
    return readDrillCompare({ argv, result });
  };

  it('of what is the same says what was compared', () => {
    expect(compare()).toMatchObject({ type: 'same', entries: 24, files: 21, allFiles: 21 });
    expect(compare({ files: 3 })).toMatchObject({ type: 'same', files: 3, allFiles: 21 });
    expect(compare({ files: 100 })).toMatchObject({ type: 'same', files: 21 });
  });

  it('finds another content by its name, also where size and time are the same', () => {
    put('copy/sub/file 7', 'Content 7');
    expect(compare()).toEqual({ type: 'differs', what: ['./sub/file 7'] });
  });

  it('finds what is missing, more, or of another size, whatever part of the content is compared', () => {
    rmSync(join(dir, 'copy/sub/file 7'));
    expect(compare({ files: 1 })).toMatchObject({ type: 'differs', what: [expect.stringContaining('sub/file 7')] });
    put('copy/sub/file 7', 'longer than it was');
    expect(compare({ files: 1 })).toMatchObject({ type: 'differs' });
    put('copy/sub/file 7', 'content 7');
    put('copy/more', '');
    expect(compare({ files: 1 })).toMatchObject({ type: 'differs', what: [expect.stringContaining('more')] });
  });

  it('takes other files in another drill, so that many drills find everything', () => {
    put('copy/sub/file 7', 'Content 7');
    const found = Array.from(
      { length: 40 },
      (_, at) => compare({ files: 5, seed: `runbook-20261123-0214-${at + 1000}` }).type,
    );
    expect(new Set(found)).toEqual(new Set(['same', 'differs']));
  });

  it('runs the check over the copy', () => {
    const check = (...argv: string[]): DrillCompared => compare({ files: 1, check: { argv, seconds: 1 } });
    expect(check('sh', '-c', 'cat "$RUNBOOK_DRILL_PATH/sub/file 7" && rm -r "$RUNBOOK_DRILL_PATH/sub"')).toMatchObject({
      type: 'same',
    });
    expect(compare()).toMatchObject({ type: 'same' });
    expect(check('sh', '-c', 'echo no table; exit 3')).toEqual({
      type: 'check failed',
      exitCode: 3,
      message: 'no table',
    });
    expect(check('sleep', '30')).toMatchObject({ type: 'check failed', exitCode: 124 });
  });

  it.each([
    ['a carriage return', 'a\rb', 'a b'],
    ['a separator of lines', 'a\u2028b', 'a\u2028b'],
  ])('finds damage under a name with %s', (_, name, shown) => {
    put(`source/${name}`, 'good');
    put(`copy/${name}`, 'evil');
    expect(compare()).toEqual({ type: 'differs', what: [`./${shown}`] });
  });

  it.each([
    ['sort', '-R'],
    ['head', '--'],
    ['find', '-print0'],
    ['tr', '-dc'],
  ])('is none where %s ends early', (program, argument) => {
    const real = `PATH=${process.env['PATH'] ?? ''}`;
    const script = `#!/bin/sh
case "$* --" in *" ${argument}"*|"${argument}"*) exit 3 ;; esac
${real} exec ${program} "$@"
`;
    writeFileSync(join(dir, 'bin', program), script, { mode: 0o755 });
    expect(compare({ files: 3 })).toMatchObject({ type: 'unexpected', exitCode: 78 });
  });

  it('of what has no files says so', () => {
    for (const side of ['source', 'copy']) {
      rmSync(join(dir, side), { recursive: true });
      mkdirSync(join(dir, side, 'empty'), { recursive: true });
    }
    for (const more of [{}, { files: 3 }])
      expect(compare(more)).toMatchObject({ type: 'same', files: 0, allFiles: 0, entries: 2 });
  });

  it('says what could not be shown, and never takes that for the same', () => {
    expect(compare({ copy: { type: 'folder', from: join(dir, 'nope') } })).toMatchObject({ type: 'not mounted' });
  });
});
