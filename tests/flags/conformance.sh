#!/usr/bin/env bash
# Usage: conformance.sh CASES. Holds the evaluator to the conformance cases of the SDKs' specification: CASES is
# packages/sdk-js/test/cases.json of https://github.com/growthbook/growthbook (MIT). Prints a line for each section.
# What is not Steward's: contextual bandits, redirects, experiments that a page runs itself, decryption (the SDKs decrypt
# what Steward encrypts in tests/growthbook).
set -euo pipefail
cases=$(realpath "$1")
cd "$(dirname "$0")/../.."
STEWARD_SDK_CASES=$cases cargo test -q -p steward-capabilities --lib flags::conformance -- --nocapture
