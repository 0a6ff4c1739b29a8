#!/usr/bin/env bash
# Usage: project.sh STEWARD PYTHON. Serves an empty project and lets the real MLflow client of the interpreter PYTHON work
# with it. Prints a line for each check.
set -euo pipefail
steward=$1 python=$2
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
server=""
stop() {
  if [ -n "$server" ]; then kill "$server" 2>/dev/null || true; wait "$server" || true; fi
  rm -rf "$work"
}
trap stop EXIT
printf 'project: shop\nowner: mara\n' > "$work/steward.yaml"
: > "$work/address"
"$steward" --project "$work" serve --listen 127.0.0.1:0 > "$work/address" &
server=$!
for _ in $(seq 100); do
  address=$(sed -n 's/^listening on //p' "$work/address")
  [ -n "$address" ] && break
  sleep 0.1
done
cd "$work"
STEWARD_ADDRESS=$address MLFLOW_TRACKING_USERNAME='' "$python" "$here/session.py"
