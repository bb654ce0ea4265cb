import { describe, expect, it } from '@jest/globals';
import { createSystemd } from '../../tools/systemd.ts';
import { hostError, json, refusal, scripted, type Answer } from './fake-host.ts';

const failed = ['systemctl', 'list-units', '--failed', '--output=json'];
const show = ['systemctl', 'show', '--property=LoadState,ActiveState,SubState,Result', '--'];

describe('failed units', () => {
  it('are listed', async () => {
    const unit = { unit: 'a.service', load: 'loaded', active: 'failed', sub: 'failed', description: 'A' };
    expect(await createSystemd(scripted([failed, json([unit])])).failedUnits()).toEqual({
      type: 'units',
      units: [{ unit: 'a.service', description: 'A' }],
    });
  });

  it.each([
    ['another shape', json([{ name: 'a.service' }])],
    ['no bus', refusal('System has not been booted with systemd as init system (PID 1).')],
  ])('are unexpected with %s', async (_, answer: Answer) => {
    expect(await createSystemd(scripted([failed, answer])).failedUnits()).toMatchObject({ type: 'unexpected' });
  });
});

describe('a systemd that does not listen yet, as in a guest that has only begun to boot', () => {
  const bus = 'Failed to connect to system scope bus via local transport: No such file or directory';

  it('is to be asked again', async () => {
    expect(await createSystemd(scripted([failed, refusal(bus)])).failedUnits()).toEqual({ type: 'busy', message: bus });
    const asked = scripted([['systemctl', 'is-system-running'], refusal(bus)]);
    expect(await createSystemd(asked).isSystemRunning()).toEqual({ type: 'busy', message: bus });
  });
});

describe('the states of units', () => {
  it('come in the order asked for, also of a unit that does not exist', async () => {
    const stdout = `LoadState=loaded\nActiveState=active\nSubState=running\nResult=success\n
LoadState=not-found\nActiveState=inactive\nSubState=dead\n`;
    const host = scripted([[...show, 'a.service', 'b.target'], { stdout }]);
    expect(await createSystemd(host).unitStates(['a.service', 'b.target'])).toEqual({
      type: 'states',
      states: [
        { unit: 'a.service', load: 'loaded', active: 'active', sub: 'running', result: 'success' },
        { unit: 'b.target', load: 'not-found', active: 'inactive', sub: 'dead', result: '' },
      ],
    });
  });

  it.each([
    ['too few units', 'LoadState=loaded\nActiveState=active\nSubState=running\n'],
    ['too many units', 'LoadState=loaded\nActiveState=active\nSubState=running\n\n'.repeat(3)],
    ['a field missing', 'LoadState=loaded\nSubState=running\n\nLoadState=loaded\nActiveState=active\nSubState=x\n'],
  ])('are unexpected with %s', async (_, stdout) => {
    const host = scripted([[...show, 'a.service', 'b.service'], { stdout }]);
    expect(await createSystemd(host).unitStates(['a.service', 'b.service'])).toMatchObject({ type: 'unexpected' });
  });

  it('of a systemd that answers nothing are to be asked for again', async () => {
    expect(await createSystemd(scripted([[...show, 'a.service'], {}])).unitStates(['a.service'])).toMatchObject({
      type: 'busy',
    });
  });

  it('of no units asks nothing', async () => {
    expect(await createSystemd(scripted()).unitStates([])).toEqual({ type: 'states', states: [] });
  });
});

describe('restarting a unit', () => {
  it.each([
    [{}, 'restarted'],
    [refusal('Failed to restart a.service: Unit a.service not found.', 5), 'not found'],
    [refusal('Job for a.service failed because the control process exited with error code.'), 'failed'],
    [refusal('A dependency job for a.service failed. See ‘journalctl -xe’ for details.'), 'failed'],
    [refusal('Failed to restart a.service: Access denied', 4), 'unexpected'],
  ])('answered with %j is %s', async (answer: Answer, type) => {
    const host = scripted([['systemctl', 'restart', '--', 'a.service'], answer]);
    expect(await createSystemd(host).restartUnit('a.service')).toMatchObject({ type });
  });
});

describe('the system', () => {
  it.each([
    ['running', 0],
    ['degraded', 1],
    ['starting', 1],
    ['stopping', 1],
  ])('is %s whatever the exit code', async (state, exitCode) => {
    const host = scripted([['systemctl', 'is-system-running'], { exitCode, stdout: `${state}\n` }]);
    expect(await createSystemd(host).isSystemRunning()).toEqual({ type: 'system', state });
  });

  it('in an unknown state is unexpected', async () => {
    const host = scripted([['systemctl', 'is-system-running'], { exitCode: 1, stdout: 'purring\n' }]);
    expect(await createSystemd(host).isSystemRunning()).toMatchObject({ type: 'unexpected' });
  });

  it('has the id of its boot and of its machine', async () => {
    const boot = '0f6b8a54-3b7c-4a53-9d0e-6f1f0d3f3a11';
    const host = scripted(
      [['cat', '/proc/sys/kernel/random/boot_id'], { stdout: `${boot}\n` }],
      [['cat', '/etc/machine-id'], { stdout: 'uninitialized\n' }],
    );
    expect(await createSystemd(host).bootId()).toEqual({ type: 'boot', id: boot });
    expect(await createSystemd(host).machineId()).toMatchObject({ type: 'unexpected' });
  });
});

describe('a reboot', () => {
  const argv = ['systemctl', 'reboot', '--no-wall'];

  it.each([[{}], [hostError('Unreachable')], [hostError('TimedOut')]])(
    'was asked for, also where the connection went with it',
    async (answer) => {
      expect(await createSystemd(scripted([argv, answer])).reboot()).toEqual({ type: 'asked' });
    },
  );

  it('that is refused is unexpected', async () => {
    expect(await createSystemd(scripted([argv, refusal('Access denied')])).reboot()).toMatchObject({
      type: 'unexpected',
    });
  });

  it.each(['Refused', 'Cancelled'] as const)('passes %s on', async (type) => {
    await expect(createSystemd(scripted([argv, hostError(type)])).reboot()).rejects.toMatchObject({ type });
  });
});
