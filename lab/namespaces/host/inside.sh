#!/bin/bash
# inside.sh: the first process in a lab host's namespaces. Builds its root from overlay layers and becomes systemd.
set -euo pipefail
m=$LAB_FOLDER/mount
read -r pid _ </proc/self/stat # /proc is still the machine's: our pid as it sees it

mount -t overlay lab -o "lowerdir=$LAB_LOWER,upperdir=$LAB_FOLDER/root,workdir=$LAB_FOLDER/work,index=off,metacopy=off" "$m"
mount -t proc -o nosuid,nodev,noexec proc "$m/proc"
mount -t sysfs -o nosuid,nodev,noexec sysfs "$m/sys"
mount -t cgroup2 -o nosuid,nodev,noexec cgroup2 "$m/sys/fs/cgroup"
mount -t tmpfs -o mode=755,nosuid tmpfs "$m/dev"
for node in null zero full random urandom tty fuse; do [ ! -e /dev/$node ] || cp -a "/dev/$node" "$m/dev/"; done
mkdir "$m"/dev/{pts,shm,net}
[ ! -e /dev/net/tun ] || cp -a /dev/net/tun "$m/dev/net/"
mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts "$m/dev/pts"
ln -s pts/ptmx "$m/dev/ptmx"
ln -s /proc/self/fd "$m/dev/fd"
ln -s /proc/self/fd/0 "$m/dev/stdin"
ln -s /proc/self/fd/1 "$m/dev/stdout"
ln -s /proc/self/fd/2 "$m/dev/stderr"
mount -t tmpfs -o nosuid,nodev tmpfs "$m/dev/shm"
mount -t tmpfs -o mode=755,nosuid,nodev tmpfs "$m/run"
mount -t tmpfs -o mode=1777,nosuid,nodev tmpfs "$m/tmp"
mkdir -p "$m/data"
mount -o loop,noatime "$LAB_FOLDER/data.img" "$m/data" # the data disk: it survives a new root disk, and can be full

# A second, unmasked proc keeps mounts of proc allowed in unprivileged containers.
mkdir -p "$m/run/host/proc"
chmod 700 "$m/run/host"
mount -t proc -o nosuid,nodev,noexec proc "$m/run/host/proc"
# The boot id is the kernel's own, so every power-on gets one of its own bound over it.
cat /proc/sys/kernel/random/uuid >"$m/run/boot_id"
chmod 444 "$m/run/boot_id"
mount --bind "$m/run/boot_id" "$m/proc/sys/kernel/random/boot_id"

hostname "$LAB_HOST"
echo "$LAB_HOST" >"$m/etc/hostname"
printf '%032x\n' $((0xabc000 + LAB_INDEX)) >"$m/etc/machine-id"
mkdir -p "$m/etc/lab"
echo "$LAB_RUN" >"$m/etc/lab/run" # guests read it for their address

cd "$m"
mkdir -p .old
pivot_root . .old
echo "$pid" >"/.old$LAB_FOLDER/pid.new"
mv "/.old$LAB_FOLDER/pid.new" "/.old$LAB_FOLDER/pid"
umount -l /.old
rmdir /.old
exec env -i container=other PATH=/usr/sbin:/usr/bin:/sbin:/bin \
  env -C / /lib/systemd/systemd --log-target=console --show-status=0 </dev/null
