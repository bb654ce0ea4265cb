import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cgroupOf, isPopulated, killCgroup } from '../cgroups.ts';
import { startDaemon } from '../daemon.ts';
import { copyDisk, hostFolder } from '../disks.ts';
import { plugTap, setCable } from '../network.ts';
import { HOSTS, type Node } from '../nodes.ts';
import type { RunRecord } from '../run-record.ts';
import { check } from '../shell.ts';
import { consoleArgv, hangUp, waitForConsole } from './console.ts';
import { monitor } from './monitor.ts';
import { DATA_DISK } from './pool.ts';
import { imageArgv, qemuArgv } from './qemu.ts';
import { wake } from './waker.ts';

/** Of software emulation, measured: most commands take three to ten times as long. */
export const patience = 5;
export { offlineThreshold, pool, storage } from './pool.ts';

/** The name of the state that `savevm` keeps in the disks. */
const GOLDEN = 'golden';
const DISKS = ['root', 'data'] as const;
/** Whether the golden state is in the disks: not in those of another installation. */
const goldenMark = (record: RunRecord, host: Node): string => join(hostFolder(record, host.name), 'golden');
const diskFile = (record: RunRecord, host: Node, disk: (typeof DISKS)[number]): string =>
  join(hostFolder(record, host.name), `${disk}.qcow2`);

export const isOn = (record: RunRecord, host: Node): Promise<boolean> => isPopulated(cgroupOf(record, host.name));

async function start(record: RunRecord, host: Node, more: readonly string[] = []): Promise<void> {
  const folder = hostFolder(record, host.name);
  await rm(join(folder, 'monitor'), { force: true });
  await plugTap(record, host.name);
  await startDaemon(record, qemuArgv(record, host, more), { log: join(folder, 'log'), cgroup: host.name });
  await monitor(record, host, []); // waits for it
}

/** Waits until its second sshd answers. */
export async function powerOn(record: RunRecord, host: Node): Promise<void> {
  if (!(await isOn(record, host))) await start(record, host);
  await waitForConsole(record, host);
}

/** SIGKILL for the emulator. */
export async function powerOff(record: RunRecord, host: Node): Promise<void> {
  await killCgroup(cgroupOf(record, host.name));
  await hangUp(record, host);
}

export const enter = (record: RunRecord, host: Node, argv: readonly string[]): Promise<string[]> =>
  Promise.resolve(consoleArgv(record, host, argv));

export async function installHost(record: RunRecord, host: Node, hostKey: string): Promise<void> {
  await mkdir(hostFolder(record, host.name), { recursive: true });
  await rm(goldenMark(record, host), { force: true });
  await createDisk(record, host, 'root');
  if (!existsSync(diskFile(record, host, 'data'))) await createDisk(record, host, 'data');
  await powerOn(record, host);
  const install = `umask 77; cat >"$0"; ssh-keygen -y -f "$0" >"$0.pub"; systemctl restart ssh`;
  const argv = consoleArgv(record, host, ['sh', '-c', install, '/etc/ssh/ssh_host_ed25519_key']);
  await check(argv, { input: await readFile(hostKey, 'utf8') });
}

/** Made aside: a disk that is there is whole. */
async function createDisk(record: RunRecord, host: Node, disk: (typeof DISKS)[number]): Promise<void> {
  const file = diskFile(record, host, disk);
  await rm(file, { force: true });
  const base = ['-b', join(record.vms?.image ?? '', 'base.raw'), '-F', 'raw', `${file}.new`];
  const what = disk === 'root' ? base : [`${file}.new`, DATA_DISK];
  await check(imageArgv(record, ['create', '-q', '-f', 'qcow2', ...what]));
  await rename(`${file}.new`, file);
}

const all = async (work: (host: Node) => Promise<void>): Promise<void> => {
  await Promise.all(HOSTS.map(work));
};

/** Stopped before the first is saved and until the last is: the states belong together, connections included. */
export async function save(record: RunRecord, folder: string): Promise<void> {
  await all((host) => hangUp(record, host));
  await all((host) => monitor(record, host, ['stop']));
  await all((host) => monitor(record, host, [`savevm ${GOLDEN}`]));
  await all((host) => powerOff(record, host));
  await all(async (host) => {
    const to = join(folder, 'hosts', host.name);
    await mkdir(to, { recursive: true });
    for (const disk of DISKS) await copyDisk(diskFile(record, host, disk), to);
  });
}

/** Memory and disks, in running emulators where that is possible: copying and starting take longer. */
export async function rewind(record: RunRecord): Promise<void> {
  await all(async (host) => {
    await hangUp(record, host);
    if ((await isOn(record, host)) && existsSync(goldenMark(record, host))) await monitor(record, host, ['stop']);
    else await startFromGolden(record, host);
  });
  await all((host) => monitor(record, host, [`loadvm ${GOLDEN}`]));
  await all((host) => monitor(record, host, ['cont']));
  await all(async (host) => {
    await Promise.all([setCable(record, host.name, 'up'), wake(record, host), waitForConsole(record, host)]);
  });
}

async function startFromGolden(record: RunRecord, host: Node): Promise<void> {
  await powerOff(record, host);
  if (!existsSync(goldenMark(record, host))) {
    await rm(hostFolder(record, host.name), { recursive: true, force: true });
    await mkdir(hostFolder(record, host.name), { recursive: true });
    for (const disk of DISKS)
      await copyDisk(join(record.golden, 'hosts', host.name, `${disk}.qcow2`), hostFolder(record, host.name));
    await writeFile(goldenMark(record, host), '');
  }
  await start(record, host, ['-S']);
}
