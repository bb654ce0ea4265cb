import { existsSync } from 'node:fs';
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cgroupOf, killCgroup } from '../cgroups.ts';
import { startDaemon } from '../daemon.ts';
import { copyDisk, hostFolder } from '../disks.ts';
import { switchOf } from '../network.ts';
import { GUESTS, HOSTS, hostNamed, type Node } from '../nodes.ts';
import { shipped } from '../paths.ts';
import type { RunRecord } from '../run-record.ts';
import { check, until } from '../shell.ts';

export const patience = 1;
/** The least that Incus takes: a member that starts waits for a heartbeat. */
export const offlineThreshold = 11;
export const storage = { driver: 'dir', source: '/data/incus' };
/** Allocated where that can be done without writing. */
const FILL = `fallocate -l "$(df -B1 --output=avail /data | tail -n 1)" /data/filler
dd if=/dev/zero of=/data/filler-rest bs=64K 2>/dev/null
sync -f /data`;
export const pool = {
  create: ['mkdir', '-p', storage.source],
  clear: ['rm', '-rf', storage.source],
  fill: ['sh', '-c', FILL],
  free: ['rm', '-f', '/data/filler', '/data/filler-rest'],
};

const readNumber = async (file: string): Promise<number | null> => {
  const text = await readFile(file, 'utf8').catch(() => '');
  return /^\d+\n?$/.test(text) ? Number(text) : null;
};

const isAlive = (pid: number | null): boolean => {
  if (pid === null) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

/** The machine's process id of a host's pid 1, or `null` where its power is off. */
async function initOf(record: RunRecord, host: Node): Promise<number | null> {
  const pid = await readNumber(join(hostFolder(record, host.name), 'pid'));
  return isAlive(pid) ? pid : null;
}

export const isOn = async (record: RunRecord, host: Node): Promise<boolean> =>
  isAlive(await readNumber(join(hostFolder(record, host.name), 'supervisor')));

const freshMark = (record: RunRecord, host: Node): string => join(hostFolder(record, host.name), 'fresh');

/** What lies below a host's own disk, the topmost first. A golden disk is only read, so starting from it copies nothing. */
function layersOf(record: RunRecord, host: Node): string[] {
  const bare = record.golden === '' || existsSync(freshMark(record, host));
  return [...(bare ? [] : [join(record.golden, 'hosts', host.name, 'root')]), record.seed, record.rootfs];
}

/** Waits for its pid 1 (milliseconds). */
export async function powerOn(record: RunRecord, host: Node): Promise<void> {
  const folder = hostFolder(record, host.name);
  if (await isOn(record, host)) return;
  await mkdir(folder, { recursive: true });
  const env = {
    LAB_RUN: String(record.number),
    LAB_HOST: host.name,
    LAB_INDEX: String(host.index),
    LAB_FOLDER: folder,
    LAB_LOWER: layersOf(record, host).join(':'),
    LAB_CGROUP: cgroupOf(record, host.name),
    LAB_SWITCH: switchOf(record),
  };
  const log = join(folder, 'console');
  await startDaemon(record, [shipped('namespaces', 'host', 'supervise.sh')], { log, env });
  await until(
    `${host.name} on`,
    async () => ((await initOf(record, host)) === null ? { not: `no pid 1; see ${log}` } : { value: undefined }),
    { everyMs: 20, timeoutMs: 20_000 },
  );
}

/** SIGKILL for pid 1, and with it for all that runs there. */
export async function powerOff(record: RunRecord, host: Node): Promise<void> {
  await until(
    `${host.name} off`,
    async () => {
      const init = await initOf(record, host);
      if (init !== null) process.kill(init, 'SIGKILL');
      return (await isOn(record, host)) ? { not: 'its supervisor still runs' } : { value: undefined };
    },
    { everyMs: 20, timeoutMs: 20_000 },
  );
}

export async function enter(record: RunRecord, host: Node, argv: readonly string[]): Promise<string[]> {
  const init = await initOf(record, host);
  if (init === null) throw new Error(`${host.name} has no pid 1 yet`);
  return ['nsenter', '-t', String(init), '-a', ...argv];
}

export async function rewind(record: RunRecord): Promise<void> {
  await Promise.all(
    HOSTS.map(async (host) => {
      await killCgroup(cgroupOf(record, host.name));
      await rm(hostFolder(record, host.name), { recursive: true, force: true });
      await mkdir(hostFolder(record, host.name), { recursive: true });
      await copyDisk(join(record.golden, 'hosts', host.name, 'data.img'), hostFolder(record, host.name));
      await powerOn(record, host);
    }),
  );
}

/** Guests are shut down first: what a pulled plug leaves would have to be mended at every start. */
export async function save(record: RunRecord, folder: string): Promise<void> {
  for (const guest of GUESTS)
    await check(await enter(record, hostNamed(guest.host), ['incus', 'stop', '-q', guest.name]));
  for (const host of HOSTS) {
    await powerOff(record, host);
    const to = join(folder, 'hosts', host.name);
    await mkdir(to, { recursive: true });
    for (const disk of ['root', 'data.img']) await copyDisk(join(hostFolder(record, host.name), disk), to);
  }
}

export async function installHost(record: RunRecord, host: Node, hostKey: string): Promise<void> {
  const folder = hostFolder(record, host.name);
  for (const part of ['root', 'work']) await rm(join(folder, part), { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  await writeFile(freshMark(record, host), '');
  await installHostKey(record, host, hostKey);
  await powerOn(record, host);
}

/** Onto the root disk of a host that is off. */
async function installHostKey(record: RunRecord, host: Node, hostKey: string): Promise<void> {
  const ssh = join(hostFolder(record, host.name), 'root', 'etc', 'ssh');
  await mkdir(ssh, { recursive: true });
  for (const suffix of ['', '.pub']) await cp(`${hostKey}${suffix}`, join(ssh, `ssh_host_ed25519_key${suffix}`));
}
