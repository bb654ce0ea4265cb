#!/bin/sh
# Builds the image that guests are made of, and gives it to the cluster as nixos-guest. Again after a new release: guests
# that are there stay as they are.
set -eu
cd "$(dirname "$0")/.."
image=$(nix build --no-link --print-out-paths .#guest-image)
metadata=$(nix build --no-link --print-out-paths .#guest-metadata)
incus image import "$metadata"/tarball/*.tar.xz "$image"/*.qcow2 @name@: --alias nixos-guest --reuse
