#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# lint.sh [RULE…]: the rules of the house, as TAP; a violation is a line "file:line: rule: text".
# Headers are compiled with the flags of the build folder $BUILD (build/), which is made if needed.
set -eu
cd "$(dirname "$0")/.."
build=${BUILD:-build}

if [ ! -e "$build/generated/csi/csi.pb-c.h" ]; then
	cmake -S . -B "$build" -G Ninja >/dev/null
	cmake --build "$build" --target csi_proto >/dev/null
fi
PYTHONDONTWRITEBYTECODE=1 exec python3 tests/lint --build "$build" "$@"
