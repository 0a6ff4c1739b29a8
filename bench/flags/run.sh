#!/usr/bin/env bash
# Usage: run.sh PROGRAM NODE_DIR [COUNT]. One evaluation of a flag of five rules, in Steward's evaluator (PROGRAM is
# steward-bench-flags, built for release) and in the JavaScript SDK of NODE_DIR/node_modules, on the same payload.
set -euo pipefail
program=$1 node_dir=$2 count=${3:-2000000}
here=$(cd "$(dirname "$0")" && pwd)
payload=$(mktemp)
trap 'rm -f "$payload"' EXIT
echo "Steward"
"$program" "$count" "$payload"
echo
echo "JavaScript SDK $(node -p "require('$node_dir/node_modules/@growthbook/growthbook/package.json').version"), node $(node -p process.versions.node)"
STEWARD_NODE=$node_dir node "$here/javascript.cjs" "$payload" "$count"
