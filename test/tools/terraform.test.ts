import { describe, expect, it } from '@jest/globals';
import { applySteps, createTerraform, readApply, readPlanning } from '../../tools/terraform.ts';
import { terraformArgv } from '../../tools/terraform-command.ts';
import { HostError, type Host } from '../../hosts/host.ts';
import { fakeHost } from './fake-host.ts';

const RAN = { exitCode: 0, stdout: '', stderr: '', truncated: false, durationMs: 1 };
const ends = (result: Partial<typeof RAN>) => Promise.resolve({ ...RAN, ...result });
const ACCESS = { program: 'terraform', folder: '/m' } as const;
const ran = (result: { exitCode: number; stdout?: string; stderr?: string }) => ({
  argv: terraformArgv(ACCESS, ['plan']),
  result: { stdout: '', stderr: '', truncated: false, ...result },
});
const diagnostic = (summary: string, detail = '', address?: string): string =>
  `${JSON.stringify({ type: 'diagnostic', diagnostic: { severity: 'error', summary, detail, address } })}\n`;

describe('Terraform', () => {
  it('gets no secret in its arguments: only where they are', () => {
    const argv = terraformArgv({ ...ACCESS, environmentFile: '/run/secrets/tf' }, ['plan']);
    expect(argv.slice(0, 4)).toEqual(['sh', '-c', 'umask 077; exec "$@"', 'sh']);
    expect(argv.slice(-4)).toEqual(['/run/secrets/tf', 'terraform', '-chdir=/m', 'plan']);
  });

  it.each([
    [0, 'planned'],
    [2, 'planned'],
    [78, 'bad environment'],
    [1, 'unexpected'],
    [137, 'unexpected'],
  ])('a plan that ended with %s is %s', (exitCode, type) => {
    expect(readPlanning(ran({ exitCode }))).toMatchObject({ type });
  });

  it('says of a stale plan that nothing was done', () => {
    expect(readApply(ran({ exitCode: 1, stdout: diagnostic('Saved plan is stale') }))).toEqual({ type: 'stale' });
  });

  it('reads whose a lock is', () => {
    const detail =
      'Error message: x\nLock Info:\n  ID:        4ef1\n  Path:      /s\n  Operation: OperationTypeApply\n  Who:       ada@laptop\n  Version:   1.5.7\n  Created:   2026-11-28 06:26:56.441110429 +0000 UTC\n  Info:      \n';
    const locked = {
      type: 'locked',
      lock: { id: '4ef1', operation: 'OperationTypeApply', who: 'ada@laptop', created: '2026-11-28T06:26:56.441Z' },
    };
    const summary = 'Error acquiring the state lock';
    expect(readPlanning(ran({ exitCode: 1, stdout: diagnostic(summary, detail) }))).toEqual(locked);
    expect(readPlanning(ran({ exitCode: 1, stderr: `\nError: ${summary}\n\n${detail}` }))).toEqual(locked);
  });

  it('takes the lock of a backend that names nobody for nobody’s, whoever stands below', () => {
    const detail =
      'Error message: HTTP remote state already locked:\nID=3ab5\nLock Info:\n  ID:  029c\n  Who:  root@worker\n';
    expect(readPlanning(ran({ exitCode: 1, stdout: diagnostic('Error acquiring the state lock', detail) }))).toEqual({
      ...{ type: 'locked', lock: { id: '3ab5', operation: '', who: '', created: '' } },
    });
  });

  it('repeats nothing of what a provisioner ran or printed', () => {
    const stdout = diagnostic('local-exec provisioner error', "running 'echo hunter2': exit status 7. hunter2", 'a.b');
    const read = readApply(ran({ exitCode: 1, stdout }));
    expect(read).toMatchObject({ type: 'failed', message: 'a.b: local-exec provisioner error (exit status 7)' });
    expect(JSON.stringify(readApply(ran({ exitCode: 3, stdout: 'hunter2' })))).not.toContain('hunter2');
  });

  it('says where errors may have been cut off', () => {
    const long = (stdout: string) => {
      const { argv, result } = ran({ exitCode: 1, stdout });
      return readApply({ argv, result: { ...result, truncated: true } });
    };
    expect(long(diagnostic('bad'))).toMatchObject({
      message: expect.stringMatching(/^bad \(It printed more/) as unknown,
    });
    expect(long('')).toMatchObject({
      type: 'unexpected',
      output: expect.stringMatching(/^\(It printed more/) as unknown,
    });
    expect(readApply(ran({ exitCode: 1, stdout: diagnostic('bad') }))).toMatchObject({ message: 'bad' });
  });

  it('passes over lines that are cut off', () => {
    const hook = { resource: { addr: 'a.b' }, action: 'create' };
    const lines = ['{"type":"apply_st', JSON.stringify({ type: 'apply_start', hook }), 'plain'];
    expect(applySteps(lines)).toEqual([{ step: 'apply_start', address: 'a.b', action: 'create' }]);
  });

  it('knows a state that is not there from one that is', async () => {
    const pull = (stdout: string) =>
      createTerraform(
        fakeHost(() => ({ exitCode: 0, stdout, stderr: '' })),
        ACCESS,
      ).pullState();
    expect(await pull('')).toEqual({ type: 'none' });
    expect(await pull('{"serial":3,"lineage":"x"}')).toMatchObject({ type: 'state', serial: 3, lineage: 'x' });
    expect(await pull('{"secret":"hunter2"}')).toMatchObject({ type: 'unexpected' });
    expect(JSON.stringify(await pull('{"secret":"hunter2"}'))).not.toContain('hunter2');
  });

  it.each<[string, () => ReturnType<Host['run']>]>([
    ['a strange line beside it', () => ends({ stdout: 'Warning: x\n{"input":"hunter2"}' })],
    ['text without end', () => ends({ stdout: '{"input":"hunter2"}', truncated: true })],
    ['an error', () => ends({ exitCode: 3, stdout: '{"input":"hunter2"}' })],
    ['no end in time', () => Promise.reject(new HostError('TimedOut', 'worker', 'late', { output: 'hunter2' }))],
  ])('says nothing of a plan or a state where there is %s', async (_, answer) => {
    const terraform = createTerraform({ ...fakeHost(() => RAN), run: answer }, ACCESS);
    for (const read of [() => terraform.pullState(), () => terraform.show('/p')]) {
      const told = await read().catch((error: unknown) => [String(error), (error as HostError).output]);
      expect(told).not.toMatchObject({ type: 'state' });
      expect(JSON.stringify(told)).not.toContain('hunter2');
    }
  });
});
