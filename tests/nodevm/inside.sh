#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What the node VM does: runs the programs of /run/plan, tells on the second serial port what they
# print, and powers off.  Lines that begin with @ are its own.
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export PATH
stty -F /dev/ttyS1 raw -echo
exec </dev/null >/dev/ttyS1

# run NAME SECONDS COMMAND…
run()
{
	echo "@begin $1"
	shift
	timeout -k 5 "$@" 2>&1
	status=$?
	for report in /tmp/sanitizer.*; do
		[ -f "$report" ] || continue
		status="$status, and a sanitizer reports"
		sed 's/^/# /' "$report"
		rm "$report"
	done
	echo "@end $status"
}

# shellcheck source=/dev/null # written by nodevm.py
. /run/plan
echo "@done"
exec busybox poweroff -f
