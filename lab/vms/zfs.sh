# Runs in a layer over Debian's root: compiles OpenZFS's modules for Debian's cloud kernel, into out/.
# Without dkms, which would compile the userland's parts as well.
export INITRD=No # the hosts have one of their own
apt-get update -qq
apt-get install -y -qq --no-install-recommends \
  linux-image-cloud-amd64 linux-headers-cloud-amd64 make gcc libc6-dev kmod xz-utils python3-minimal
kernel=$(basename /usr/src/linux-headers-*-cloud-amd64 | sed 's/^linux-headers-//')
modules=/usr/lib/modules/$kernel
cd /tmp
chmod 777 . # apt downloads as a user of its own
apt-get download -qq zfs-dkms
dpkg -x zfs-dkms_*.deb unpacked
cd unpacked/usr/src/zfs-*/
# For every module of configure's own as well: debug symbols, and the BTF that is made of them, take longer than the rest.
export MAKEFLAGS='-- KCFLAGS=-g0 CONFIG_DEBUG_INFO_BTF_MODULES='
./configure --with-config=kernel --with-linux="$modules/source" --with-linux-obj="$modules/build"
make -j"$(nproc)"
mkdir -p "$modules/updates"
for module in zfs spl; do
  strip -g "module/$module.ko"
  cp "module/$module.ko" "$modules/updates/"
done
rm -rf "$modules"/kernel/sound "$modules"/kernel/drivers/{gpu,media,infiniband,scsi,hv,xen}
depmod "$kernel"
mkdir -p /lab/out/modules
cp -a "$modules" /lab/out/modules/
rm -f "/lab/out/modules/$kernel"/{build,source}
cp "/boot/vmlinuz-$kernel" /lab/out/vmlinuz
