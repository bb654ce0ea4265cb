import { existsSync } from 'node:fs';
import { readFile, statfs } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import type { Kind } from './machines.ts';
import { RUNS } from './paths.ts';
import { check } from './shell.ts';

/** Programs that the lab itself runs, with the Debian package that brings each. */
const PROGRAMS: Record<string, string> = {
  debootstrap: 'debootstrap',
  ip: 'iproute2',
  nsenter: 'util-linux',
  flock: 'util-linux',
  git: 'git',
  ssh: 'openssh-client',
  'ssh-keygen': 'openssh-client',
  tar: 'tar',
  losetup: 'mount',
  'mkfs.ext4': 'e2fsprogs',
  sqlite3: 'sqlite3', // the tests look into Incus's databases
};

/** Magic numbers of statfs(2): overlay, NFS, 9p. */
const NO_UPPER = new Set([0x794c7630, 0x6969, 0x01021997]);

export const onPath = (program: string): boolean =>
  (process.env['PATH'] ?? '').split(delimiter).some((folder) => existsSync(join(folder, program)));

/** Why this machine cannot run a lab of this kind, in one line, or `null`. Changes nothing. */
export async function whyNot(kind: Kind = 'namespaces'): Promise<string | null> {
  const release = await readFile('/etc/os-release', 'utf8').catch(() => '');
  if (process.platform !== 'linux' || !/^ID(_LIKE)?=.*debian/m.test(release)) return 'needs root on Debian';
  if (process.getuid?.() !== 0) return 'needs root on Debian';
  const mounts = await readFile('/proc/mounts', 'utf8');
  if (!/ cgroup2 /.test(mounts)) return 'needs a mounted cgroup2 file system';
  const { type } = await statfs(dirname(RUNS));
  if (NO_UPPER.has(type)) return `needs ${dirname(RUNS)} on a file system that can be the upper layer of an overlay`;
  if (kind === 'namespaces' && !existsSync('/dev/loop-control')) return 'needs loop devices';
  if (kind === 'vms' && process.arch !== 'x64') return 'virtual hosts need x86-64';
  if (kind === 'vms' && !existsSync('/dev/net/tun')) return 'virtual hosts need /dev/net/tun';
  return null;
}

/** Installs the Debian packages that are missing. Idempotent. Throws where apt fails. */
export async function installMissing(progress: (line: string) => void): Promise<void> {
  const packages = [
    ...new Set(
      Object.entries(PROGRAMS)
        .filter(([program]) => !onPath(program))
        .map(([, name]) => name),
    ),
  ];
  if (packages.length === 0) return;
  progress(`apt-get install ${packages.join(' ')}`);
  const env = { DEBIAN_FRONTEND: 'noninteractive' };
  await check(['apt-get', 'update', '-qq'], { env });
  await check(['apt-get', 'install', '-y', '-qq', '--no-install-recommends', ...packages], { env });
}
