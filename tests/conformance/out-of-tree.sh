#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# out-of-tree.sh BUILD CC CONFORMANCE SOURCES: what an author of a backend does: install the headers,
# compile a backend that knows nothing but pkg-config, and check it.
set -eu
build=$1 cc=$2 conformance=$3 sources=$4

if ! command -v pkg-config >/dev/null; then
	echo "1..0 # SKIP needs pkg-config"
	exit 77
fi
work=$(mktemp -d "${TMPDIR:-/tmp}/fairlead-conformance-XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM HUP

cmake --install "$build" --component backend-development --prefix "$work/prefix" >/dev/null
PKG_CONFIG_PATH=$(dirname "$(find "$work/prefix" -name fairlead-backend.pc)")
export PKG_CONFIG_PATH
mkdir "$work/author" "$work/pool"
cp "$sources"/*.[ch] "$work/author"
# shellcheck disable=SC2046 # flags are words
(cd "$work/author" && "$cc" -std=gnu11 -Wall -Wextra -Werror -shared -fPIC \
	$(pkg-config --cflags fairlead-backend) -o mine.so ./*.c)

# Each installed header compiles alone, with nothing but these flags.
for header in "$work"/prefix/include/fairlead/*/*.h; do
	# shellcheck disable=SC2046
	"$cc" -std=gnu11 -Wall -Wextra -Werror -fsyntax-only -x c $(pkg-config --cflags \
		fairlead-backend) -include "$header" /dev/null
done
"$conformance" "$work/author/mine.so" "$work/pool"
