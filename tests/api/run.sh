#!/usr/bin/env bash
# Usage: run.sh STEWARD BIN. Serves the demo company, validates its OpenAPI document, and lets Schemathesis (both tools in
# the folder BIN) ask what the document allows and what it does not. Exit code 1 if the two disagree.
set -euo pipefail
steward=$1 bin=$2
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
server=""
stop() {
  if [ -n "$server" ]; then
    kill "$server" 2>/dev/null || true
    wait "$server" || true
  fi
  rm -rf "$work"
}
trap stop EXIT
cd "$work"
"$steward" demo --scale 0.02 --dir larkspur --no-serve > /dev/null
"$steward" --project larkspur serve --listen 127.0.0.1:0 > address &
server=$!
for _ in $(seq 300); do
  address=$(sed -n 's/^listening on //p' address)
  [ -n "$address" ] && break
  sleep 0.2
done
python3 -c 'import sys, urllib.request; sys.stdout.buffer.write(urllib.request.urlopen(sys.argv[1]).read())' \
  "$address/api/v1/openapi.json" > openapi.json
"$bin/openapi-spec-validator" openapi.json
"$bin/schemathesis" --config-file "$here/schemathesis.toml" run openapi.json -u "$address" --no-color --continue-on-failure
kill -0 "$server"
"$steward" --project larkspur ledger verify
