#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# install.sh GROUP…: installs the packages of these groups (build, run, test) of packages.txt.
# Does nothing, quickly, when they are there; needs root and apt otherwise.
set -eu

list=$(dirname "$0")/packages.txt

fail()
{
	echo "install.sh: $*" >&2
	exit 1
}

# Prints the names of the packages of group $1.
packages_of()
{
	awk -v group="[$1]" '
		/^\[/ { inside = ($1 == group); next }
		inside && NF && $1 !~ /^#/ { print $1 }' "$list"
}

missing_of()
{
	for package in $(packages_of "$1"); do
		case $(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null) in
		installed) ;;
		*) echo "$package" ;;
		esac
	done
}

[ $# -gt 0 ] || fail "usage: install.sh GROUP…, with groups build, run, test"
missing=
for group in "$@"; do
	[ -n "$(packages_of "$group")" ] || fail "there is no group \"$group\" in $list"
	missing="$missing $(missing_of "$group")"
done
missing=$(echo "$missing" | xargs)
[ -n "$missing" ] || exit 0

command -v apt-get >/dev/null || fail "not a Debian; install by hand: $missing"
[ "$(id -u)" = 0 ] || fail "run as root, or first: apt-get install $missing"
echo "installing $missing"
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
trap 'rm -f "$log"' EXIT
install_missing()
{
	# shellcheck disable=SC2086 # a list of names
	apt-get install -y -q --no-install-recommends $missing >>"$log" 2>&1
}
# The package lists may be there already, or be too old to know where a package is.
if ! install_missing; then
	apt-get update -q >>"$log" 2>&1 || true
	install_missing || {
		tail -n 20 "$log" >&2
		fail "apt-get could not install $missing"
	}
fi
