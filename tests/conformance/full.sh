#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# full.sh DISKLIFE BACKEND DIRECTORY: on a file system that others have filled to its last block, a
# pool can still be opened, read and emptied.
set -eu
disklife=$1 backend=$2 directory=$3
failed=0

tell() {
	number=$1 text=$2
	shift 2
	if "$@"; then
		echo "ok $number - $text"
	else
		echo "not ok $number - $text"
		failed=1
	fi
}

"$disklife" "$backend" "$directory" make
for size in 1M 4k 512; do
	dd if=/dev/zero "of=$directory/../fill-$size" "bs=$size" 2>/dev/null || :
	sync -f "$directory"
done
echo "# $(df --output=avail "$directory" | tail -n 1) KiB are free"
tell 1 "a full pool can be opened and read" "$disklife" "$backend" "$directory" check
tell 2 "a full pool can be emptied" "$disklife" "$backend" "$directory" remove
rm -f "$directory"/../fill-*
sync -f "$directory"
tell 3 "with room again, it can be used again" "$disklife" "$backend" "$directory" make
tell 4 "and emptied again" "$disklife" "$backend" "$directory" remove
echo "1..4"
exit $failed
