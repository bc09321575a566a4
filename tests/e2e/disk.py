#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The main job on ext4 (where snapshots are copied), XFS and btrfs (where they are cut): a disk is
plugged into a running guest, written all the time, snapshotted, cloned, grown, unplugged."""

import fcntl
import os
import struct

from bed import CUTS, SLOWNESS, STAMP, Bed, Failed, Tap, files_below, must, run
from guest import Guest, Stamps

# The first 64 MiB get a file system, the others stamps.
FIRST, BLOCKS = 16384, 49152
SIZE, GROWN = 256 << 20, 384 << 20
# Of linux/fs.h.
FS_IOC_GETFLAGS, FS_IOC_SETFLAGS, FS_EXTENT_FL = 0x80086601, 0x40086602, 0x80000


class Story:
    def __init__(self, tap, bed, guest, pool):
        self.tap, self.bed, self.guest, self.pool = tap, bed, guest, pool
        self.volume = f"data-{pool}"
        self.stamps = None
        self.serial = None
        self.device = None

    def ok(self, good, what, *details):
        return self.tap.ok(good, f"{self.pool}: {what}", *details)

    def refused(self, what, status, sentence, *words):
        result = self.bed.command(*words)
        self.ok(result.returncode == status and all(s in result.stderr for s in sentence), what,
                f"status {result.returncode}, wanted {status}", result.stderr or result.stdout)

    def tell(self):
        self.plug_in()
        self.snapshot()
        self.clone()
        self.copies_are_moments()
        self.grow()
        self.refuse_while_plugged()
        self.unplug()
        self.kernel_device()
        self.delete()

    def plug_in(self):
        guest = self.guest
        volume_id = self.bed.create(self.volume, self.pool)
        self.ok(self.bed.create(self.volume, self.pool) == volume_id,
                "creating a volume again finds it")
        disk, self.device = guest.attach(self.volume)
        self.serial = disk["serial"]
        self.ok(disk["size"] == SIZE and guest.size(self.device) == SIZE,
                "a running guest gets the disk, in its size", disk)
        again, device = guest.attach(self.volume)
        self.ok(again["serial"] == self.serial and device == self.device,
                "attaching it again finds it", disk, again)
        guest.inside(f"mkfs.ext4 -q -F {self.device} 64m && mount {self.device} /mnt")
        guest.inside("dd if=/dev/urandom of=/mnt/precious bs=64k count=64 2>/dev/null && sync")
        # Blocks that are there make a copy take its time.
        guest.inside(f"dd if=/dev/zero of={self.device} bs=1M seek=64 count=192 conv=fsync 2>&1")
        self.stamps = Stamps(guest, self.device, FIRST, BLOCKS)
        self.stamps.start()
        self.precious = guest.inside("sha256sum </mnt/precious")
        self.ok(True, "the guest makes a file system, and writes all the time")

    def snapshot(self):
        before = self.stamps.now()
        first = self.bed.ask("snapshot", "create", self.volume, f"snap-{self.pool}", "--no-wait")
        self.snapped = before, self.stamps.now()
        if CUTS[self.pool]:
            self.ok(first["ready"], "a snapshot is cut at once", first)
        else:
            self.ok(not first["ready"], "a snapshot is cut at once and not ready yet", first)
        for limits in ({"iops": 50000}, {}):
            self.bed.do("volume", "modify", self.volume, "--set", f"iops={limits.get('iops', 0)}")
            told = self.bed.ask("vm", "status", self.guest.name)["disks"]
            self.ok(limits in [d["limits"] for d in told if d["serial"] == self.serial],
                    f"limits are changed meanwhile: {limits}", told)
        last = self.bed.ask("snapshot", "create", self.volume, f"snap-{self.pool}")
        self.ok(last["ready"] and last["id"] == first["id"] and
                last["created"] == first["created"],
                "asked again, the same snapshot is ready, of the same moment", first, last)
        self.stamps.goes_on()
        other = f"other-{self.pool}"
        self.bed.create(other, self.pool, "16Mi")
        self.refused("a snapshot's name is not used for another volume", 5, ["exist"],
                     "snapshot", "create", other, f"snap-{self.pool}")
        self.bed.do("volume", "delete", other)

    def clone(self):
        before = self.stamps.now()
        self.bed.ask("volume", "create", f"clone-{self.pool}", "--pool", self.pool,
                     "--from-volume", self.volume)
        self.cloned = before, self.stamps.now()
        self.stamps.goes_on()
        self.ok(True, "the volume is cloned while the guest writes")
        self.bed.ask("volume", "create", f"restored-{self.pool}", "--pool", self.pool,
                     "--from-snapshot", f"snap-{self.pool}")

    def copies_are_moments(self):
        self.is_moment(f"restored-{self.pool}", self.snapped, "a volume made from the snapshot")
        self.is_moment(f"clone-{self.pool}", self.cloned, "the clone")
        guest = self.guest
        disk, device = guest.attach(f"restored-{self.pool}")
        guest.inside(f"mkdir -p /tmp/mnt && mount {device} /tmp/mnt")
        said = guest.inside("sha256sum </tmp/mnt/precious")
        guest.inside("umount /tmp/mnt")
        self.bed.do("vm", "detach", guest.name, disk["serial"])
        self.ok(said == self.precious, "the file system in it, plugged in beside the original, "
                "has the same data", said, self.precious)

    def is_moment(self, volume, between, what):
        with self.bed.device(volume) as device:
            moment, why = self.stamps.moment_of(device)
        self.ok(moment is not None and between[0] <= moment <= between[1] + 1,
                f"{what} is the state of one moment, and of the right one",
                f"moment {moment}, wanted from {between[0]} to {between[1]}", why)

    def grow(self):
        bed, guest = self.bed, self.guest
        grown = bed.ask("volume", "expand", self.volume, "--size", str(GROWN))
        guest.inside_until(f"grep -qx {GROWN // 512} /sys/block/{self.device[5:]}/size")
        self.ok(grown["size"] == GROWN, "the volume grows, and the guest sees it", grown)
        self.stamps.goes_on()
        self.refused("a limit below its size is refused", 2, ["shrink"], "volume", "expand",
                     self.volume, "--size", str(SIZE), "--limit", str(SIZE))
        same = bed.ask("volume", "expand", self.volume, "--size", str(SIZE))
        bed.do("vm", "resize", guest.name, self.serial, str(SIZE))
        self.ok(same["size"] == GROWN and guest.size(self.device) == GROWN,
                "less than it has changes nothing", same, guest.size(self.device))

    def refuse_while_plugged(self):
        self.refused("unpublishing it while it is plugged in is refused, with the way out", 5,
                     ["plugged in", "fairlead vm detach"], "volume", "unpublish", self.volume)
        self.refused("deleting it while it is published is refused, naming the node", 5,
                     [f"attached to node {self.bed.node}"], "volume", "delete", self.volume)
        self.refused("publishing it as a device of this machine meanwhile is refused", 5,
                     ["published as vm"], "volume", "publish", self.volume, "--device",
                     self.bed.path("second"))
        self.stamps.goes_on()

    def unplug(self):
        bed, guest = self.bed, self.guest
        guest.inside("umount /mnt")
        self.stamps.stop()
        bed.do("vm", "detach", guest.name, self.volume)
        left = guest.inside("ls /sys/block /dev/disk/by-id")
        self.ok(self.device[5:] not in left.split() and self.serial not in left,
                "unplugged, it is gone from the guest", left)
        show = bed.ask("volume", "show", self.volume)
        disks = bed.ask("vm", "status", guest.name)["disks"]
        self.ok(not show["nodes"] and not show["published"] and not disks,
                "and it is published nowhere any more", show, disks)
        bed.do("vm", "detach", guest.name, self.volume)
        bed.do("volume", "unpublish", self.volume)
        self.ok(True, "doing either again is success")
        self.is_moment(self.volume, (self.stamps.last, self.stamps.last - 1), "what was written")
        self.ok(self.stamps.longest_us < 5e6 * SLOWNESS,
                "no write of the guest took longer than 5 s",
                f"the longest took {self.stamps.longest_us / 1e6:.3f} s")

    def kernel_device(self):
        name = f"kernel-{self.pool}"
        with self.bed.device(self.volume):
            if CUTS[self.pool]:
                ready = self.bed.ask("snapshot", "create", self.volume, name)["ready"]
                self.ok(ready, "a snapshot of a volume that is a kernel device is cut")
                self.bed.do("snapshot", "delete", name)
            else:
                self.refused("a snapshot of a volume that is a kernel device is refused, with the "
                             "way out", 5, ["kernel device", "detach it", "pool that can cut"],
                             "snapshot", "create", self.volume, name)
        if not CUTS[self.pool]:
            self.bed.do("snapshot", "create", self.volume, name)
            self.bed.do("snapshot", "delete", name)
            self.ok(True, "unpublished, it is snapshotted")

    def delete(self):
        bed = self.bed
        bed.do("volume", "delete", self.volume)
        self.is_moment(f"restored-{self.pool}", self.snapped,
                       "with the original deleted, the volume made from the snapshot")
        for name in ("restored", "clone"):
            bed.do("volume", "delete", f"{name}-{self.pool}")
        bed.do("snapshot", "delete", f"snap-{self.pool}")


def written_just_before(tap, bed, guest):
    """ext4 shows what is only in memory as a hole, in files that it maps without extents; QEMU, which
    copies for the snapshot, asks it for holes."""
    bed.create("brought", "ext4", "16Mi")
    folder = bed.volumes("ext4")
    image = next(path for path in files_below(folder) if "/brought/" in path and
                 path.endswith("/image"))
    # Not where QEMU begins a piece: there it would be found.
    data, offset = os.urandom(1 << 19), (8 << 20) + (1 << 18)
    with open(image, "r+b") as stream:
        flags, = struct.unpack("i", fcntl.ioctl(stream, FS_IOC_GETFLAGS, bytes(4)))
        fcntl.ioctl(stream, FS_IOC_SETFLAGS, struct.pack("i", flags & ~FS_EXTENT_FL))
        stream.seek(offset)
        stream.write(data)
    guest.attach("brought")
    bed.do("snapshot", "create", "brought", "brought")
    bed.do("vm", "detach", guest.name, "brought")
    bed.do("volume", "create", "again", "--pool", "ext4", "--from-snapshot", "brought")
    with bed.device("again") as device, open(device, "rb") as stream:
        stream.seek(offset)
        tap.ok(stream.read(len(data)) == data, "ext4: QEMU's copy has what somebody wrote to the "
               "image just before the guest got it")
    bed.do("snapshot", "delete", "brought")
    for name in ("brought", "again"):
        bed.do("volume", "delete", name)


def check_is_not_blind(tap, bed):
    """What the stories rely on: `stamp check` refuses what mixes two moments."""
    images = [bed.path(name) for name in ("early", "late", "mixed")]
    for image, stamps in zip(images, (3000, 4000)):
        must("truncate", "-s", "8M", image)
        must(STAMP, "write", image, "0", "2048", "1", bed.path("progress"), str(stamps))
    early, late, mixed = images
    tap.ok([run(STAMP, "check", i, "0", "2048").stdout for i in (early, late)] ==
           ["3000\n", "4000\n"], "a state is known by its last stamp")
    for what, changed, by in (("half of it is of an earlier moment", late, early),
                              ("half of it is of a later moment", early, late)):
        must("cp", changed, mixed)
        must("dd", f"if={by}", f"of={mixed}", "bs=1M", "count=4", "conv=notrunc")
        result = run(STAMP, "check", mixed, "0", "2048")
        tap.ok(result.returncode == 1 and "of another moment" in result.stderr,
               f"a copy is refused when {what}", result.stdout, result.stderr)
    must("cp", late, mixed)
    must("dd", "if=/dev/urandom", f"of={mixed}", "bs=512", "count=1", "seek=33", "conv=notrunc")
    result = run(STAMP, "check", mixed, "0", "2048")
    tap.ok(result.returncode == 1, "and when a sector of it is something else", result.stdout)


def main():
    tap = Tap()
    with Bed("ext4", "xfs", "btrfs") as bed:
        check_is_not_blind(tap, bed)
        bed.start_serve()
        untouched = bed.untouched()
        guest = Guest(bed)
        written_just_before(tap, bed, guest)
        for pool in bed.pools:
            try:
                Story(tap, bed, guest, pool).tell()
            except Failed as why:
                tap.ok(False, f"{pool}: the story comes to its end", why, bed.serve.log()[-3000:],
                       guest.log()[-3000:])
        tap.ok(guest.inside("cat /proc/sys/kernel/random/boot_id") == guest.boot_id,
               "it was one guest all the time, not started again")
        status = guest.stop()
        tap.ok(status == 0, "the guest powers down when it is asked to", guest.log()[-2000:])
        bed.end_is_clean(tap, untouched)
    tap.end()


main()
