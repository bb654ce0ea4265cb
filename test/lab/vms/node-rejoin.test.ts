import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { WorkflowHandle } from '@temporalio/client';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { run, until } from '../../../lab/shell.ts';
import type { Decision, RunView } from '../../../plan/run.ts';
import { DECIDE_UPDATE, TASK_QUEUE, VIEW_QUERY, type DecideArgs } from '../../../workflows/messages.ts';
import type { identityBackup } from '../../../workflows/identity-backup.ts';
import type { nightlyBackup } from '../../../workflows/nightly-backup.ts';
import type { nodeRejoin } from '../../../workflows/node-rejoin.ts';
import { viewOf } from '../../temporal/simulated-fleet.ts';
import { aLab } from '../a-lab.ts';
import { handsOn } from '../hands.ts';
import { aLabWorker } from '../worker.ts';

const lab = aLab('vms');
const worker = aLabWorker(lab);
const { deploy, text } = handsOn(lab);
jest.setTimeout(20 * 60_000);

type Rejoin = WorkflowHandle<typeof nodeRejoin>;

/** Everything of n3 that has to be as before, bit for bit and name for name. */
interface Belongings {
  files: string;
  snapshots: string;
  volumes: unknown;
  member: unknown;
  instance: string;
}

const json = async (host: string, path: string): Promise<unknown> =>
  JSON.parse(await text(host, 'incus', 'query', path));

/** Custom volumes of n3, as the cluster has them. */
async function volumeRecords(): Promise<{ name: string; keys: object; words: string; content_type: string }[]> {
  const volumes = (await json('n1', '/1.0/storage-pools/local/volumes/custom?recursion=1&all-projects=true')) as {
    location: string;
    name: string;
    config: object;
    description: string;
    content_type: string;
  }[];
  return volumes
    .filter(({ location, name }) => location === 'n3' && !name.includes('/'))
    .map(({ name, config: keys, description: words, content_type }) => ({ name, keys, words, content_type }))
    .toSorted((a, b) => a.name.localeCompare(b.name));
}

async function belongings(): Promise<Belongings> {
  const files = await text(
    'g3',
    'sh',
    '-c',
    'cd / && find root srv/data -type f -exec stat -c "%n %u %g %a" {} + -exec sha256sum {} + | sort',
  );
  const { config, groups, description } = (await json('n1', '/1.0/cluster/members/n3')) as Record<string, unknown>;
  // When a snapshot of a volume was made is not on the disk, nor what Incus notes of its owners.
  const { name, expires_at } = (await json(
    'n3',
    '/1.0/storage-pools/local/volumes/custom/g3-data/snapshots/before?target=n3',
  )) as Record<string, string>;
  const snapshots = [
    await text('n3', 'incus', 'snapshot', 'list', 'g3', '-f', 'csv', '-c', 'n'),
    name,
    expires_at,
  ].join(' ');
  const block = await text('n3', 'sh', '-c', 'sha256sum </dev/zvol/tank/incus/custom/default_raw');
  const instance = (await json('n3', '/1.0/instances/g3')) as {
    config: Record<string, string>;
    devices: object;
    profiles: string[];
  };
  return {
    files: `${files}\n${block}`,
    snapshots,
    volumes: await volumeRecords(),
    member: { config, groups, description },
    instance: JSON.stringify([
      instance.config['boot.autostart'],
      instance.config['user.note'],
      instance.devices,
      instance.profiles,
    ]),
  };
}

async function furnish(): Promise<Belongings> {
  await text(
    'g3',
    'sh',
    '-c',
    'umask 27; seq 1 20000 >/srv/data/numbers; chown 1000:1000 /srv/data/numbers; echo kept >/root/file; sync',
  );
  const script = `exec </dev/null
    incus snapshot create g3 before
    incus query -X POST --wait -d '{"name":"before","expires_at":"2031-01-01T00:00:00Z"}' \
      '/1.0/storage-pools/local/volumes/custom/g3-data/snapshots?target=n3'
    incus storage volume set local g3-data snapshots.schedule=@daily user.note=mine --target n3
    incus storage volume create local raw --type=block size=8MiB --target n3
    incus storage volume create local lone --target n3
    incus project create other -c features.images=false -c features.profiles=false
    incus storage volume create local theirs --project other --target n3
    incus config set g3 user.note=mine
    incus cluster set n3 user.rack=7
    zfs set volmode=default tank/incus/custom/default_raw
    udevadm settle || true
    dd if=/dev/urandom of=/dev/zvol/tank/incus/custom/default_raw bs=1M count=8 conv=fsync`;
  await text('n3', 'sh', '-c', script);
  return belongings();
}

/** The operator's key is the worker's, so that it can restore what was saved. */
async function declareIdentity(): Promise<void> {
  const key = join(lab().record.folder, 'operator.age');
  await rm(key, { force: true });
  const { stderr } = await run(['age-keygen', '-o', key], { env: lab().env });
  const recipient = /age1[0-9a-z]+/.exec(stderr)?.[0] ?? '';
  await declare((text) =>
    stringify({ ...(parse(text) as object), identity: { recipients: [recipient], identityFile: key } }),
  );
}

/** Changes the fleet file, and commits it. */
async function declare(change: (text: string) => string): Promise<void> {
  const file = join(lab().repo, 'runbook.yaml');
  await writeFile(file, change(await readFile(file, 'utf8')));
  revision = (await lab().setSpec('n3', {})).trim();
}

/** A new root disk with the system of the monorepo on it, as an operator reinstalls a host. */
async function loseRootDisk(): Promise<string> {
  const revision = (await lab().setSpec('n3', {})).trim();
  await lab().replaceRootDisk('n3');
  expect(await deploy('n3', revision)).toBe(0);
  await lab().memberIs('n3', 'Offline');
  return revision;
}

let revision = '';
const start = ({ planOnly = false, anew = false } = {}): Promise<Rejoin> =>
  worker().env.client.workflow.start<typeof nodeRejoin>('nodeRejoin', {
    taskQueue: TASK_QUEUE,
    workflowId: planOnly ? 'plan/node-rejoin/n3/test' : 'node-rejoin/n3',
    args: [{ fleet: { revision }, actor: 'tester', planOnly, node: 'n3', anew }],
  });

const approve = async (run: Rejoin, name: string): Promise<void> => {
  await until(
    'it asks',
    async () => {
      const { approval, result } = await run.query<RunView>(VIEW_QUERY);
      if (result !== undefined) throw new Error(JSON.stringify(result));
      return approval === undefined ? { not: 'no question' } : { value: undefined };
    },
    { timeoutMs: 300_000 },
  );
  await run.executeUpdate<Decision, [DecideArgs]>(DECIDE_UPDATE, {
    args: [{ approved: true, actor: 'tester', reason: 'a test', name }],
  });
};

const runningStep = async (run: Rejoin): Promise<string | undefined> => {
  const view = await run.query<RunView>(VIEW_QUERY).catch(() => undefined);
  return view?.steps.find(({ state }) => state === 'running')?.id;
};

/** Disturbs each step once, as soon as it is seen to run, until the run has ended; returns the steps. */
async function disturbing(run: Rejoin, steps: RegExp, disturb: () => Promise<void>): Promise<string[]> {
  const disturbed = new Set<string>();
  while ((await run.describe()).status.name === 'RUNNING') {
    const id = await runningStep(run);
    if (id !== undefined && steps.test(id) && !disturbed.has(id)) {
      disturbed.add(id);
      await disturb();
    } else await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return [...disturbed];
}

describe('a member whose root disk was lost', () => {
  let before: Belongings;
  beforeEach(async () => {
    await lab().reset();
    before = await furnish();
    revision = await loseRootDisk();
  });

  const expectBack = async (run: Rejoin): Promise<void> => {
    const { result } = await viewOf(run);
    expect(result).toMatchObject({ outcome: 'Done' });
    expect(result?.left).toEqual([expect.stringMatching(/^tank\/incus-runbook-\S+ on n3 stays set aside/)]);
    expect(await belongings()).toEqual(before);
  };

  it('joins anew after a yes that names it, with all that it had; and is so when it is started again', async () => {
    const run = await start();
    await approve(run, 'n3');
    await expectBack(run);
    expect((await viewOf(await start())).result).toMatchObject({ outcome: 'AlreadySo' });
  });

  it('joins anew as a machine with another address, which the fleet file declares', async () => {
    const was = lab().address('n3');
    const now = was.replace(/\d+$/, '33');
    const script = `set -e
      set -- $(ip -o -4 address show to ${was})
      ip address del $4 dev $2 # and with it all others of its network
      ip address add ${now}/\${4#*/} dev $2`;
    await text('n3', 'sh', '-c', script);
    await declare((text) => text.replaceAll(was, now));
    const run = await start();
    await approve(run, 'n3');
    await expectBack(run);
    expect(await text('n1', 'incus', 'cluster', 'list', '-f', 'csv')).toContain(`n3,https://${now}:8443,`);
  });

  it('is left alone after a no, or a yes that names another', async () => {
    const run = await start();
    await expect(approve(run, 'n2')).rejects.toThrow();
    await run.executeUpdate<Decision, [DecideArgs]>(DECIDE_UPDATE, {
      args: [{ approved: false, actor: 'tester', reason: 'a test' }],
    });
    expect((await viewOf(run)).result).toMatchObject({ outcome: 'Failed', unchanged: true });
    expect(await text('n1', 'incus', 'cluster', 'list', '-f', 'csv')).toMatch(/^n3,.*OFFLINE/m);
    expect(await text('n3', 'zfs', 'list', '-Ho', 'name', '-d', '1', 'tank')).toBe('tank\ntank/backup\ntank/incus');
  });

  it('joins anew where the worker is killed at each step', async () => {
    const run = await start();
    await approve(run, 'n3');
    const killed = await disturbing(run, /./, async () => {
      await worker().kill();
      await worker().restart();
    });
    expect(killed.length).toBeGreaterThan(8);
    await expectBack(run);
  });

  it.each(['aside-local', 'forget|join', 'back-local', 'recover|remind'])(
    'joins anew where the member loses power in the step %s',
    async (steps) => {
      const run = await start();
      await approve(run, 'n3');
      const lost = await disturbing(run, new RegExp(`^(?:${steps})$`), async () => {
        await lab().power.off('n3');
        await lab().power.on('n3');
      });
      expect(lost.length).toBeGreaterThan(0);
      await expectBack(run);
    },
  );
});

describe('a member whose root disk was lost, and whose identity was saved', () => {
  let before: Belongings;
  beforeEach(async () => {
    await lab().reset();
    await declareIdentity();
    before = await furnish();
    const saved = await worker().env.client.workflow.start<typeof identityBackup>('identityBackup', {
      taskQueue: TASK_QUEUE,
      workflowId: 'identity-backup/n3',
      args: [
        { fleet: { revision: (await lab().setSpec('n3', {})).trim() }, actor: 'tester', planOnly: false, node: 'n3' },
      ],
    });
    expect((await viewOf(saved)).result).toMatchObject({ outcome: 'Done' });
    revision = await loseRootDisk();
  });

  const expectBack = async (run: Rejoin): Promise<void> => {
    const view = await viewOf(run);
    expect(view.result).toMatchObject({ outcome: 'Done' });
    expect(view.decisions).toEqual([]);
    expect(await belongings()).toEqual(before);
    expect(await text('n3', 'zfs', 'list', '-Ho', 'name', '-d', '1', 'tank')).toBe('tank\ntank/backup\ntank/incus');
    expect(await text('n3', 'ls', '/var/lib/runbook')).toBe('rejoin\nset-aside');
    // What is newly made works as well: snapshots, and a start.
    await text(
      'n3',
      'sh',
      '-c',
      'exec </dev/null; incus snapshot create g3 after && incus snapshot restore g3 after && incus snapshot delete g3 after',
    );
  };

  it('goes on as who it was, and nobody is asked', async () => {
    await expectBack(await start());
  });

  it('goes on as who it was where the worker is killed at each step', async () => {
    const run = await start();
    const killed = await disturbing(run, /./, async () => {
      await worker().kill();
      await worker().restart();
    });
    expect(killed.length).toBeGreaterThan(5);
    await expectBack(run);
  });

  it('goes on as who it was where it loses power in the middle', async () => {
    const run = await start();
    const lost = await disturbing(run, /^(?:identity|online)$/, async () => {
      await lab().power.off('n3');
      await lab().power.on('n3');
    });
    expect(lost.length).toBeGreaterThan(0);
    await expectBack(run);
  });

  it('joins anew where it is told to', async () => {
    const run = await start({ anew: true });
    await approve(run, 'n3');
    expect((await viewOf(run)).result).toMatchObject({ outcome: 'Done' });
    expect(await belongings()).toEqual(before);
  });
});

describe('a member that lost nothing', () => {
  it('is waited for, and what ran before runs again', async () => {
    await lab().reset();
    revision = (await lab().setSpec('n3', {})).trim();
    await text('n3', 'incus', 'stop', '--force', 'g3');
    await lab().power.off('n3');
    await lab().memberIs('n3', 'Offline');
    await lab().power.on('n3');
    const { result } = await viewOf(await start());
    expect(result).toMatchObject({ outcome: 'Done' });
    expect(await text('n3', 'incus', 'list', 'g3', '-f', 'csv', '-c', 's')).toBe('RUNNING');
  });
});

describe('a member whose data disk was lost as well', () => {
  const REPLICA = 'tank/replicas/g3-data';
  let files: string;
  let volumes: string;
  const sums = (): Promise<string> =>
    text(
      'g3',
      'sh',
      '-c',
      'cd /srv/data && find . -type f -exec stat -c "%n %u %g %a" {} + -exec sha256sum {} + | sort',
    );
  /** Of custom volumes of n3: names and configuration. */
  const records = async (): Promise<string> =>
    JSON.stringify((await volumeRecords()).map(({ name, keys }) => [name, keys]));
  const snapshotsOf = async (host: string, dataset: string): Promise<string[]> => {
    const list = ['zfs', 'list', '-Hp', '-t', 'snapshot', '-o', 'guid', '-s', 'createtxg', '-d', '1', dataset];
    return (await text(host, ...list)).split('\n').filter((guid) => guid !== '');
  };
  const backUp = async (): Promise<RunView> =>
    viewOf(
      await worker().env.client.workflow.start<typeof nightlyBackup>('nightlyBackup', {
        taskQueue: TASK_QUEUE,
        workflowId: 'nightly-backup/all',
        args: [{ fleet: { revision }, actor: 'tester', planOnly: false }],
      }),
    );

  beforeEach(async () => {
    await lab().reset();
    await declare((file) => {
      const fleet = parse(file) as { guests: { g3: object } };
      Object.assign(fleet.guests.g3, { volumes: [{ pool: 'local', name: 'g3-data' }] });
      const to = [{ type: 'zfs', member: 'n2', dataset: 'tank/replicas', keep: { last: 5 } }];
      const backups = { g3: { guest: 'g3', volumes: ['g3-data'], to } };
      return stringify({ ...fleet, backups, policies: { backup: { minFreeSpace: 1 } } });
    });
    const script = 'umask 27; seq 1 20000 >/srv/data/numbers; chown 1000:1000 /srv/data/numbers; sync';
    await text('g3', 'sh', '-c', script);
    await text(
      'n3',
      'sh',
      '-c',
      'exec </dev/null; incus config set g3 user.note=mine; incus cluster set n3 user.rack=7',
    );
    [files, volumes] = [await sums(), await records()];
    expect((await backUp()).result).toMatchObject({ outcome: 'Done' });
    revision = await loseRootDisk();
    await text('n3', 'sh', '-c', 'zpool import tank && zfs destroy -r tank/incus');
  });

  /** Its guest is made of its image, so what was on that disk is not there: its ssh host key for one. */
  const expectBack = async (run: Rejoin): Promise<void> => {
    const { result } = await viewOf(run);
    expect(result).toMatchObject({ outcome: 'Done', left: ['g3 is of its image: what was on its own disk is lost.'] });
    expect(await text('n1', 'incus', 'cluster', 'list', '-f', 'csv')).toMatch(/^n3,.*ONLINE/m);
    expect([await sums(), await records()]).toEqual([files, volumes]);
    const { config, devices } = (await json('n3', '/1.0/instances/g3')) as { config: object; devices: object };
    expect(config).toMatchObject({ 'user.note': 'mine', 'boot.autostart': 'true' });
    expect(devices).toMatchObject({ data: { pool: 'local', source: 'g3-data', path: '/srv/data' } });
    expect(await json('n1', '/1.0/cluster/members/n3')).toMatchObject({ config: { 'user.rack': '7' } });
  };

  it('joins anew, gets its volume from the replica and its guest of the image, and is replicated on', async () => {
    const refused = (await viewOf(await start())).result;
    expect(refused).toMatchObject({ outcome: 'Failed', unchanged: true });
    expect(refused?.failure?.message).toMatch(/^Pool local: zpool tank has no dataset tank\/incus/);
    await text('n3', 'zfs', 'create', 'tank/incus');
    const run = await start();
    await approve(run, 'n3');
    await expectBack(run);
    const [whole = ''] = await snapshotsOf('n2', REPLICA);
    expect(await snapshotsOf('n3', 'tank/incus/custom/default_g3-data')).toContain(whole);
    const night = await backUp();
    expect(night.result).toMatchObject({ outcome: 'Done' });
    expect(night.copies).toMatchObject([{ outcome: 'copied', snapshots: 1 }]);
    expect((await snapshotsOf('n2', REPLICA))[0]).toBe(whole);
    expect((await viewOf(await start())).result).toMatchObject({ outcome: 'AlreadySo' });
  });

  it('gets all of it where the worker is killed at each step', async () => {
    await text('n3', 'zfs', 'create', 'tank/incus');
    const run = await start();
    await approve(run, 'n3');
    const killed = await disturbing(run, /./, async () => {
      await worker().kill();
      await worker().restart();
    });
    expect(killed.length).toBeGreaterThan(8);
    await expectBack(run);
  });

  it.each(['receive-local-g3-data', 'take-in-local-g3-data', 'remake-g3'])(
    'gets all of it where the member loses power in the step %s',
    async (step) => {
      await text('n3', 'zfs', 'create', 'tank/incus');
      const run = await start();
      await approve(run, 'n3');
      const lost = await disturbing(run, new RegExp(`^${step}$`), async () => {
        await lab().power.off('n3');
        await lab().power.on('n3');
      });
      expect(lost).toEqual([step]);
      await expectBack(run);
    },
  );

  it('says what is lost where there is no replica, and makes no guest without its volume', async () => {
    await text('n2', 'zfs', 'destroy', '-r', REPLICA);
    await text('n3', 'zfs', 'create', 'tank/incus');
    const run = await start();
    await approve(run, 'n3');
    const { result } = await viewOf(run);
    expect(result).toMatchObject({ outcome: 'Done' });
    expect(result?.left).toContain('lost: volume local/g3-data, no copy of it is known');
    // With something in its place it goes on.
    await text('n3', 'sh', '-c', 'exec </dev/null; incus storage volume create local g3-data --target n3');
    expect((await viewOf(await start())).result).toMatchObject({ outcome: 'Done' });
    expect(await text('n3', 'incus', 'list', 'g3', '-f', 'csv', '-c', 's')).toBe('RUNNING');
  });
});
