import { describe, expect, it } from '@jest/globals';
import { createGuestHost } from '../../tools/incus-exec.ts';
import { fakeHost, hostError, json, refusal, scripted, type FakeHost } from './fake-host.ts';

const exec = (...argv: string[]) => ['incus', 'exec', '--project=default', 'g1', '--mode=non-interactive', ...argv];
const state = ['incus', 'query', '/1.0/instances/g1/state?project=default'];
const running = json({ status: 'Running', processes: 9, pid: 7 });
const guestOn = (member: FakeHost) => createGuestHost({ member, project: 'default', instance: 'g1' });
const timeoutMs = 1_000;

describe('a command in a guest', () => {
  it('is one of the member, its arguments after two dashes and its environment before them', async () => {
    const host = scripted([exec('--env=A=b c', '--', 'cat', '-', '; rm -rf /'), { stdout: 'hi' }]);
    const result = await guestOn(host).run(['cat', '-', '; rm -rf /'], { timeoutMs, input: 'hi', env: { A: 'b c' } });
    expect(result).toMatchObject({ exitCode: 0, stdout: 'hi' });
    expect(host.calls[0]?.options).toEqual({ timeoutMs, input: 'hi' });
  });

  it.each([0, 2, 3, 100, 126, 127])('that exits with %d has that exit code', async (exitCode) => {
    const host = scripted([exec('--', 'x'), { exitCode, stderr: 'sh: 1: y: not found\n' }]);
    expect(await guestOn(host).run(['x'], { timeoutMs })).toMatchObject({ exitCode });
  });

  it.each([
    ['Error: Command not found', 127],
    ['Error: Command not executable', 126],
  ])('that Incus could not start (%s) was not run', async (text, exitCode) => {
    const host = scripted([exec('--', 'x'), refusal(text, exitCode)]);
    await expect(guestOn(host).run(['x'], { timeoutMs })).rejects.toMatchObject({ type: 'NotRun', host: 'g1' });
  });

  it('in a stopped instance finds it unreachable', async () => {
    const host = scripted(
      [exec('--', 'x'), refusal('Error: Instance is not running')],
      [state, json({ status: 'Stopped', processes: 0, pid: 0 })],
    );
    await expect(guestOn(host).run(['x'], { timeoutMs })).rejects.toMatchObject({ type: 'Unreachable' });
  });

  it.each([1, 255])('without an agent finds the guest unreachable (exit code %d)', async (exitCode) => {
    const host = scripted(
      [exec('--', 'x'), refusal("Error: VM agent isn't currently running", exitCode)],
      [state, json({ status: 'Running', processes: -1, pid: 7 })],
    );
    await expect(guestOn(host).run(['x'], { timeoutMs })).rejects.toMatchObject({
      type: 'Unreachable',
      message: expect.stringContaining('agent'),
    });
  });

  it.each(['Error: Instance is not running', "Error: VM agent isn't currently running", 'Error: my own'])(
    'that prints %j itself in a running guest keeps its exit code',
    async (stderr) => {
      const host = scripted([exec('--', 'x'), refusal(stderr)], [state, running]);
      expect(await guestOn(host).run(['x'], { timeoutMs })).toMatchObject({ exitCode: 1, stderr: `${stderr}\n` });
    },
  );

  it('that fails by itself asks nothing more of Incus', async () => {
    const host = scripted([exec('--', 'x'), refusal('grep: nothing')]);
    await guestOn(host).run(['x'], { timeoutMs });
    expect(host.calls).toHaveLength(1);
  });

  it('whose guest went down meanwhile finds it unreachable', async () => {
    const host = scripted(
      [exec('--', 'x'), { exitCode: 129 }],
      [state, json({ status: 'Stopped', processes: 0, pid: 0 })],
    );
    await expect(guestOn(host).run(['x'], { timeoutMs })).rejects.toMatchObject({ type: 'Unreachable' });
  });

  it('in an instance that does not exist is refused', async () => {
    const missing = refusal('Error: Instance not found');
    const host = scripted([exec('--', 'x'), missing], [state, missing]);
    await expect(guestOn(host).run(['x'], { timeoutMs })).rejects.toMatchObject({ type: 'Refused' });
  });

  it('on a member that is away is unreachable', async () => {
    const away = refusal('Error: Missing event connection with target cluster member');
    const host = scripted([exec('--', 'x'), away], [state, away]);
    await expect(guestOn(host).run(['x'], { timeoutMs })).rejects.toMatchObject({ type: 'Unreachable' });
  });

  it('passes the errors of the member on', async () => {
    const host = scripted([exec('--', 'x'), hostError('TimedOut')]);
    await expect(guestOn(host).run(['x'], { timeoutMs })).rejects.toMatchObject({ type: 'TimedOut' });
  });
});

it.each(['-c', '--force', 'other:g1', '', 'a b', '../x'])(
  'a guest named %j is refused before anything runs',
  (instance) => {
    expect(() => createGuestHost({ member: scripted(), project: 'default', instance })).toThrow(TypeError);
  },
);

it('writes files through the guest itself', async () => {
  const host = fakeHost((argv) => (argv[6] === 'sh' ? {} : undefined));
  await guestOn(host).putFile('/etc/x', 'content', { mode: 0o640 });
  expect(host.calls[0]?.argv).toEqual(expect.arrayContaining(['/etc/x', '640']));
  expect(host.calls[0]?.options.input).toBe('content');
});

it('looks for jobs in the guest itself', async () => {
  const host = fakeHost((argv) => (argv[6] === 'sh' ? { stdout: 'absent\n' } : undefined));
  expect(await guestOn(host).jobs.status('run-1')).toEqual({ type: 'absent' });
});
