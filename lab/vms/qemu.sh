# Runs in a layer over Debian's root: QEMU, which the machine itself need not have.
apt-get update -qq
apt-get install -y -qq --no-install-recommends qemu-system-x86 qemu-utils
apt-get clean
rm -rf /var/lib/apt/lists/*
