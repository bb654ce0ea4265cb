#!/bin/bash
# image.sh ROOTFS SEED OUT: an Incus image of a guest, which is small because its /usr is the host's, mounted read-only.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
rootfs=$1 seed=$2 out=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$work/rootfs
mkdir -p "$root"/{dev,etc,nix,proc,run,srv/data,sys,tmp,usr,var/lib/systemd,var/log/journal,var/tmp,etc/lab}
chmod 1777 "$root/tmp" "$root/var/tmp"
for link in bin sbin lib lib64; do [ ! -e "$rootfs/usr/$link" ] || ln -s "usr/$link" "$root/$link"; done
cp -a "$rootfs/etc/." "$root/etc"
rm -rf "$root"/etc/systemd/system "$root"/etc/apt "$root"/etc/docker "$root"/etc/init.d "$root"/etc/rc?.d
cp -a "$seed/etc/." "$root/etc"
rm -f "$root"/etc/subuid "$root"/etc/subgid "$root"/etc/systemd/system/lxcfs.service.d/lab.conf
cp -a "$seed/root" "$root/root"
cp -r --no-preserve=mode,ownership "$here/etc/." "$root/etc"
units=$root/etc/systemd/system
for unit in incus.service incus.socket incus-startup.service lxcfs.service; do ln -s /dev/null "$units/$unit"; done
for unit in lab-network web /usr/lib/systemd/system/ssh; do
  ln -s "$([ "${unit#/}" != "$unit" ] || echo ../)$unit.service" "$units/multi-user.target.wants/"
done
cat >"$work/metadata.yaml" <<YAML
architecture: $(uname -m)
creation_date: 1700000000
properties: {description: lab guest, os: debian, release: trixie}
YAML
tar -C "$work" --numeric-owner -czf "$out" metadata.yaml rootfs
