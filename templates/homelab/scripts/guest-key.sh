#!/bin/sh
# guest-key.sh ADDRESS: prints the public key that the guest at that address has made. It belongs into secrets/sops.yaml;
# the private one stays in the guest.
set -eu
ssh "root@${1:?the address of the guest}" age-keygen -y /var/lib/sops-nix/key.txt
