#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# bench.sh [ROUNDS]: measures a release build and prints the table of docs/benchmarks.md.
# Root; nothing else should run on the machine meanwhile.
set -eu
cd "$(dirname "$0")/../.."
PATH=$PATH:/usr/sbin:/sbin
build="build-bench"

./deploy/install.sh build run test
cmake -S . -B $build -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_C_COMPILER_LAUNCHER=ccache >/dev/null
cmake --build $build >/dev/null
./deploy/guest.sh $build/guest
BUILD=$PWD/$build FAIRLEAD=$PWD/$build/fairlead FAIRLEAD_BACKENDS=$PWD/$build/backends \
	PYTHONDONTWRITEBYTECODE=1 exec python3 tests/bench/table.py "$@"
