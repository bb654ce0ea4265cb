#!/bin/bash
# base.sh ROOTFS OUT: the lower layer of the image web: busybox and its names.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work"/{bin,etc,tmp,srv/www/cgi-bin}
cp "$1/bin/busybox" "$work/bin/busybox"
for name in cat echo env ls printf ps sh sleep wget; do ln -s busybox "$work/bin/$name"; done
echo 'root:x:0:0:root:/:/bin/sh' >"$work/etc/passwd"
install -m 755 "$here/health" "$work/srv/www/cgi-bin/health"
tar -C "$work" --numeric-owner --owner=0 --group=0 --sort=name --mtime=@0 -cf "$2" .
