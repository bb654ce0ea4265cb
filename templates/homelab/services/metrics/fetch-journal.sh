# fetch-journal URL FILE: follows the journal behind the gateway at URL into FILE, from the last entry that FILE has. Ends
# when the connection does; systemd starts it again.
url=$1
file=$2

range=()
if [ -e "$file" ]; then
  cursor=$(journalctl --file="$file" --lines=1 --output=export --quiet | sed -n 's/^__CURSOR=//p')
  # Not that entry again, but all that come after it.
  if [ -n "$cursor" ]; then range=(--header "Range: entries=$cursor:1:1000000000000"); fi
fi

curl --fail --silent --show-error --no-buffer --connect-timeout 10 --keepalive-time 30 \
  --header 'Accept: application/vnd.fdo.journal' "${range[@]}" "$url/entries?follow" |
  "$JOURNAL_REMOTE" --split-mode=none --output="$file" -
