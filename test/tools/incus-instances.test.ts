import { describe, expect, it } from '@jest/globals';
import { createIncus } from '../../tools/incus.ts';
import { json, refusal, scripted } from './fake-host.ts';

const raw = {
  name: 'edge-vm',
  project: 'default',
  type: 'virtual-machine',
  status: 'Running',
  status_code: 103,
  location: 'n1',
  created_at: '2026-11-01T10:00:00Z',
  config: { 'volatile.base_image': 'abc' },
  devices: {},
  profiles: ['default'],
  expanded_config: {
    'boot.autostart': 'true',
    'image.description': 'NixOS 26.05',
    'cloud-init.user-data': 'password: hunter2',
  },
  expanded_devices: {
    root: { type: 'disk', path: '/', pool: 'local' },
    data: { type: 'disk', pool: 'local', source: 'edge-data', path: '/data' },
    usr: { type: 'disk', source: '/usr', path: '/usr', readonly: 'true' },
    eth0: { type: 'nic', network: 'incusbr0' },
  },
};
const all = ['incus', 'query', '/1.0/instances?recursion=1&all-projects=true'];

describe('instances', () => {
  it('come with their custom volumes, and without configuration that may be secret', async () => {
    const answer = await createIncus(scripted([all, json([raw])])).instances();
    expect(answer).toEqual({
      type: 'instances',
      instances: [
        {
          name: 'edge-vm',
          project: 'default',
          type: 'virtual-machine',
          status: 'Running',
          location: 'n1',
          created: '2026-11-01T10:00:00Z',
          autostart: true,
          image: 'NixOS 26.05',
          rootPool: 'local',
          volumes: [{ device: 'data', pool: 'local', name: 'edge-data' }],
        },
      ],
    });
    expect(JSON.stringify(answer)).not.toContain('hunter2');
  });

  it('of an offline member are listed with their status', async () => {
    const unknown = { config: null, expanded_config: null, expanded_devices: null };
    const offline = { ...raw, ...unknown, status: 'Error', status_code: 112 };
    const answer = await createIncus(scripted([all, json([offline])])).instances();
    expect(answer).toMatchObject({ instances: [{ name: 'edge-vm', status: 'Error', volumes: [] }] });
  });

  it('of one project have it percent-encoded', async () => {
    const argv = ['incus', 'query', '/1.0/instances?recursion=1&project=a%26all-projects%3Dtrue'];
    expect(await createIncus(scripted([argv, json([])])).instances({ project: 'a&all-projects=true' })).toEqual({
      type: 'instances',
      instances: [],
    });
  });

  it('of another type than known are unexpected', async () => {
    const host = scripted([all, json([{ ...raw, type: 'unikernel' }])]);
    const answer = await createIncus(host).instances();
    expect(answer).toMatchObject({ type: 'unexpected', output: expect.stringContaining('0.type') });
    expect(JSON.stringify(answer)).not.toContain('hunter2');
  });
});

describe('the state of an instance', () => {
  const argv = ['incus', 'query', '/1.0/instances/c1/state?project=default'];

  it('is read', async () => {
    const host = scripted([argv, json({ status: 'Running', status_code: 103, processes: 12, pid: 4, disk: null })]);
    expect(await createIncus(host).instanceState('default', 'c1')).toEqual({
      type: 'state',
      status: 'Running',
      processes: 12,
    });
  });

  it.each([
    'Error: Instance not found',
    'Error: Failed to fetch instance "c1" in project "default": Instance not found',
  ])('of none is not found: %s', async (text) => {
    expect(await createIncus(scripted([argv, refusal(text)])).instanceState('default', 'c1')).toMatchObject({
      type: 'not found',
    });
  });

  it.each(['', '.', '..'])('is not asked for the name %j, which would be another path', async (name) => {
    await expect(createIncus(scripted()).instanceState('default', name)).rejects.toThrow(TypeError);
  });

  it('has hostile names kept within one segment', async () => {
    const path = '/1.0/instances/..%2F..%2Finternal%3Fx%23y%0A/state?project=%24(id)';
    const host = scripted([['incus', 'query', path], refusal('Error: Instance not found')]);
    expect(await createIncus(host).instanceState('$(id)', '../../internal?x#y\n')).toMatchObject({ type: 'not found' });
  });
});

describe('starting and stopping', () => {
  const put = (body: object) => [
    ...['incus', 'query', '-X', 'PUT', '--wait', '-d', JSON.stringify(body)],
    '/1.0/instances/c1/state?project=default',
  ];
  const start = put({ action: 'start', timeout: -1 });
  const stop = put({ action: 'stop', timeout: 60, force: false });

  it.each([
    [{}, 'started'],
    [refusal('Error: The instance is already running'), 'already running'],
    [refusal('Error: The container is already running'), 'already running'],
    [refusal('Error: Cluster member is evacuated'), 'member evacuated'],
    [refusal('Error: Instance is busy running a "restore" operation'), 'busy'],
    [refusal('Error: Failed to start device "eth0"'), 'unexpected'],
  ])('a start answered with %j is %s', async (answer, type) => {
    expect(await createIncus(scripted([start, answer])).startInstance('default', 'c1')).toMatchObject({ type });
  });

  it.each([
    [{}, 'stopped'],
    [refusal('Error: The instance is already stopped'), 'already stopped'],
    [refusal('Error: Failed shutting down instance, status is "Running": context deadline exceeded'), 'did not stop'],
    [refusal('Error: context deadline exceeded'), 'did not stop'],
    [refusal('Error: Instance not found'), 'not found'],
  ])('a stop answered with %j is %s', async (answer, type) => {
    const incus = createIncus(scripted([stop, answer]));
    expect(await incus.stopInstance('default', 'c1', { timeoutSeconds: 60 })).toMatchObject({ type });
  });

  it('gives a stop longer than the guest is given', async () => {
    const host = scripted([stop, {}]);
    await createIncus(host).stopInstance('default', 'c1', { timeoutSeconds: 60 });
    expect(host.calls[0]?.options.timeoutMs).toBeGreaterThan(60_000);
  });
});
