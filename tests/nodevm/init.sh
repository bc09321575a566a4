#!/bin/busybox sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# The first process of the node VM.  Its root becomes the host's, over 9p and read-only, with a tmpfs
# laid over it; /tmp is the VM's own disk, an ext4 like that of a node.  Goes on in inside.sh.
/bin/busybox --install -s /bin
export PATH=/bin

mount -t proc proc /proc
mount -t devtmpfs dev /dev
while read -r module; do
	insmod "/modules/$module" || echo "module $module: not loaded"
done </order

mount -t 9p -o trans=virtio,version=9p2000.L,ro,cache=loose,msize=512000 host /host
mount -t tmpfs over /over
mkdir /over/upper /over/work
mount -t overlay -o lowerdir=/host,upperdir=/over/upper,workdir=/over/work node /node

mount -t proc proc /node/proc
mount -t sysfs sys /node/sys
mount -t devtmpfs dev /node/dev
mount -t tmpfs run /node/run
mount -t ext4 /dev/vda /node/tmp
chmod 1777 /node/tmp
# The checkout and the build may be under the host's /tmp.
while read -r folder; do
	mkdir -p "/node$folder"
	mount --bind "/host$folder" "/node$folder"
done </shown
cp /inside.sh /plan /node/run/
exec switch_root /node /bin/sh /run/inside.sh
