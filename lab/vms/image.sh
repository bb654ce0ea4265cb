# Runs in a layer over Debian's root: makes it the root of virtual hosts. In in/: zfs (its modules and kernel), scripts (of the
# lab), id.pub. Writes out/base.raw, out/initrd.gz, out/vmlinuz.
apt-get update -qq
apt-get install -y -qq --no-install-recommends udev zfsutils-linux e2fsprogs
apt-get clean
rm -rf /var/lib/apt/lists/*
in=/lab/in
kernel=$(ls $in/zfs/modules)
mkdir -p /usr/lib/modules
cp -a "$in/zfs/modules/$kernel" /usr/lib/modules/
$in/scripts/rootfs/seed.sh / $in/id.pub $in/scripts/vms/masked-units
cp -r --no-preserve=mode,ownership $in/scripts/vms/seed/. /
chmod 755 /usr/local/lib/lab/network
mkdir -p /etc/systemd/system-generators
ln -s /dev/null /etc/systemd/system-generators/systemd-ssh-generator # for virtual sockets, which there are none of
ssh-keygen -q -t ed25519 -N '' -C '' -f /etc/lab/console_key
wants=/etc/systemd/system
mkdir -p $wants/sysinit.target.wants
ln -s ../lab-network.service ../lab-waker.service $wants/multi-user.target.wants/
ln -s ../lab-console.service $wants/sysinit.target.wants/

initrd=/tmp/initrd
mkdir -p $initrd/{bin,dev,proc,root}
cp /bin/busybox $initrd/bin/
ln -s busybox $initrd/bin/sh
install -m 755 $in/scripts/vms/init $initrd/init
for module in virtio_blk failover net_failover virtio_net; do
  file=$(find "/usr/lib/modules/$kernel" -name "$module.ko*")
  case $file in *.xz) xz -dc "$file" >$initrd/$module.ko ;; *.ko) cp "$file" $initrd/ ;; esac
done
(cd $initrd && find . | busybox cpio -o -H newc) | gzip -1 >/lab/out/initrd.gz
cp $in/zfs/vmlinuz /lab/out/vmlinuz

rm -f /etc/machine-id /etc/hostid /usr/sbin/policy-rc.d /etc/resolv.conf /etc/apt/apt.conf.d/99machine-proxy
mkdir /tmp/root
mount --bind / /tmp/root # without what is mounted below
truncate -s 8G /lab/out/base.raw
mke2fs -q -F -t ext4 -O ^metadata_csum -E lazy_itable_init=1,lazy_journal_init=1 -m 0 -d /tmp/root /lab/out/base.raw
umount /tmp/root
