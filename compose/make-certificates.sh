#!/bin/sh
# Makes what compose/tls.yaml wants in secrets/tls/: a CA, a certificate for Temporal, and one for those who may come in.
# Names and addresses by which Temporal is reached from elsewhere are its arguments. What is there stays: to renew a
# certificate, remove it and run this again.
set -eu
umask 077
folder=secrets/tls
mkdir -p "$folder"
cd "$folder"

names=DNS:temporal,DNS:localhost,IP:127.0.0.1
for name in "$@"; do
  case "$name" in
  *[!0-9.]*) names=$names,DNS:$name ;;
  *) names=$names,IP:$name ;;
  esac
done

new_key() { openssl ecparam -name prime256v1 -genkey -noout -out "$1"; }

if [ ! -e ca.pem ]; then
  new_key ca.key
  openssl req -x509 -new -key ca.key -out ca.new -days 3650 -subj '/CN=Temporal of runbook' \
    -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign
  mv ca.new ca.pem
  echo "made $folder/ca.pem"
fi

# NAME EXTENSIONS: a certificate of two years, by the CA. It is whole once it has its name.
certificate() {
  [ ! -e "$1.pem" ] || return 0
  new_key "$1.key"
  openssl req -new -key "$1.key" -out "$1.csr" -subj "/CN=$1"
  printf '%s\n' "$2" >"$1.ext"
  openssl x509 -req -in "$1.csr" -CA ca.pem -CAkey ca.key -set_serial "0x$(openssl rand -hex 16)" -days 730 \
    -extfile "$1.ext" -out "$1.new" 2>/dev/null
  rm "$1.csr" "$1.ext"
  mv "$1.new" "$1.pem"
  echo "made $folder/$1.pem"
}
# Its own services come to the server as clients.
certificate server "subjectAltName=$names
extendedKeyUsage=serverAuth,clientAuth"
certificate client extendedKeyUsage=clientAuth
