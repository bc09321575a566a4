#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Disks in a running guest: plugged in, written, grown and taken out, looked at from inside."""

import os
import sys
import time

from machine import MIB, Place, Vm, is_open, make_guest, wait_until

from tap import Tap


def refused(vm, path, **more):
    return vm.code("attach", path=path, **more)


def cold(tap, vm, image):
    tap.ok(vm.size("cold1") == 64 * MIB, "a cold disk has its size inside")
    tap.ok(vm.device("cold1").startswith("/dev/sd"), "it is on the scsi bus")
    tap.ok(vm.size("vcold") == 32 * MIB, "a cold virtio disk is there too")
    vm.guest(f"echo from-inside | dd of={vm.device('cold1')} bs=512 conv=sync,fsync 2>/dev/null")
    with open(image, "rb") as stream:
        tap.ok(stream.read(11) == b"from-inside", "what the guest writes is in the image")
    name = os.path.basename(vm.device("ro1"))
    tap.ok(vm.guest(f"cat /sys/block/{name}/ro") == "1", "a readonly disk is readonly inside")


def hot(tap, place, vm):
    image = place.image("hot.raw")
    disk = vm.call("attach", path=image, serial="hot1")
    tap.ok(disk["state"] == "plugged" and disk["bus"] == "scsi" and disk["size"] == 64 * MIB,
           "a hot disk is plugged on scsi", disk)
    tap.ok(vm.call("attach", path=image, serial="hot1") == disk, "plugging it again is success")
    tap.ok(vm.size("hot1") == 64 * MIB, "the guest finds it by its serial")
    tap.ok(refused(vm, image, serial="other") == "EXISTS", "but not under another serial")
    tap.ok(refused(vm, image, serial="hot1", bus="virtio") == "EXISTS", "nor on another bus")
    tap.ok(is_open(image), "QEMU has the image open")
    vm.guest(f"mkfs.ext4 -q -F {vm.device('hot1')} && mount {vm.device('hot1')} /mnt "
             "&& echo kept > /mnt/file && umount /mnt", 60)
    with open(image, "rb") as stream:
        stream.seek(1080)
        tap.ok(stream.read(2) == b"\x53\xef", "the guest's file system is in the image")
    return image


def wrong(tap, place, vm):
    image = place.image("other.raw")
    for what, params, code in (
            ("a file that is not there", {"path": place.path("none.raw")}, "NOT_FOUND"),
            ("a directory", {"path": place.root}, "INVALID"),
            ("an image of no whole sectors", {"path": place.image("odd.raw", 1000)}, "INVALID"),
            ("a relative path", {"path": "x.raw"}, "INVALID"),
            ("neither pass nor path", {}, "INVALID"),
            ("a serial of 21 characters", {"path": image, "serial": "x" * 21}, "INVALID"),
            ("a serial that is taken", {"path": image, "serial": "cold1"}, "EXISTS"),
            ("a bus that is none", {"path": image, "bus": "ide"}, "INVALID"),
            ("a pass that is not there", {"pass": place.path("no-pass")}, "NOT_FOUND"),
            ("an image that is no pass", {"pass": place.image("p", 512)}, "INVALID"),
            ("a number as path", {"path": 7}, "INVALID")):
        got = vm.code("attach", **params)
        tap.ok(got == code, f"{what} is refused with {code}", got)
    link = place.path("link.raw")
    os.link(place.path("hot.raw"), link)
    tap.ok(refused(vm, link) == "IN_USE", "the same image by another name is refused")
    tap.ok(vm.code("detach") == "INVALID", "detach wants a name")
    tap.ok(vm.code("detach", disk="nobody") is None, "detaching what is not there is success")
    tap.ok(vm.code("resize", disk="nobody", size=MIB) == "NOT_FOUND", "resizing it is not")
    tap.ok(vm.code("dance") == "UNSUPPORTED", "an unknown method is refused")
    tap.ok(not is_open(image) and len(vm.call("status")["disks"]) == 4, "nothing of it is left")


def grow(tap, vm, image):
    tap.ok(vm.call("resize", disk="hot1", size=96 * MIB)["size"] == 96 * MIB, "a disk grows online")
    wait_until(lambda: vm.size("hot1") == 96 * MIB, 10, "the guest sees the new size")
    tap.ok(os.path.getsize(image) == 96 * MIB, "the guest and the image have the new size")
    tap.ok(vm.code("resize", disk="hot1", size=64 * MIB) == "OUT_OF_RANGE", "it never shrinks")
    os.truncate(image, 128 * MIB)
    tap.ok(vm.call("resize", disk="hot1", size=100 * MIB)["size"] == 128 * MIB
           and os.path.getsize(image) == 128 * MIB,
           "an image that has grown by itself is not cut off")
    tap.ok(vm.code("resize", disk="hot1", size=128 * MIB + 1) == "INVALID", "by whole sectors")
    tap.ok(vm.code("resize", disk="ro1", size=128 * MIB) == "IN_USE", "not a readonly disk")


def unplug(tap, vm, image):
    vm.call("detach", disk="hot1")
    tap.ok(not is_open(image), "after detach nobody has the image open")
    wait_until(lambda: not vm.has_disk("hot1"), 10, "the disk disappears inside")
    tap.ok(vm.disk("hot1") is None, "the disk has gone inside and outside")
    vm.call("attach", path=image, serial="hot1", bus="virtio")
    tap.ok(vm.device("hot1").startswith("/dev/vd"), "it comes back on virtio")
    tap.ok(vm.guest(f"mount {vm.device('hot1')} /mnt && cat /mnt/file; umount /mnt") == "kept",
           "with its data")
    began = time.monotonic()
    vm.call("detach", disk=image)
    tap.ok(not is_open(image), f"and goes again ({(time.monotonic() - began) * 1000:.0f} ms)")


def many(tap, place, vm):
    images = [place.image(f"m{i}.raw", MIB) for i in range(20)]
    for i, image in enumerate(images):
        vm.call("attach", path=image, serial=f"many{i}")
    wait_until(lambda: int(vm.guest("ls /dev/disk/by-id | grep -c many")) == 20, 20, "20 disks")
    luns = {d["lun"] for d in vm.call("status")["disks"] if d["serial"].startswith("many")}
    tap.ok(len(luns) == 20, "20 disks have 20 LUNs")
    for i in range(20):
        vm.call("detach", disk=f"many{i}")
    tap.ok(not any(is_open(image) for image in images), "and all of them go")
    for _ in range(20):
        vm.call("attach", path=images[0], serial="again")
        vm.call("detach", disk="again")
    tap.ok(not is_open(images[0]), "one disk comes and goes 20 times")


def shared(tap, place, vm):
    """Images are locked between VMs; what only reads may share."""
    other = Vm(place, "other", kernel=False, text=f"disks: [{{path: {place.path('ro.raw')}, "
                                                  "readonly: true}]\n")
    tap.ok(len(other.call("status")["disks"]) == 1, "two VMs share a readonly image")
    tap.ok(refused(other, place.path("cold.raw")) == "IN_USE",
           "but a writable image belongs to one VM")
    tap.ok(other.call("stop", force=True) == {"how": "quit"}, "a forced stop is at once")
    tap.ok(other.process.wait(20) == 0, "and no failure")


def main():
    make_guest()
    tap = Tap()
    with Place() as place:
        cold_image = place.image("cold.raw")
        vm = Vm(place, "disks", "disks:\n"
                f"  - {{ path: {cold_image}, serial: cold1 }}\n"
                f"  - {{ path: {place.image('v.raw', 32 * MIB)}, serial: vcold, bus: virtio }}\n"
                f"  - {{ path: {place.image('ro.raw')}, serial: ro1, readonly: true }}\n")
        vm.wait_ready()
        status = vm.call("status")
        tap.ok(status["state"] == "running" and status["accel"] == "tcg", "the VM runs", status)
        cold(tap, vm, cold_image)
        image = hot(tap, place, vm)
        wrong(tap, place, vm)
        grow(tap, vm, image)
        unplug(tap, vm, image)
        many(tap, place, vm)
        shared(tap, place, vm)
        code, said = vm.run_again()
        tap.ok(code != 0 and "runs already" in said, "a second vm run is refused", code, said)
        tap.ok(vm.call("stop") == {"how": "guest"}, "the guest powers off when it is asked to")
        tap.ok(vm.process.wait(20) == 0 and not os.path.exists(vm.directory),
               "vm run ends with 0 and leaves nothing")
        tap.ok(not is_open(cold_image), "and its disks are closed")
    tap.end()


if __name__ == "__main__":
    sys.exit(main())
