import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { readJson, tail, unexpected } from '../../tools/result.ts';

const result = { exitCode: 1, stdout: '', stderr: '', truncated: false };

describe('what is unexpected', () => {
  it('shows the command, the exit code and the end of both outputs', () => {
    const ran = { argv: ['incus', 'query', '/1.0?a=b c'], result: { ...result, stdout: 'out\n', stderr: 'err\n' } };
    expect(unexpected('incus', ran, 'Expected more.')).toEqual({
      type: 'unexpected',
      tool: 'incus',
      argv: "incus query '/1.0?a=b c'",
      exitCode: 1,
      output: 'Expected more.\nout\nerr',
    });
  });

  it('is told apart where it is that nothing was said at all', () => {
    const nothing = { ...result, exitCode: 0, stdout: '\n' };
    expect(unexpected('cat', { argv: ['cat'], result: nothing }, 'Expected an id.')).toMatchObject({ silent: true });
    expect(unexpected('cat', { argv: ['cat'], result: { ...nothing, exitCode: 1 } })).toMatchObject({ silent: true });
    expect(unexpected('cat', { argv: ['cat'], result: { ...nothing, stderr: 'x' } })).not.toHaveProperty('silent');
    expect(unexpected('cat', { argv: ['cat'], result: { ...nothing, stdout: 'x' } })).not.toHaveProperty('silent');
  });

  it('has secrets masked, in the command as in the output', () => {
    const argv = ['git', 'fetch', 'https://me:hunter2@host/x', '--token', 'hunter2'];
    const shown = JSON.stringify(unexpected('git', { argv, result: { ...result, stderr: 'password=hunter2' } }));
    expect(shown).not.toContain('hunter2');
  });

  it('keeps the end of a long output', () => {
    const text = `${'x'.repeat(10_000)}the end`;
    expect(tail(text)).toHaveLength(2_001);
    expect(tail(text)).toMatch(/^…x+the end$/);
  });
});

describe('JSON of another shape', () => {
  const schema = z.object({ a: z.object({ b: z.number() }) });

  it('is told by the paths of its fields, and not shown', () => {
    const stdout = JSON.stringify({ a: { b: 'hunter2' }, password: 'hunter2' });
    const answer = readJson('x', { argv: ['x'], result: { ...result, exitCode: 0, stdout } }, schema);
    expect(answer).toMatchObject({ type: 'unexpected', output: expect.stringContaining('a.b') });
    expect(JSON.stringify(answer)).not.toContain('hunter2');
  });
});
