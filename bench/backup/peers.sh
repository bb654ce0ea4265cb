# Runs in a layer over Debian's root: the programs that a copy is measured beside. In in/: those of Python, as wheels.
apt-get update -qq
apt-get install -y -qq --no-install-recommends sanoid mbuffer pv lzop python3 python3-venv
python3 -m venv /opt/peers
/opt/peers/bin/pip install -q --no-index --find-links /lab/in bzfs zfs-autobackup
