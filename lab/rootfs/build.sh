#!/bin/bash
# build.sh OUT: the pristine Debian trixie root that every lab host uses as the lower layer of its overlay.
# Prints one line per stage. Incus of trixie is installed; the newer one of trixie-backports is unpacked
# beside it at /opt/incus-VERSION, for version jumps that really happen.
set -euo pipefail
out=${1:?the folder to create}
log=$out.log
stage() { echo "$*"; }
fail() { echo "the last lines of its log:" >&2; tail -n 15 "$log" >&2; }
trap fail ERR

# The machine's own Debian mirror and proxy; debootstrap has a default where there is none.
mirror=$(apt-get indextargets --format '$(ORIGIN) $(LABEL) $(REPO_URI)' 'Created-By: Packages' |
  awk '$1 == "Debian" && $2 == "Debian" { print $3; exit }')

stage 'debootstrap of Debian trixie'
debootstrap --variant=minbase trixie "$out" $mirror >"$log" 2>&1
in_root() { chroot "$out" env DEBIAN_FRONTEND=noninteractive "$@" >>"$log" 2>&1; }
apt-config dump Acquire::http::Proxy Acquire::https::Proxy >"$out/etc/apt/apt.conf.d/99machine-proxy"
printf '#!/bin/sh\nexit 101\n' >"$out/usr/sbin/policy-rc.d" # packages start nothing in the chroot
chmod +x "$out/usr/sbin/policy-rc.d"
echo force-unsafe-io >"$out/etc/dpkg/dpkg.cfg.d/unsafe"
mount -t proc proc "$out/proc"
trap 'umount "$out/proc"' EXIT

stage 'packages: systemd, ssh, Incus, podman, docker, nix'
in_root apt-get install -y --no-install-recommends \
  systemd systemd-sysv dbus libpam-systemd openssh-server openssh-client procps iproute2 iputils-ping kmod less \
  incus-base incus-client dnsmasq-base lxcfs squashfs-tools xz-utils rsync iptables nftables \
  podman crun netavark docker-registry nix-bin git ca-certificates curl busybox-static \
  docker.io docker-cli docker-compose restic restic-rest-server age
rm "$out/usr/sbin/policy-rc.d"

stage 'the newer Incus of trixie-backports, unpacked beside'
: "${mirror:=$(awk '$1 == "deb" { print $2; exit }' "$out/etc/apt/sources.list")}"
tmp=$out/tmp/newer
mkdir -p "$tmp/lists/partial" "$tmp/debs"
chmod -R 777 "$tmp"
echo "deb $mirror trixie-backports main" >"$tmp/sources.list"
apt_newer="-qq -o Dir::Etc::sourcelist=/tmp/newer/sources.list -o Dir::Etc::sourceparts=/dev/null -o Dir::State::lists=/tmp/newer/lists"
in_root apt-get $apt_newer update
in_root env -C /tmp/newer/debs apt-get $apt_newer download incus-base incus-client
version=$(basename "$tmp"/debs/incus-base_*.deb | sed -E 's/^incus-base_([0-9.]+)-.*/\1/')
for deb in "$tmp"/debs/*.deb; do in_root dpkg -x "/tmp/newer/debs/${deb##*/}" "/opt/incus-$version"; done
rm -rf "$tmp" "$out/etc/apt/apt.conf.d/99machine-proxy"
in_root apt-get clean

# What makes one host different from another is made with the host.
rm -f "$out"/etc/ssh/ssh_host_* "$out/etc/machine-id" "$out/etc/hostname" "$out/etc/resolv.conf"
