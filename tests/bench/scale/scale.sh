#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# scale.sh: measures a release build with up to 50,000 volumes, prints the second part of docs/benchmarks.md
# and draws its picture.  Root; nothing else should run on the machine meanwhile.
set -eu
cd "$(dirname "$0")/../../.."
build="build-bench"

./deploy/install.sh build run test
cmake -S . -B $build -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_C_COMPILER_LAUNCHER=ccache >/dev/null
cmake --build $build >/dev/null
BUILD=$PWD/$build FAIRLEAD=$PWD/$build/fairlead FAIRLEAD_BACKENDS=$PWD/$build/backends \
	PYTHONDONTWRITEBYTECODE=1 exec python3 tests/bench/scale/scale.py docs/lists.svg
