#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# on-filesystem.sh FILESYSTEM PROGRAM [ARGUMENT…]: runs PROGRAM with each argument @ replaced by an
# empty directory on a new FILESYSTEM (ext4, xfs, btrfs, tmpfs), or on the temporary directory's own
# (here).  With memory: before its name, the file system's image is in memory: what is synced is
# there at once.
#
# The file system is in an image on a loop device, mounted in a mount namespace of its own: however
# this ends, kernel and trap leave neither mount nor loop device nor file behind.
set -eu
PATH=$PATH:/usr/sbin:/sbin

filesystem=${1#memory:}
memory=${1%"$filesystem"}
shift
if [ "$filesystem" != here ] && [ -z "${FL_ON_FILESYSTEM-}" ]; then
	if [ "$(id -u)" != 0 ] ||
		{ [ "$filesystem" != tmpfs ] && ! command -v "mkfs.$filesystem" >/dev/null; }; then
		echo "1..0 # SKIP needs root and mkfs.$filesystem"
		exit 77
	fi
	FL_ON_FILESYSTEM=1 exec unshare --mount --propagation private "$0" "$memory$filesystem" "$@"
fi

work=$(mktemp -d "${TMPDIR:-/tmp}/fairlead-conformance-XXXXXX")
cleanup() {
	umount "$work/mounted" 2>/dev/null || :
	[ -z "$memory" ] || umount "$work" 2>/dev/null || :
	rm -rf --one-file-system "$work"
}
trap cleanup EXIT
trap 'exit 1' INT TERM HUP

[ -z "$memory" ] || mount -t tmpfs -o size=2G tmpfs "$work"
mkdir "$work/mounted"
if [ "$filesystem" = tmpfs ]; then
	mount -t tmpfs -o size=1G tmpfs "$work/mounted"
elif [ "$filesystem" != here ]; then
	truncate -s 1G "$work/image"
	case $filesystem in
	ext4) mkfs.ext4 -q -m 0 "$work/image" ;;
	*) "mkfs.$filesystem" -q "$work/image" >/dev/null ;;
	esac
	mount -o loop "$work/image" "$work/mounted"
fi
mkdir "$work/mounted/pool"

for argument; do
	shift
	[ "$argument" = @ ] && argument=$work/mounted/pool
	set -- "$@" "$argument"
done
"$@"
