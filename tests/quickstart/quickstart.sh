#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The first of README's two commands comes to its end: each line that it tells is a statement.
set -u
root=$(cd "$(dirname "$0")/../.." && pwd)
log=$(mktemp)
trap 'rm -f "$log"' EXIT

"$root/deploy/quickstart.sh" >"$log" 2>&1 </dev/null
status=$?
number=0
while IFS= read -r line; do
	case $line in
	*[0-9]" s")
		number=$((number + 1))
		echo "ok $number - $(echo "$line" | sed 's/  .*//')"
		;;
	*) echo "# $line" ;;
	esac
done <"$log"
number=$((number + 1))
if [ "$status" -eq 0 ] && [ "$number" -gt 14 ]; then
	echo "ok $number - the whole story was told"
else
	echo "not ok $number - the whole story was told (exit status $status)"
fi
echo "1..$number"
[ "$status" -eq 0 ]
