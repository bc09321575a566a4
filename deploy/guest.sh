#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A small guest for trying things out and for tests: DIR/vmlinuz and DIR/initrd.
#
#	deploy/guest.sh DIR
#
# The kernel is Debian's cloud kernel, downloaded and unpacked but not installed; the initial
# file system is busybox with a root shell on the first serial port.  It loads the drivers of our
# disks and of ext4, makes /dev/disk/by-id, and powers off when it is asked to by ACPI.  Nothing is
# done again when DIR has a guest made by this very script from the kernel that apt offers.
set -eu

[ $# -eq 1 ] || { echo "usage: deploy/guest.sh DIR" >&2; exit 2; }
mkdir -p "$1"
dir=$(cd "$1" && pwd)
self=$(sha256sum "$0" | cut -d' ' -f1)

die() { echo "guest.sh: $*" >&2; exit 1; }

for tool in apt-get dpkg cpio gzip modprobe depmod ldd mke2fs /bin/busybox; do
	command -v "$tool" >/dev/null || die "$tool is not installed (see deploy/packages.txt)"
done

package=$(apt-cache depends linux-image-cloud-amd64 2>/dev/null |
	sed -n 's/.*Depends: \(linux-image-[0-9].*\)/\1/p' | head -n 1)
stamp="$self $package"
if [ -f "$dir/vmlinuz" ] && [ -f "$dir/initrd" ] &&
	{ [ -z "$package" ] || [ "$(cat "$dir/stamp" 2>/dev/null)" = "$stamp" ]; }; then
	exit 0
fi
[ -n "$package" ] || die "apt knows no linux-image-cloud-amd64: run apt-get update"

work=$(mktemp -d "$dir/making.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM
chmod 755 "$work" # apt's own user writes here

(cd "$work" && apt-get -qq -o APT::Sandbox::User=root download "$package") ||
	die "cannot download $package"
dpkg -x "$work"/*.deb "$work/kernel"
version=$(ls "$work/kernel/lib/modules")
depmod -b "$work/kernel" "$version"

# --- the initial file system ---------------------------------------------------------------
root="$work/root"
mkdir -p "$root/bin" "$root/sbin" "$root/lib" "$root/etc/acpi" "$root/proc" "$root/sys" \
	"$root/dev" "$root/mnt" "$root/tmp" "$root/var/run" "$root/var/log"
cp /bin/busybox "$root/bin/busybox"

# The order of loading is the order of this list, each module after what it needs.
for module in virtio_pci virtio_blk virtio_scsi sd_mod virtio_net ext4 evdev button; do
	modprobe -d "$work/kernel" -S "$version" --show-depends "$module" 2>/dev/null || true
done | sed -n 's/^insmod \([^ ]*\).*/\1/p' | awk '!seen[$0]++' >"$work/modules"
while read -r path; do
	cp "$path" "$root/lib/"
	basename "$path"
done <"$work/modules" >"$root/etc/modules"
grep -q virtio_scsi "$root/etc/modules" || die "$package has no virtio_scsi module"

# mkfs.ext4 with its libraries: busybox can only make ext2.
mke2fs=$(command -v mke2fs)
cp "$mke2fs" "$root/sbin/mkfs.ext4"
cp /etc/mke2fs.conf "$root/etc/" 2>/dev/null || true
ldd "$mke2fs" | grep -o '/[^ ]*' | while read -r library; do
	mkdir -p "$root$(dirname "$library")"
	cp -L "$library" "$root$library"
done

cat >"$root/etc/acpi/power" <<'END'
#!/bin/sh
sync
poweroff -f
END
cat >"$root/etc/acpid.conf" <<'END'
PWRF	power
PWRB	power
END

# by-id: what udev would link, made anew whenever the kernel announces a disk.
cat >"$root/sbin/hotplug" <<'END'
#!/bin/sh
[ "$SUBSYSTEM" = block ] && [ "$DEVTYPE" = disk ] || exit 0
mkdir -p /dev/disk/by-id
for link in /dev/disk/by-id/*; do
	[ -b "$link" ] || rm -f "$link"
done
[ "$ACTION" = remove ] && exit 0
case $DEVNAME in
vd*) serial=$(cat "/sys/block/$DEVNAME/serial" 2>/dev/null); kind=virtio ;;
sd*) serial=$(tail -c +5 "/sys/block/$DEVNAME/device/vpd_pg80" 2>/dev/null); kind=scsi ;;
*) exit 0 ;;
esac
[ -n "$serial" ] && ln -sf "/dev/$DEVNAME" "/dev/disk/by-id/$kind-$serial"
END

cat >"$root/init" <<'END'
#!/bin/busybox sh
/bin/busybox mkdir -p /usr/bin /usr/sbin
/bin/busybox --install -s
export PATH=/sbin:/bin:/usr/sbin:/usr/bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mkdir -p /dev/disk/by-id
uevent /sbin/hotplug &
while read -r module; do
	insmod "/lib/$module"
done </etc/modules
for disk in /sys/block/[sv]d*; do
	[ -e "$disk" ] && SUBSYSTEM=block DEVTYPE=disk ACTION=add DEVNAME=${disk##*/} /sbin/hotplug
done
acpid -c /etc/acpi -a /etc/acpid.conf 2>/dev/null
ip link set lo up
for card in /sys/class/net/eth*; do
	[ -e "$card" ] && ip link set "${card##*/}" up && udhcpc -i "${card##*/}" -n -q >/dev/null 2>&1 &
done
# A guest that tests want silent: neither shell nor answer to the power button.
if grep -q guest=deaf /proc/cmdline; then
	killall acpid
	while :; do sleep 1000; done
fi
echo "guest ready"
export PS1='guest# ' HOME=/
while :; do
	setsid cttyhack sh
done
END
chmod 755 "$root/init" "$root/sbin/hotplug" "$root/etc/acpi/power"

(cd "$root" && find . | sort | cpio -o -H newc --quiet | gzip -1) >"$work/initrd"
mv "$work/initrd" "$dir/initrd"
mv "$work/kernel/boot/vmlinuz-$version" "$dir/vmlinuz"
echo "$stamp" >"$dir/stamp"
