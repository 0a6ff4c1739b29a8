#!/usr/bin/env bash
# Build budgets: a release build from nothing, the stripped binary, and the inner loop (an edit in a capability to its
# tests' result). Builds into a folder of its own, so nothing that is there is used or lost. Prints one line each.
set -euo pipefail
cd "$(dirname "$0")/../.."
target=$(mktemp -d)
trap 'rm -rf "$target"' EXIT
export CARGO_TARGET_DIR=$target
cargo fetch --locked --quiet
seconds() { local start end; start=$(date +%s.%N); "$@" >/dev/null 2>&1; end=$(date +%s.%N); awk "BEGIN { print $end - $start }"; }

printf 'release build from nothing: %.0f s (goal 900)\n' "$(seconds cargo build --release --locked)"
printf 'stripped binary: %.1f MB (goal 120)\n' "$(awk "BEGIN { print $(stat -c %s "$target/release/steward") / 1e6 }")"
cargo test -p steward-capabilities --locked --no-run >/dev/null 2>&1
for room in portfolio experiments metrics; do
  file=$(ls crates/capabilities/src/$room/mod.rs)
  echo "// edited" >> "$file"
  took=$(seconds cargo test -p steward-capabilities --locked --test it "$room")
  sed -i '$ d' "$file"
  printf 'edit in %s to the result of its tests: %.1f s (goal 30)\n' "$room" "$took"
done
