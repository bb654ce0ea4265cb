import { X509Certificate } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { Host } from '../../hosts/host.ts';
import type { Simulation } from '../../simulator/create.ts';
import { listFolder } from '../../tools/folder.ts';
import { createIncusState } from '../../tools/incus-state.ts';
import { createIncus, type Incus } from '../../tools/incus.ts';
import { createNetwork } from '../../tools/network.ts';
import { createZfs } from '../../tools/zfs.ts';
import { assertCovered } from '../contract/uncovered.ts';
import { fakeHost } from '../tools/fake-host.ts';
import { buildSimulator, type Simulator } from './built-simulator.ts';
import { runOn } from './client.ts';

jest.setTimeout(120_000);

const [FIRST, SECOND, THIRD] = ['elitedesk-1', 'elitedesk-2', 'nuc-1'] as const;
const ADDRESS = { [FIRST]: '10.0.0.11:8443', [SECOND]: '10.0.0.12:8443', [THIRD]: '10.0.0.13:8443' };
const POOL = { name: 'zpool', driver: 'zfs', source: 'zpool/incus' };
const NETWORK = { name: 'incusbr0', description: '', config: { 'ipv4.address': '10.0.1.1/24' } };
const TRIAL = { image: 'images:alpine/edge', name: 'trial', member: SECOND, pool: 'zpool' };

describe('the simulated servers without a cluster', () => {
  let simulator: Simulator;
  let simulation: Simulation;
  beforeAll(async () => {
    simulator = await buildSimulator();
  });
  beforeEach(async () => {
    simulation = await simulator.create({ bare: true });
  });
  afterAll(async () => {
    await simulator.dispose();
  });

  const on = (name: string): Host => hostOn(simulation, name);
  const incus = (name: string): Incus => createIncus(on(name));
  const below = async (name: string): Promise<unknown> => createZfs(on(name)).below('zpool/incus');

  /** The first member, with pool and network. */
  async function form(): Promise<void> {
    const first = incus(FIRST);
    expect(await first.setConfig({ 'core.https_address': ADDRESS[FIRST] })).toEqual({ type: 'set' });
    expect(await first.createStoragePool(POOL)).toEqual({ type: 'created' });
    expect(await first.createNetwork(NETWORK)).toEqual({ type: 'created' });
    expect(await first.enableClustering(FIRST)).toEqual({ type: 'enabled' });
  }

  async function mint(name: string): Promise<string> {
    const minted = await incus(FIRST).mintToken(name);
    if (minted.type !== 'token') throw new Error(`Expected a token, got ${JSON.stringify(minted)}`);
    return minted.token;
  }

  const joinWith = (name: typeof SECOND | typeof THIRD, token: string) =>
    incus(name).join({ name, address: ADDRESS[name], token, sources: { zpool: 'zpool/incus' } });
  const joins = async (name: typeof SECOND | typeof THIRD) => joinWith(name, await mint(name));

  const statuses = async (): Promise<string[]> => {
    const listed = await incus(FIRST).members();
    return listed.type === 'members' ? listed.members.map(({ name, status }) => `${name} ${status}`) : [listed.type];
  };

  it('have a certificate, a name and nothing else, each its own', async () => {
    const found = await Promise.all([FIRST, SECOND, THIRD].map((name) => incus(name).identity()));
    const identities = found.map((each) => (each.type === 'identity' ? each : undefined));
    expect(identities.map((each) => each?.serverName)).toEqual([FIRST, SECOND, THIRD]);
    expect(identities.map((each) => each?.clustered)).toEqual([false, false, false]);
    expect(new Set(identities.map((each) => each?.fingerprint)).size).toBe(3);
    const certificate = new X509Certificate(identities[0]?.certificate ?? '');
    expect(certificate.fingerprint256.replaceAll(':', '').toLowerCase()).toBe(identities[0]?.fingerprint);
    expect(Date.parse(certificate.validTo)).toBeGreaterThan(Date.parse('2040-01-01'));
    const one = incus(SECOND);
    expect(await one.members()).toEqual({ type: 'not clustered' });
    expect(await one.storagePools()).toEqual({ type: 'storage pools', pools: [] });
    expect(await one.networks()).toEqual({ type: 'networks', networks: [] });
    expect(await one.instances()).toEqual({ type: 'instances', instances: [] });
    expect(await one.profiles()).toMatchObject({ profiles: [{ name: 'default', config: {}, devices: {} }] });
    expect(await below(SECOND)).toEqual({ type: 'names', names: [] });
    expect(await incus(SECOND).mintToken('x')).toMatchObject({ type: 'unexpected' });
    expect(simulation.unknown()).toEqual([]);
  });

  it('become one cluster of three, with what is declared, in which a container can be tried', async () => {
    await form();
    expect(await joins(SECOND)).toEqual({ type: 'joined' });
    expect(await joins(THIRD)).toEqual({ type: 'joined' });
    expect(await statuses()).toEqual([`${FIRST} Online`, `${SECOND} Online`, `${THIRD} Online`]);
    const identities = await Promise.all([FIRST, SECOND, THIRD].map((name) => incus(name).identity()));
    expect(new Set(identities.map((each) => (each.type === 'identity' ? each.fingerprint : ''))).size).toBe(1);
    expect(identities.map((each) => (each.type === 'identity' ? each.config['core.https_address'] : ''))).toEqual(
      Object.values(ADDRESS),
    );
    expect(await below(THIRD)).toMatchObject({ names: expect.arrayContaining(['zpool/incus/containers']) });
    const first = incus(FIRST);
    expect(await first.storagePools()).toEqual({
      type: 'storage pools',
      pools: [{ name: 'zpool', driver: 'zfs', status: 'Created', config: {} }],
    });
    expect(await first.pool('zpool', THIRD)).toMatchObject({ source: 'zpool/incus' });
    const profile = { name: 'default', description: '', config: { 'cluster.evacuate': 'stop' }, devices: {} };
    expect(await first.replaceProfile(profile)).toEqual({ type: 'replaced' });
    expect(await first.createProfile({ ...profile, name: 'other' })).toEqual({ type: 'created' });
    const group = { name: 'desktops', description: '', members: [FIRST] };
    expect(await first.createGroup(group)).toEqual({ type: 'created' });
    expect(await first.replaceGroup({ ...group, members: [FIRST, SECOND] })).toEqual({ type: 'replaced' });
    expect(await first.groups()).toMatchObject({ groups: [{ name: 'default' }, { members: [FIRST, SECOND] }] });
    expect(await first.setConfig({ 'cluster.offline_threshold': '30' })).toEqual({ type: 'set' });
    expect(await incus(THIRD).identity()).toMatchObject({ config: { 'cluster.offline_threshold': '30' } });
    expect(await first.launch(TRIAL)).toEqual({ type: 'launched' });
    expect(await incus(THIRD).instances({ project: 'default' })).toMatchObject({
      instances: [{ name: 'trial', location: SECOND, status: 'Running' }],
    });
    expect(await first.deleteInstance('trial')).toEqual({ type: 'deleted' });
    expect(await first.deleteInstance('trial')).toEqual({ type: 'none' });
    expect(simulation.unknown()).toEqual([]);
    assertCovered(simulation.journal().filter(({ tool }) => tool !== 'ssh'));
  });

  it('refuse a pool whose dataset holds something, and a second one of the same name', async () => {
    await simulation.store.update(({ machines }) =>
      Object.assign(machines[FIRST]?.datasets ?? {}, { 'zpool/incus/photos': { snapshots: {} } }),
    );
    const first = incus(FIRST);
    expect(await first.createStoragePool(POOL)).toMatchObject({
      output: expect.stringContaining("Provided ZFS pool (or dataset) isn't empty"),
    });
    expect(await first.storagePools()).toEqual({ type: 'storage pools', pools: [] });
    await runOn(simulation, FIRST, ['zfs', 'destroy', 'zpool/incus/photos']);
    expect(await first.createStoragePool(POOL)).toEqual({ type: 'created' });
    expect(await first.createStoragePool(POOL)).toEqual({ type: 'already there' });
  });

  it('have a pool in a folder too', async () => {
    const path = join(simulation.store.root(FIRST), 'srv/incus');
    const pool = { name: 'local', driver: 'dir', source: '/srv/incus' };
    const refusal = (text: string) => ({ type: 'unexpected', output: expect.stringContaining(text) });
    expect(await listFolder(on(FIRST), '/srv/incus')).toEqual({ type: 'none' });
    expect(await incus(FIRST).createStoragePool(pool)).toMatchObject(refusal("'/srv/incus' doesn't exist"));
    mkdirSync(path, { recursive: true });
    writeFileSync(join(path, 'photo'), '');
    expect(await listFolder(on(FIRST), '/srv/incus')).toEqual({ type: 'entries', names: ['photo'] });
    expect(await incus(FIRST).createStoragePool(pool)).toMatchObject(refusal("'/srv/incus' isn't empty"));
    await runOn(simulation, FIRST, ['rm', '/srv/incus/photo']);
    expect(await incus(FIRST).createStoragePool(pool)).toEqual({ type: 'created' });
    expect(await incus(FIRST).storagePools()).toMatchObject({ pools: [{ config: { source: '/srv/incus' } }] });
    expect(await listFolder(on(FIRST), '/srv/incus')).toMatchObject({ names: expect.arrayContaining(['custom']) });
  });

  it('take a token once, the last one, of a cluster that they are not in', async () => {
    await form();
    const none = expect.stringContaining('No matching cluster join operation found');
    const cancelled = await mint(SECOND);
    const token = await mint(SECOND);
    expect(await joinWith(SECOND, cancelled)).toMatchObject({ output: none });
    expect(await incus(SECOND).storagePools()).toEqual({ type: 'storage pools', pools: [] });
    expect(await joinWith(SECOND, token)).toEqual({ type: 'joined' });
    expect(await joinWith(SECOND, token)).toEqual({ type: 'already clustered' });
    expect(await joinWith(THIRD, token)).toMatchObject({ output: none });
    expect(await incus(FIRST).mintToken(SECOND)).toEqual({ type: 'already member' });
    expect(await joinWith(THIRD, 'bm8gdG9rZW4gYXQgYWxs')).toMatchObject({
      output: expect.stringContaining('Invalid cluster join token'),
    });
    expect(await statuses()).toEqual([`${FIRST} Online`, `${SECOND} Online`]);
  });

  it('do not join in another version, and have the pool then', async () => {
    await form();
    await simulation.store.update(({ machines }) => Object.assign(machines[SECOND]?.incus ?? {}, { version: '6.0.5' }));
    expect(await joins(SECOND)).toMatchObject({
      output: expect.stringContaining("The joining server version doesn't match"),
    });
    expect(await incus(SECOND).storagePools()).toMatchObject({ pools: [{ name: 'zpool' }] });
    expect(await joins(SECOND)).toMatchObject({
      output: expect.stringContaining('Config key "source" is cluster member specific'),
    });
    expect(await statuses()).toEqual([`${FIRST} Online`]);
  });

  it('make clusters of their own, which are others', async () => {
    await form();
    const other = incus(THIRD);
    await other.setConfig({ 'core.https_address': ADDRESS[THIRD] });
    expect(await other.enableClustering('stranger')).toEqual({ type: 'enabled' });
    expect(await other.identity()).toMatchObject({ clustered: true, serverName: 'stranger' });
    const [ours, theirs] = [await incus(FIRST).identity(), await other.identity()];
    expect('fingerprint' in ours && 'fingerprint' in theirs && ours.fingerprint !== theirs.fingerprint).toBe(true);
    expect(await joinWith(THIRD, await mint(THIRD))).toEqual({ type: 'already clustered' });
  });

  it('say of a second first member what Incus says, and need an address for it', async () => {
    expect(await incus(FIRST).enableClustering(FIRST)).toMatchObject({
      output: expect.stringContaining('Cannot use wildcard core.https_address ""'),
    });
    await form();
    expect(await incus(FIRST).enableClustering(FIRST)).toMatchObject({
      output: expect.stringContaining('found leftover cluster certificate'),
    });
    expect(await incus(FIRST).createNetwork(NETWORK)).toEqual({ type: 'already there' });
  });

  it('keep the addresses that are sent along with a setting that they refuse', async () => {
    await form();
    const own = { 'core.https_address': ADDRESS[FIRST], 'cluster.https_address': ADDRESS[FIRST] };
    await incus(FIRST).setConfig({ ...own, 'cluster.offline_threshold': '5' });
    expect(await incus(FIRST).identity()).toMatchObject({ config: own });
  });

  it('forget their addresses with a setting that they refuse, and do not come up again', async () => {
    await form();
    await joins(SECOND);
    expect(await incus(SECOND).setConfig({ 'cluster.offline_threshold': '5' })).toMatchObject({
      output: expect.stringContaining("Value must be greater than '10'"),
    });
    expect(await incus(SECOND).identity()).toMatchObject({ config: {} });
    expect(await statuses()).toEqual([`${FIRST} Online`, `${SECOND} Online`]);
    await runOn(simulation, SECOND, ['systemctl', 'restart', 'incus.service']);
    expect(await incus(SECOND).waitReady(1000)).toMatchObject({ type: 'not ready' });
  });

  it.each([
    ['pools', 'alone, with a pool', false],
    ['accept', 'stuck', true],
  ])('are %s after an interruption there: %s', async (step, _state, isStuck) => {
    await form();
    const fault = { machine: SECOND, tool: '.incus-joins', args: `^${step}`, when: 'after', times: 1 } as const;
    const id = await simulation.addFault({ ...fault, effect: { type: 'pause' } });
    const joining = joins(SECOND).catch(() => undefined);
    while (!simulation.isPaused(id)) await new Promise((resolve) => setTimeout(resolve, 20));
    await simulation.power(SECOND, 'off');
    await joining;
    await simulation.power(SECOND, 'on');
    expect(await statuses()).toEqual([`${FIRST} Online`]);
    expect(await below(SECOND)).toMatchObject({ names: expect.arrayContaining(['zpool/incus/images']) });
    const second = incus(SECOND);
    if (isStuck) {
      expect(await runOn(simulation, SECOND, ['incus', 'query', '/1.0'], 1000)).toMatchObject({ exitCode: 124 });
      const { stdout } = await runOn(simulation, SECOND, ['systemctl', 'is-active', 'incus.service']);
      expect(stdout).toBe('activating\n');
    } else {
      expect(await second.identity()).toMatchObject({ clustered: false });
      expect(await joins(SECOND)).toMatchObject({ output: expect.stringContaining('is cluster member specific') });
    }
    await takeBack();
    expect(await second.identity()).toMatchObject({ clustered: false, config: {} });
    expect(await second.storagePools()).toEqual({ type: 'storage pools', pools: [] });
    expect(await joins(SECOND)).toEqual({ type: 'joined' });
    expect(await statuses()).toEqual([`${FIRST} Online`, `${SECOND} Online`]);
    expect(simulation.unknown()).toEqual([]);
  });

  /** As cluster-bootstrap does. */
  async function takeBack(): Promise<void> {
    const state = createIncusState(on(SECOND));
    expect(await state.stop()).toEqual({ type: 'stopped' });
    expect(await state.setAside('/var/lib/runbook/set-aside/run', ['zpool'])).toEqual({ type: 'set aside' });
    expect(await state.clearDataset('zpool/incus')).toEqual({ type: 'cleared' });
    expect(await state.start()).toEqual({ type: 'started' });
  }

  it('are listed and know nothing of it where a join is cut in two, until they are removed by force', async () => {
    await form();
    await simulation.store.update(({ cluster }) => {
      cluster.members[SECOND] = { version: '6.0.4', evacuated: false, stoppedByEvacuation: [], description: '' };
    });
    expect(await statuses()).toEqual([`${FIRST} Online`, `${SECOND} Offline`]);
    expect(await incus(SECOND).identity()).toMatchObject({ clustered: false });
    expect(await incus(FIRST).removeMemberByForce(SECOND)).toEqual({ type: 'removed' });
    expect(await incus(FIRST).removeMemberByForce(SECOND)).toEqual({ type: 'none' });
    expect(await joins(SECOND)).toEqual({ type: 'joined' });
  });

  it('stay what they were where they are removed by force', async () => {
    await form();
    await joins(SECOND);
    expect(await incus(FIRST).removeMemberByForce(SECOND)).toEqual({ type: 'removed' });
    expect(await incus(SECOND).identity()).toMatchObject({ clustered: true });
    expect(await joins(SECOND)).toEqual({ type: 'already clustered' });
    await takeBack();
    const inTheWay = 'Failed to update local member network "incusbr0"';
    expect(await joins(SECOND)).toMatchObject({ what: expect.stringContaining(inTheWay) });
    await runOn(simulation, SECOND, ['ip', 'link', 'delete', 'incusbr0']);
    await runOn(simulation, SECOND, ['incus', 'storage', 'delete', 'zpool']);
    expect(await joins(SECOND)).toEqual({ type: 'joined' });
    expect(simulation.unknown()).toEqual([]);
  });

  it('say of a launch what Incus says', async () => {
    await form();
    await joins(SECOND);
    const launch = async (change: object): Promise<unknown> => incus(FIRST).launch({ ...TRIAL, ...change });
    expect(await launch({ member: 'nope' })).toMatchObject({
      output: expect.stringContaining('Cluster member "nope" not found'),
    });
    expect(await launch({ image: 'nope' })).toMatchObject({
      output: expect.stringContaining('Image "nope" not found'),
    });
    expect(await launch({})).toEqual({ type: 'launched' });
    expect(await launch({})).toEqual({ type: 'already there' });
  });

  it('are reached where they are on and somebody listens', async () => {
    const reach = (port: number) => createNetwork(on(FIRST)).reach('10.0.0.12', port);
    expect(await reach(8443)).toEqual({ type: 'answers', listening: false });
    expect(await reach(22)).toEqual({ type: 'answers', listening: true });
    await incus(SECOND).setConfig({ 'core.https_address': ADDRESS[SECOND] });
    expect(await reach(8443)).toEqual({ type: 'answers', listening: true });
    await simulation.power(SECOND, 'cut off');
    expect(await reach(8443)).toMatchObject({ type: 'no answer' });
    const network = createNetwork(on(FIRST));
    expect(await network.resolve(THIRD)).toEqual({ type: 'addresses', addresses: ['10.0.0.13'] });
    expect(await network.resolve('nowhere.invalid')).toEqual({ type: 'unknown name' });
  });

  it('know no argument, field or parameter that they were not taught', async () => {
    await form();
    const asked = [
      ['incus', 'query', '-X', 'POST', '--wait', '-d', '{"name":"x","strange":1}', '/1.0/storage-pools'],
      ['incus', 'query', '/1.0/networks?strange=1'],
      ['incus', 'cluster', 'add', SECOND],
      ['incus', 'cluster', 'remove', SECOND, '--force'],
      ['incus', 'launch', '--quiet', 'x', 'y', '--ephemeral'],
      ['getent', 'hosts', FIRST],
      ['zfs', 'destroy', '-R', 'zpool/incus'],
    ];
    for (const argv of asked) expect(await runOn(simulation, FIRST, argv)).toMatchObject({ exitCode: 64 });
    expect(simulation.unknown()).toHaveLength(asked.length);
  });
});

/** A machine of the simulation, over its ssh. */
function hostOn(simulation: Simulation, name: string): Host {
  const host = fakeHost(() => undefined);
  return {
    ...host,
    name,
    run: async (argv, { timeoutMs, input }) => ({
      ...(await runOn(simulation, name, argv, timeoutMs, input === undefined ? undefined : String(input))),
      durationMs: 1,
      truncated: false,
    }),
  };
}
