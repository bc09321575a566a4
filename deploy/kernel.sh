#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A kernel of Debian's for a guest, downloaded and unpacked but not installed.
#
#	deploy/kernel.sh PACKAGE DIR MODULE…
#
# PACKAGE is a name that depends on the current kernel, as linux-image-amd64 does.  Makes
# DIR/vmlinuz, DIR/modules with these modules and all that they need, and DIR/order: the names of
# their files, each after what it needs.  Nothing is done again when DIR has all this, made by this
# very script from the kernel that apt offers; where apt offers none, what is there is taken.
set -eu

[ $# -ge 2 ] || { echo "usage: deploy/kernel.sh PACKAGE DIR MODULE…" >&2; exit 2; }
wanted=$1
mkdir -p "$2"
dir=$(cd "$2" && pwd)
self=$(sha256sum "$0" | cut -d' ' -f1)
shift 2

die() { echo "kernel.sh: $*" >&2; exit 1; }

for tool in apt-get dpkg modprobe depmod flock; do
	command -v "$tool" >/dev/null || die "$tool is not installed (see deploy/packages.txt)"
done

exec 9>"$dir/lock"
flock 9
package=$(apt-cache depends "$wanted" 2>/dev/null |
	sed -n 's/.*Depends: \(linux-image-[0-9].*\)/\1/p' | head -n 1)
stamp="$self $package $*"
case $(cat "$dir/stamp" 2>/dev/null) in
"$stamp") exit 0 ;;
"$self "*" $*") [ -n "$package" ] || exit 0 ;;
esac
[ -n "$package" ] || die "apt knows no $wanted: run apt-get update"

work=$(mktemp -d "$dir/making.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM
chmod 755 "$work" # apt's own user writes here

(cd "$work" && apt-get -qq -o APT::Sandbox::User=root download "$package") ||
	die "cannot download $package"
dpkg -x "$work"/*.deb "$work/kernel"
version=$(ls "$work/kernel/lib/modules")
depmod -b "$work/kernel" "$version"

mkdir "$work/modules"
for module in "$@"; do
	modprobe -d "$work/kernel" -S "$version" --show-depends "$module" ||
		die "$package has no module $module"
done >"$work/found"
sed -n 's/^insmod \([^ ]*\).*/\1/p' "$work/found" | awk '!seen[$0]++' |
	while read -r path; do
		cp "$path" "$work/modules/"
		basename "$path"
	done >"$work/order"

# The stamp goes first and comes back last: without it nothing here is believed.
rm -rf "$dir/stamp" "$dir/modules"
mv "$work/modules" "$work/order" "$dir/"
mv "$work/kernel/boot/vmlinuz-$version" "$dir/vmlinuz"
echo "$stamp" >"$dir/stamp"
