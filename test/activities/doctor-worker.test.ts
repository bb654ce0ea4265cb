import { describe, expect, it } from '@jest/globals';
import { checkInfra, checkWorker } from '../../activities/doctor-worker.ts';
import type { Check } from '../../plan/checks.ts';
import { fakeHost, hostError, refusal, type Answer } from '../tools/fake-host.ts';

const df = (availableKb: number): Answer => ({
  stdout: `Filesystem 1024-blocks Used Available Capacity Mounted on\n/dev/vda1 9000000 1 ${availableKb} 50% /\n`,
});

function look(answers: Record<string, Answer> = {}): Promise<Check[]> {
  const local = fakeHost(
    ([program = '']) => answers[program] ?? (program === 'df' ? df(5_000_000) : { stdout: `${program} 1.0\n` }),
  );
  return checkWorker({ local, stateDir: '/var/lib/state' }, { signal: new AbortController().signal });
}
const one = async (what: string, answers: Record<string, Answer>): Promise<Check | undefined> =>
  (await look(answers)).find((check) => check.what === what);

describe('what a worker needs on its own machine', () => {
  it('is each told with its version', async () => {
    const checks = await look();
    expect(checks.map(({ what }) => what)).toEqual([
      'ssh',
      'git',
      'nix',
      'deploy-rs',
      'flock',
      'setpriv',
      'sh',
      'tar',
      'state folder',
    ]);
    expect(checks.filter(({ verdict }) => verdict !== 'passed')).toEqual([]);
    expect(checks.find(({ what }) => what === 'flock')?.found).toBe('flock 1.0');
    expect(checks.at(-1)?.found).toBe('/var/lib/state has 5.1 GB free');
  });

  it.each(['flock', 'setpriv', 'sh', 'ssh', 'tar'])('is missed with its remedy: %s', async (program) => {
    expect(await one(program, { [program]: hostError('NotRun') })).toMatchObject({
      where: 'worker',
      verdict: 'failed',
      found: `${program} is not in the worker's PATH`,
      whatToDo: expect.stringMatching(/^Install /) as unknown as string,
    });
  });

  it('has Terraform or OpenTofu among it where the fleet file says so', async () => {
    const context = { signal: new AbortController().signal };
    const missing = fakeHost(() => hostError('NotRun'));
    expect(await checkInfra({ local: missing }, 'tofu', context)).toMatchObject({
      ...{ verdict: 'failed', found: "tofu is not in the worker's PATH" },
      whatToDo: 'Install tofu on the worker, or name the other one in runbook.yaml: infra.program.',
    });
    const there = fakeHost(() => ({ stdout: 'Terraform v1.5.7\non linux_amd64\n' }));
    expect(await checkInfra({ local: there }, 'terraform', context)).toMatchObject({ found: 'Terraform v1.5.7' });
  });

  it('is not there by its name alone', async () => {
    expect(await one('flock', { flock: refusal('flock: unrecognized option: version') })).toMatchObject({
      verdict: 'failed',
      found: 'flock --version fails: flock: unrecognized option: version',
    });
  });

  it('is room for what jobs write', async () => {
    expect(await one('state folder', { df: df(400_000) })).toMatchObject({
      verdict: 'warning',
      found: '/var/lib/state has 0.4 GB free',
      whatToDo: expect.stringContaining('RUNBOOK_STATE') as unknown as string,
    });
    const gone = refusal('df: /var/lib/state: No such file or directory');
    expect(await one('state folder', { df: gone })).toMatchObject({ verdict: 'failed' });
  });
});
