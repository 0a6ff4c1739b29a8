#!/usr/bin/env bash
# Usage: project.sh STEWARD NODE_DIR PYTHON. Serves a small project and lets the real GrowthBook SDKs ask it: the
# JavaScript one from NODE_DIR/node_modules, the Python one of the interpreter PYTHON. Prints a line for each check.
set -euo pipefail
steward=$1 node_dir=$2 python=$3
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
server=""
stop() {
  if [ -n "$server" ]; then kill "$server" 2>/dev/null || true; wait "$server" || true; fi
  rm -rf "$work"
}
trap stop EXIT
mkdir -p "$work/flags" "$work/segments"
cat > "$work/steward.yaml" <<'YAML'
project: shop
owner: mara
sdk: [{key: sdk-web}, {key: sdk-remote, remote: true}, {key: sdk-hidden, encryption: env:FLAG_KEY}]
YAML
cat > "$work/segments/staff.yaml" <<'YAML'
segment: staff
attribute: email
values: [a@larkspur.example]
YAML
cat > "$work/flags/all.yaml" <<'YAML'
flag: checkout
default: old
variants: {new: new_page}
forced: [{units: [tester], variant: new}]
rules:
  - {rule: staff, segments: [staff], variant: new}
  - rule: colour
    split: [{name: a, value: old, weight: 50%}, {name: b, variant: new, weight: 50%}]
    sticky: true
---
flag: grow
rules: [{value: true, rollout: 30%}]
YAML
export FLAG_KEY=AAECAwQFBgcICQoLDA0ODw== STEWARD_PROJECT=$work STEWARD_PROGRAM=$steward
"$steward" --project "$work" apply -m opening --as mara > /dev/null
: > "$work/address"
"$steward" --project "$work" serve --listen 127.0.0.1:0 > "$work/address" &
server=$!
for _ in $(seq 100); do
  address=$(sed -n 's/^listening on //p' "$work/address")
  [ -n "$address" ] && break
  sleep 0.1
done
export STEWARD_ADDRESS=$address
STEWARD_NODE=$node_dir node "$here/javascript.cjs"
"$python" "$here/python.py"
