import { join } from 'node:path';
import { hostFolder } from '../disks.ts';
import { switchOf } from '../network.ts';
import type { Node } from '../nodes.ts';
import { shipped } from '../paths.ts';
import type { RunRecord } from '../run-record.ts';
import { consolePort } from './console.ts';
import { wakerSocket } from './waker.ts';

/** Megabytes; systemd, Incus, a guest and ZFS's cache of 128. */
const MEMORY = '1024';

/** What makes a boot short under emulation, and what the initrd hands on to the host: its number and the run's. */
const kernelLine = (record: RunRecord, host: Node): string =>
  [
    'console=ttyS0 root=/dev/vda rw quiet loglevel=4 nokaslr no5lvl rcupdate.rcu_expedited=1 mitigations=off',
    'apparmor=0 selinux=0 lsm= audit=0 net.ifnames=0 systemd.show_status=0 random.trust_cpu=on tsc=reliable no_timer_check',
    `lab.index=${host.index} lab.run=${record.number}`,
  ].join(' ');

const inQemuRoot = (record: RunRecord, state: string, ...argv: readonly string[]): string[] => {
  const layers = `${record.vms?.qemu ?? ''}:${record.rootfs}`;
  return [shipped('control', 'enter.sh'), layers, state, '/usr/bin', ...argv];
};

/** qemu-img, from QEMU's own root. */
export const imageArgv = (record: RunRecord, argv: readonly string[]): string[] =>
  inQemuRoot(record, join(record.folder, 'qemu'), 'qemu-img', ...argv);

/** A saved state can only be loaded with the same devices in the same order. */
export function qemuArgv(record: RunRecord, host: Node, more: readonly string[]): string[] {
  const folder = hostFolder(record, host.name);
  const image = record.vms?.image ?? '';
  const mac = (card: number): string => `52:54:00:00:0${card}:0${host.index}`;
  const disk = (name: string): string[] => [
    ...['-drive', `if=none,id=${name},file=${folder}/${name}.qcow2,format=qcow2,cache=unsafe,discard=unmap`],
    ...['-device', `virtio-blk-pci,drive=${name},serial=${name}${host.index}`],
  ];
  const card = (number: number, id: string, backend: string): string[] => [
    ...['-netdev', `${backend},id=${id}`],
    ...['-device', `virtio-net-pci,netdev=${id},mac=${mac(number)},romfile=`],
  ];
  const ssh = `hostfwd=tcp:127.0.0.1:${consolePort(host)}-:2222`;
  const argv = [
    ...['qemu-system-x86_64', '-name', host.name, '-nodefaults', '-no-user-config', '-display', 'none'],
    ...['-machine', 'q35,usb=off,vmport=off,smbus=off', '-cpu', 'Westmere', '-smp', '1', '-m', MEMORY],
    ...['-accel', 'tcg,thread=multi,tb-size=256'],
    ...['-kernel', join(image, 'vmlinuz'), '-initrd', join(image, 'initrd.gz'), '-append', kernelLine(record, host)],
    ...['-chardev', `file,id=serial,path=${folder}/console,append=on`, '-serial', 'chardev:serial'],
    ...['-chardev', `socket,id=waker,path=${wakerSocket(record, host)},server=on,wait=off`, '-serial', 'chardev:waker'],
    ...['-qmp', `unix:${folder}/monitor,server=on,wait=off`],
    ...disk('root'),
    ...disk('data'),
    ...card(1, 'console', `user,restrict=on,${ssh}`),
    ...card(2, 'lab', `tap,ifname=${host.name},script=no,downscript=no,vhost=off`),
    ...['-object', 'rng-random,id=random,filename=/dev/urandom', '-device', 'virtio-rng-pci,rng=random'],
    ...more,
  ];
  return ['ip', 'netns', 'exec', switchOf(record), ...inQemuRoot(record, join(folder, 'qemu'), ...argv)];
}
