#!/bin/bash
# layer.sh ROOT UPPER SCRIPT: runs SCRIPT with bash in the Debian root ROOT, with what it changes going to the folder UPPER
# and the machine's apt settings. ROOT itself stays as it is; its layers may be several, apart by colons. SCRIPT finds UPPER's
# neighbours `in` (what a caller has put there) and `out` (what it makes) at /lab. Its output goes to UPPER.log.
set -euo pipefail
# All of it ends with the caller, also where that is killed.
if [ "$1" != --in-namespace ]; then
  exec setpriv --pdeathsig KILL unshare -m -p --fork --kill-child --propagation private "$0" --in-namespace "$@"
fi
root=$2 upper=$3 script=$(readlink -f "$4")
log=$upper.log
trap 'echo "the last lines of $log:" >&2; tail -n 15 "$log" >&2' ERR
work=$upper.work
mkdir -p "$upper" "$work"/{work,root} "$(dirname "$upper")/out"
mount -t overlay lab -o "lowerdir=$root,upperdir=$upper,workdir=$work/work" "$work/root"
cd "$work/root"
mkdir -p lab
mount --bind "$(dirname "$upper")" lab
mount -t proc proc proc
mount -t tmpfs tmpfs tmp
mount --bind /dev dev
printf '#!/bin/sh\nexit 101\n' >usr/sbin/policy-rc.d # packages start nothing in here
chmod +x usr/sbin/policy-rc.d
apt-config dump Acquire::http::Proxy Acquire::https::Proxy >etc/apt/apt.conf.d/99machine-proxy
sed -i '/^deb .* main$/s/$/ contrib/' etc/apt/sources.list # OpenZFS
cat /etc/resolv.conf >etc/resolv.conf
cp "$script" tmp/script
chroot . env DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 PATH=/usr/sbin:/usr/bin:/sbin:/bin \
  bash -euo pipefail /tmp/script >"$log" 2>&1
rm -f usr/sbin/policy-rc.d etc/apt/apt.conf.d/99machine-proxy etc/resolv.conf
