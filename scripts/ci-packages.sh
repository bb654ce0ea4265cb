#!/usr/bin/env bash
# What the tests use beyond Node.js, where this is root's Debian: elsewhere they are skipped, and say so.
set -eu
missing=()
command -v sshd >/dev/null || [ -x /usr/sbin/sshd ] || missing+=(openssh-server)
for program in chromium zsh fish; do
  command -v "$program" >/dev/null || missing+=("$program")
done
# For the services of docker-compose.yml, started without an engine.
[ -d /usr/lib/postgresql ] || missing+=(postgresql)
command -v nc >/dev/null || missing+=(netcat-openbsd)
# For promtool.
command -v promtool >/dev/null || missing+=(prometheus)
[ ${#missing[@]} -gt 0 ] || exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
  echo "not installed, so what needs it is skipped: ${missing[*]}"
  exit 0
fi
# Tests start their own sshd; the machine's is not to run because of them.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  trap 'rm -f "$policy"' EXIT
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod +x "$policy"
fi
export DEBIAN_FRONTEND=noninteractive
apt-get -qq update
apt-get -qq install -y --no-install-recommends "${missing[@]}" >/dev/null
