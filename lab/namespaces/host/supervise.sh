#!/bin/bash
# supervise.sh: the "machine" around one lab host. Makes its network, starts its pid 1 in namespaces of its own,
# starts it again when it reboots, and takes the network down when its power is off.
# From the environment: LAB_RUN LAB_HOST LAB_INDEX LAB_FOLDER LAB_LOWER LAB_CGROUP LAB_SWITCH
set -euo pipefail
inside=$(dirname "$(readlink -f "$0")")/inside.sh
ns=$LAB_SWITCH-$LAB_HOST
port=$LAB_HOST

network_down() {
  ip netns del "$ns" 2>/dev/null || true
  ip -n "$LAB_SWITCH" link del "$port" 2>/dev/null || true
}
processes_gone() {
  [ ! -e "$LAB_CGROUP" ] || echo 1 >"$LAB_CGROUP/cgroup.kill"
  for _ in $(seq 200); do
    [ -e "$LAB_CGROUP" ] || return 0
    find "$LAB_CGROUP" -depth -type d -exec rmdir {} + 2>/dev/null || sleep 0.02
  done
}
disk_released() { # written back and let go: until then nobody may mount or copy it
  for _ in $(seq 500); do
    [ -n "$(losetup -j "$LAB_FOLDER/data.img" 2>/dev/null)" ] || return 0
    sleep 0.02
  done
  echo "[$LAB_HOST: $LAB_FOLDER/data.img is still in use]"
  return 1
}
make_disk() {
  [ ! -e "$LAB_FOLDER/data.img" ] || return 0
  truncate -s 2G "$LAB_FOLDER/data.img.new"
  mkfs.ext4 -q -m 0 -O ^has_journal "$LAB_FOLDER/data.img.new"
  mv "$LAB_FOLDER/data.img.new" "$LAB_FOLDER/data.img"
}
network_up() { # inside, everything is on the bridge br0: the host itself and the guests that Incus attaches to it
  ip netns add "$ns"
  ip link add "$port" netns "$LAB_SWITCH" type veth peer name eth0 netns "$ns"
  ip -n "$LAB_SWITCH" link set "$port" master br0 up
  ip -n "$ns" -batch - <<IP
link set lo up
link add br0 type bridge forward_delay 0
link set br0 address 02:00:0a:5a:$(printf '%02x:%02x' "$LAB_RUN" "$LAB_INDEX")
link set eth0 master br0 up
link set br0 up
addr add 10.89.0.1$LAB_INDEX/24 dev br0
addr add 10.89.$LAB_RUN.1$LAB_INDEX/24 dev br0
IP
}

echo $$ >"$LAB_FOLDER/supervisor"
trap 'rm -f "$LAB_FOLDER/supervisor"' EXIT
export LAB_FOLDER LAB_LOWER LAB_HOST LAB_INDEX LAB_RUN
while :; do
  network_down
  processes_gone
  disk_released
  mkdir -p "$LAB_FOLDER"/{root,work,mount} "$LAB_CGROUP"
  make_disk
  network_up
  ended=0
  # Into the host's own cgroup first, so that it is the root of the cgroup namespace.
  bash -c 'echo $BASHPID >"$1/cgroup.procs"; exec ip netns exec "$2" unshare -m -p -u -i -C --fork --propagation private "$3"' \
    start "$LAB_CGROUP" "$ns" "$inside" || ended=$?
  rm -f "$LAB_FOLDER/pid"
  echo "[$LAB_HOST: pid 1 ended with $ended]"
  # reboot(2) in a pid namespace ends its pid 1 by SIGHUP (129), power-off by SIGINT (130), a pulled plug is SIGKILL (137).
  [ "$ended" = 129 ] || break
done
processes_gone
disk_released
network_down
