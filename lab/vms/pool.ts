/** What the golden state of virtual hosts is made with. */

/** Seconds; less would be missed on a machine that has other work. */
export const offlineThreshold = 20;

/** As qemu-img takes it: enough for a send that takes a while, little enough to be filled. */
export const DATA_DISK = '2G';

/** The pool is a dataset, not all of the zpool, so that it can be renamed aside. */
export const storage = { driver: 'zfs', source: 'tank/incus' };

const script = (...lines: string[]): string[] => ['sh', '-c', lines.join('\n')];
export const pool = {
  create: script(
    'set -e',
    'zpool create -o ashift=12 -o cachefile=/etc/zfs/zpool.cache -O compression=lz4 -O atime=off -O mountpoint=none tank /dev/vdb',
    'zfs create tank/incus',
    'zfs create tank/backup',
  ),
  /** Of a host that was newly installed: the disk has the pool of before. */
  clear: script('set -e', 'zpool import -f -N tank', 'zpool destroy tank'),
  fill: script(
    'zfs create -o compression=off -o mountpoint=/tank/filler tank/filler',
    'dd if=/dev/zero of=/tank/filler/zeros bs=1M 2>/dev/null',
    'zpool sync tank',
  ),
  free: script('zfs destroy tank/filler && zpool sync tank'),
};
