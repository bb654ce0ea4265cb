#!/bin/bash
# seed.sh OUT PUBLIC-KEY-FILE MASKED-UNITS-FILE: the lab's own files, over Debian's root.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
out=$1
mkdir -p "$out"
cp -r --no-preserve=mode,ownership "$here/../seed/." "$out"
units=$out/etc/systemd/system
while read -r unit; do ln -sf /dev/null "$units/$unit"; done <"$3"
ln -sf /usr/lib/systemd/system/multi-user.target "$units/default.target"
mkdir -p "$units/multi-user.target.wants"
ln -s ../lab-boot.service "$units/multi-user.target.wants/"
mkdir -p "$out"/{root/.ssh,var/log/journal,.old}
chmod 700 "$out"/root "$out"/root/.ssh
install -m 600 "$2" "$out/root/.ssh/authorized_keys"
