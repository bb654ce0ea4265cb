#!/bin/bash
# enter.sh ROOTFS STATE PATH PROGRAM ARG...: runs a program of the Debian root ROOTFS in the caller's directory, with the
# machine's own folders (home, /tmp, /var, …) where they are, and STATE/nix as /nix. Its process id stays the caller's.
set -euo pipefail
if [ "$1" != --in-namespace ]; then exec unshare -m --propagation private "$0" --in-namespace "$@"; fi
rootfs=$2 state=$3 path=$4
shift 4
mkdir -p "$state"/{nix,cache,mount}
# The writable layer is this call's own: two overlays must not share one.
mount -t tmpfs tmpfs "$state/mount"
root=$state/mount/root
mkdir "$root" "$state"/mount/{upper,work}
mount -t overlay lab -o "lowerdir=$rootfs,upperdir=$state/mount/upper,workdir=$state/mount/work" "$root"
for folder in /*; do
  case $folder in /bin | /sbin | /lib* | /usr | /etc | /nix | /boot | /lost+found) continue ;; esac
  if [ -L "$folder" ] || [ ! -d "$folder" ]; then continue; fi
  mkdir -p "$root$folder"
  mount --rbind "$folder" "$root$folder"
done
for file in passwd group hosts resolv.conf; do
  [ -e "/etc/$file" ] || continue
  touch "$root/etc/$file"
  mount --bind "/etc/$file" "$root/etc/$file"
done
mkdir -p "$root/nix"
mount --bind "$state/nix" "$root/nix"
export PATH=$path:/usr/sbin:/usr/bin:/sbin:/bin XDG_CACHE_HOME=$state/cache
export NIX_CONFIG='experimental-features = nix-command flakes
sandbox = false
build-users-group =
substituters =
flake-registry =
require-sigs = false
warn-dirty = false
gc-reserved-space = 0'
exec chroot "$root" env -C "$PWD" "$@"
