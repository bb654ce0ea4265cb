import { join } from 'node:path';
import { provideLayer } from '../../lab/vms/parts.ts';
import { provideParts } from '../../lab/parts.ts';
import type { Lab } from '../../lab/api.ts';
import { ROOT } from '../../lab/paths.ts';
import { check } from '../../lab/shell.ts';
import { sshArgv } from '../../lab/ssh.ts';

/** Of PyPI; sanoid is Debian's. */
const WHEELS = ['bzfs==1.25.0', 'zfs-autobackup==3.3', 'colorama==0.4.6'];

/** Puts syncoid, zfs-autobackup and bzfs with all that they use on these hosts. The first time they are fetched; needs `pip`. */
export async function installPeers(
  lab: Lab,
  hosts: readonly string[],
  progress: (line: string) => void,
): Promise<void> {
  const { rootfs } = await provideParts('vms', progress);
  const script = join(ROOT, 'bench', 'backup', 'peers.sh');
  const folder = await provideLayer(
    rootfs,
    {
      name: 'peers',
      what: 'packages: sanoid, zfs-autobackup, bzfs',
      keys: [rootfs, ...WHEELS],
      script,
      proof: ['layer/usr/sbin/syncoid', 'layer/opt/peers/bin/bzfs', 'layer/opt/peers/bin/zfs-autobackup'],
      put: (to) => check(['pip', 'download', '-q', '--no-deps', '-d', to, ...WHEELS]),
    },
    progress,
  );
  for (const host of hosts) {
    const unpack = sshArgv(lab.record, host, ['tar', '-x', '-C', '/']);
    const pack = 'tar -C "$1" -c usr opt | "${@:2}"';
    await check(['bash', '-o', 'pipefail', '-c', pack, 'bash', join(folder, 'layer'), ...unpack]);
  }
}
