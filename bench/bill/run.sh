#!/usr/bin/env bash
# run.sh STEWARD FILE: imports FILE into an empty project and allocates it; CPU seconds and peak memory of both.
set -euo pipefail
steward=$(realpath "$1") file=$(realpath "$2")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
mkdir bills
printf 'project: bench\nowner: ada\ncurrency: EUR\n' > steward.yaml
{ echo 'bill: cloud'; echo 'model_tags: [model]'; echo 'models:'; for n in $(seq 0 39); do echo "  - {model: m$n}"; done; } > bills/cloud.yaml
for command in "bill import $file --as ada" "bill show"; do
  # shellcheck disable=SC2086
  /usr/bin/time -f "%U s user, %S s system, %e s elapsed, %M kB at most: steward ${command%% /*}" "$steward" $command --json > out.json
done
