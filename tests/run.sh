#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# run.sh [--plain | --sanitize] [RING…]: installs what the tests need, builds, runs the rings in
# their order and ends with one line "N passed, N failed, N skipped".
#
# Without arguments: gcc and clang must have no warning, then every ring runs, then every ring again
# on a build with ASan and UBSan, and unit, rpc and parallel once more on one with TSan.  With RINGs only those run, on the plain build unless --sanitize.
# Output of every program: build*/test-logs/RING/.
set -eu
cd "$(dirname "$0")/.."
exec </dev/null # standard input may be closed
PATH=$PATH:/usr/sbin:/sbin
export PATH PYTHONDONTWRITEBYTECODE=1

./deploy/install.sh build run test
exec python3 tests/run "$@"
