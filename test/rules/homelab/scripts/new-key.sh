#!/bin/sh
# Says whether a file holds a private key.
grep -q -e 'AGE-SECRET-KEY-1' -e '-----BEGIN OPENSSH PRIVATE KEY-----' "$1"
