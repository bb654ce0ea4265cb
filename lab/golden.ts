import { cp, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { provide } from './cache.ts';
import { formCluster, waitForGuests } from './cluster.ts';
import { binOf, writeControl } from './control.ts';
import { endRun } from './gc.ts';
import { createGuests } from './guests.ts';
import { copyDisk } from './disks.ts';
import { checkOn, keysOf, replaceRootDisk } from './hosts.ts';
import { machinesOf, type Kind } from './machines.ts';
import { createSwitch } from './network.ts';
import { HOSTS, NODES } from './nodes.ts';
import { provideParts, type Parts } from './parts.ts';
import { cacheFolder, shipped } from './paths.ts';
import { publishWeb, startRegistry } from './registry.ts';
import { identityOf, repositoryOf, writeRepository, type Facts } from './repository.ts';
import { claimRun, type RunRecord } from './run-record.ts';
import { check } from './shell.ts';
import { sshArgv, writeKnownHosts } from './ssh.ts';

type Progress = (line: string) => void;

/** Everything that decides what the golden state holds; a change in one of them makes a new one. */
const INPUTS = ['control', 'guest', 'flake', 'web', 'golden.ts', 'guests.ts', 'cluster.ts', 'registry.ts', 'spec.ts'];
/** Of each kind, its own. */
const KIND_INPUTS: Record<Kind, string[]> = {
  namespaces: ['namespaces/host', 'namespaces/machines.ts'],
  vms: ['vms/pool.ts', 'vms/qemu.ts', 'network.ts'], // their memory knows hardware addresses
};

/** Kept for clusters that are formed anew: no host reaches an image server. */
export const GUEST_IMAGE = 'guest.tar.gz';

/** What a host's folder has in it. */
const DISKS: Record<Kind, string[]> = { namespaces: ['root', 'data.img'], vms: ['root.qcow2', 'data.qcow2'] };

/** The folder of the saved state: three hosts in a cluster, with guests, deployed once; virtual hosts with their memory. */
export async function provideGolden(kind: Kind, progress: Progress): Promise<Parts & { golden: string }> {
  const parts = await provideParts(kind, progress);
  const golden = await provide(
    cacheFolder(),
    {
      name: kind === 'namespaces' ? 'golden' : `golden-${kind}`,
      inputs: {
        keys: [parts.rootfs, parts.seed, parts.deployRs, ...Object.values(parts.vms ?? {})],
        files: [...INPUTS, ...KIND_INPUTS[kind]].map((name) => shipped(name)),
      },
      proof: [
        'facts.json',
        'web.tar',
        GUEST_IMAGE,
        'control/nix/store',
        'registry/data',
        ...HOSTS.flatMap(({ name }) => DISKS[kind].map((disk) => `hosts/${name}/${disk}`)),
      ],
      build: (folder) => buildGolden(folder, parts, progress),
    },
    progress,
  );
  return { ...parts, golden };
}

export const readFacts = async (golden: string): Promise<Facts> =>
  JSON.parse(await readFile(join(golden, 'facts.json'), 'utf8')) as Facts;

async function buildGolden(folder: string, parts: Parts, progress: Progress): Promise<void> {
  const record = await claimRun({ ...parts, seed: join(parts.seed, 'layer'), golden: '' });
  const step = (line: string): void => {
    progress(`golden: ${line}`);
  };
  try {
    const facts = await makeFacts(record);
    await cp(join(parts.seed, 'id'), identityOf(record));
    step('three hosts');
    await createSwitch(record);
    await Promise.all([...HOSTS.map((host) => replaceRootDisk(record, host.name)), startRegistry(record)]);
    const web = join(folder, 'web.tar');
    await check([shipped('web', 'base.sh'), record.rootfs, web]);
    await publishWeb(record, web, { version: '1', healthy: true });
    step('a cluster of them');
    await formCluster(record);
    step('guests g1 g2 g3');
    const image = join(folder, GUEST_IMAGE);
    await check([shipped('guest', 'image.sh'), record.rootfs, record.seed, image]);
    await createGuests(record, image, keysOf(record));
    await waitForGuests(record);
    step('the first deploy of each');
    await writeControl(record);
    await writeRepository(record, facts);
    await writeKnownHosts(record, facts);
    await deployAll(record);
    step('saving');
    for (const node of NODES) await checkOn(record, node.name, ['journalctl', '--rotate', '--vacuum-size=1']);
    await machinesOf(record).save(record, folder);
    await saveRest(record, folder);
    await writeFile(join(folder, 'facts.json'), JSON.stringify(facts, null, 2));
  } finally {
    if (process.env['RUNBOOK_LAB_KEEP'] === undefined) await endRun(record);
  }
}

/** Makes the ssh host keys of all nodes, in the run's folder `keys`. */
async function makeFacts(record: RunRecord): Promise<Facts> {
  const keys = keysOf(record);
  await mkdir(keys);
  const hostKeys: Facts['hostKeys'] = {};
  for (const { name } of NODES) {
    const key = join(keys, name);
    await check(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-C', '', '-f', key]);
    hostKeys[name] = (await readFile(`${key}.pub`, 'utf8')).trim();
  }
  const version = await check(['chroot', record.rootfs, 'dpkg-query', '-W', '-f', '${Version}', 'incus-base']);
  const beside = (await readdir(join(record.rootfs, 'opt'))).find((name) => name.startsWith('incus-'));
  return { hostKeys, incus: version.split('-')[0] ?? '', newerIncus: beside?.slice('incus-'.length) ?? '' };
}

async function deployAll(record: RunRecord): Promise<void> {
  const [, ...options] = sshArgv(record, 'n1', []).slice(0, -1);
  const timeouts = ['--confirm-timeout', '120', '--activation-timeout', '600'];
  const argv = [join(binOf(record), 'deploy'), '--skip-checks', '--ssh-opts', options.join(' '), ...timeouts, '.'];
  await check(argv, { cwd: repositoryOf(record) });
  for (const node of NODES) await checkOn(record, node.name, ['test', '-e', '/run/current-system/nixos-version']);
}

async function saveRest(record: RunRecord, folder: string): Promise<void> {
  for (const part of ['control', 'registry']) await mkdir(join(folder, part));
  await copyDisk(join(record.folder, 'control', 'nix'), join(folder, 'control'));
  await copyDisk(join(record.folder, 'registry', 'data'), join(folder, 'registry'));
  await copyDisk(keysOf(record), folder);
}
