#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Volumes that a disk service hands out: passes, release, growth, copies while the guest writes, and
a service that comes and goes."""

import os
import sys
import time

from machine import MIB, Place, Vm, is_open, kept_limits, make_guest, wait_until
from peer import Service
from throttle import Throttle

from tap import Tap

VOLUME = "default/n1/pvc-1"


def passes(tap, place, service, vm, path):
    disk = vm.call("attach", **{"pass": path})
    image = service.volumes[VOLUME]["image"]
    tap.ok(disk["volume"] == VOLUME and disk["serial"] == "vol-pvc-1" and is_open(image),
           "a pass plugs its volume in", disk)
    tap.ok(vm.call("attach", **{"pass": path}) == disk, "again is success")
    tap.ok(vm.size(disk["serial"]) == 64 * MIB, "the guest finds it by the service's serial")
    other = service.publish("default/n1/other", "somebody-else", MIB)
    tap.ok(vm.code("attach", **{"pass": other}) == "DENIED", "another VM's pass is refused")
    readonly = service.publish("default/n1/ro", "volumes", MIB, readonly=True)
    disk = vm.call("attach", **{"pass": readonly})
    name = os.path.basename(vm.device(disk["serial"]))
    tap.ok(disk["readonly"] and vm.guest(f"cat /sys/block/{name}/ro") == "1",
           "a readonly volume is readonly inside")
    vm.call("detach", volume="default/n1/ro")
    lost = service.publish("default/n1/lost", "volumes", MIB)
    service.volumes.pop("default/n1/lost")
    tap.ok(vm.code("attach", **{"pass": lost}) == "DENIED", "a volume that is not published is not had")
    tap.ok([d["volume"] for d in vm.call("status")["disks"] if "volume" in d] == [VOLUME],
           "nothing of the refused ones is left")
    with open(vm.log_path, encoding="utf-8") as log, \
            open(f"{vm.directory}/state.json", encoding="utf-8") as state:
        tap.ok(service.volumes[VOLUME]["token"] not in log.read() + state.read(),
               "the token is neither in the log nor on record")


def growth(tap, service, vm):
    image = service.volumes[VOLUME]["image"]
    serial = service.volumes[VOLUME]["serial"]
    answer = service.ask("resize", volume=VOLUME, size=128 * MIB)
    tap.ok(answer["error"]["code"] == "OUT_OF_RANGE" and os.path.getsize(image) == 64 * MIB,
           "a volume does not outgrow its storage", answer)
    os.truncate(image, 128 * MIB)
    answer = service.ask("resize", volume=VOLUME, size=128 * MIB)
    tap.ok(answer["result"]["size"] == 128 * MIB and vm.size(serial) == 128 * MIB,
           "after the storage has grown the guest is told", answer)
    answer = service.ask("resize", volume=VOLUME, size=64 * MIB)
    tap.ok(answer["error"]["code"] == "OUT_OF_RANGE", "it never shrinks", answer)
    answer = service.ask("resize", volume="default/n1/none", size=MIB)
    tap.ok(answer["error"]["code"] == "NOT_FOUND", "a volume that is not plugged in is not found")


def start_copy(place, service, job, name):
    target = place.image(name, 128 * MIB)
    fd = os.open(target, os.O_RDWR | os.O_CLOEXEC)
    try:
        return target, service.ask("copy-start", fd, volume=VOLUME, job=job)
    finally:
        os.close(fd)


def wait_copied(service, job):
    def ended():
        state = service.ask("copy-status", job=job)["result"]
        return state if state["state"] != "running" else None
    return wait_until(ended, 60, "the copy ends")


def copies(tap, place, service, vm):
    """The guest writes a rising number to block after block: at any one moment the disk holds two
    neighbouring numbers and no others, so a copy of several moments is seen at once."""
    serial = service.volumes[VOLUME]["serial"]
    device = vm.device(serial)
    writer = (f"(n=0; while [ ! -e /tmp/halt ]; do n=$((n+1)); i=0; while [ $i -lt 64 ]; do "
             f"printf '%08d' $n | dd of={device} bs=512 seek=$((i*4096)) conv=sync,fsync "
             "2>/dev/null; i=$((i+1)); done; done) & true")
    image = service.volumes[VOLUME]["image"]

    def number(path, block):
        with open(path, "rb") as stream:
            stream.seek(block * 4096 * 512)
            return int(stream.read(8).strip(b"\0") or 0)

    vm.guest(f"for i in $(seq 0 63); do dd if=/dev/zero of={device} bs=512 count=1 "
             "seek=$((i*4096)) 2>/dev/null; done; sync")
    vm.guest(writer)
    wait_until(lambda: number(image, 0) >= 2, 60, "the guest writes")
    low = number(image, 63)
    target, answer = start_copy(place, service, "job-1", "copy1.raw")
    cut = answer["result"]["cut_ns"]
    tap.ok(abs(time.time_ns() - cut) < 60e9, "a copy starts and tells its time", answer)
    job = vm.rescue("query-jobs")[0]
    vm.rescue("block-job-set-speed", device=job["id"], speed=16 * MIB)
    tap.ok(job["type"] == "backup" and service.ask("copy-status", job="job-1")["result"]["state"]
           == "running", "it runs, made slow so that much is written meanwhile", job)
    fd = os.open(target, os.O_RDWR | os.O_CLOEXEC)
    answer = service.ask("copy-start", fd, volume=VOLUME, job="job-1")
    os.close(fd)
    tap.ok(answer["result"]["cut_ns"] == cut, "asked again it tells the same time")
    tap.ok(vm.code("detach", volume=VOLUME) == "BUSY", "a disk that is being copied stays")
    for limits, kept in (({"iops": 5000}, {"iops": 5000}), ({}, {})):
        answer = service.ask("limits", volume=VOLUME, limits=limits)
        tap.ok("result" in answer and kept_limits(vm.directory, VOLUME) == kept,
               f"it gets limits meanwhile: {limits}", answer)
    os.truncate(image, 160 * MIB)
    answer = service.ask("resize", volume=VOLUME, size=160 * MIB)
    tap.ok(answer["error"]["code"] == "BUSY", "and keeps its size until then", answer)
    os.truncate(image, 128 * MIB)
    vm.kill_launcher()
    with service.changed:
        service.session = None
    state = wait_copied(service, "job-1")
    tap.ok(state["state"] == "done" and state["done"] == state["total"],
           "the copy outlives the launcher and is found again", state)
    tap.ok("result" in service.ask("copy-finish", job="job-1"), "it is finished")
    tap.ok(not is_open(target), "the target is closed")
    tap.ok(number(image, 63) > number(target, 0), "the guest has written all blocks meanwhile")
    numbers = [number(target, i) for i in range(64)]
    rises = [i for i in range(63) if numbers[i] < numbers[i + 1]]
    tap.ok(not rises and numbers[0] - numbers[63] <= 1 and numbers[63] >= low,
           "the copy is one moment while the guest writes", numbers)
    tap.ok(service.ask("copy-status", job="job-1")["result"]["state"] == "unknown",
           "what is finished is forgotten")
    tap.ok("result" in service.ask("copy-finish", job="job-1"), "finishing it again is success")
    target, _ = start_copy(place, service, "job-2", "copy2.raw")
    tap.ok("result" in service.ask("copy-finish", job="job-2") and not is_open(target),
           "a running copy is cancelled")
    fd = os.open(place.image("large.raw", 192 * MIB), os.O_RDWR)
    answer = service.ask("copy-start", fd, volume=VOLUME, job="job-4")
    tap.ok("result" in answer and wait_copied(service, "job-4")["state"] == "done" and
           os.fstat(fd).st_size == 192 * MIB, "a larger target takes the copy and keeps its size",
           answer)
    os.close(fd)
    service.ask("copy-finish", job="job-4")
    target, _ = start_copy(place, service, "job-5", "gone.raw")
    os.unlink(target)
    wait_until(lambda: service.ask("copy-status", job="job-5")["result"]["state"] == "unknown", 20,
               "the copy ends")
    tap.ok(not vm.rescue("query-jobs"), "a copy whose target is deleted ends by itself")
    fd = os.open(place.image("small.raw", MIB), os.O_RDWR)
    answer = service.ask("copy-start", fd, volume=VOLUME, job="job-3")
    os.close(fd)
    tap.ok("error" in answer and service.ask("copy-status", job="job-3")["result"]["state"]
           == "unknown", "a smaller target is refused and forgotten", answer)
    tap.ok("error" in service.ask("copy-start", volume=VOLUME, job="job-4"), "so is none at all")
    tap.ok(service.ask("dance")["error"]["code"] == "UNSUPPORTED", "and a method that is none")
    vm.guest("touch /tmp/halt")


def interrupted(tap, place, service, vm):
    image = service.volumes[VOLUME]["image"]
    service.stop()
    tap.ok(vm.disk(service.volumes[VOLUME]["serial"])["state"] == "plugged",
           "without its service a VM goes on")
    code = vm.code("detach", volume=VOLUME)
    disk = vm.disk(service.volumes[VOLUME]["serial"])
    tap.ok(code == "UNAVAILABLE" and disk["state"] == "releasing" and disk["reason"],
           "a detach that cannot be told says so", code, disk)
    tap.ok(not is_open(image), "though the image is closed")
    service.start()
    wait_until(lambda: vm.disk(disk["serial"]) is None, 20, "it is released")
    tap.ok(service.seen[-1] == "release", "when the service is back it is told")
    tap.ok(vm.code("detach", volume=VOLUME) is None, "and the detach, asked again, is success")
    for behave, codes in (("hang up", ("UNAVAILABLE",)), ("nonsense", ("INTERNAL",)),
                          ("silence", ("TIMEOUT",))):
        path = service.publish(VOLUME, "volumes", MIB)
        service.behave = {"attach": behave}
        code = vm.code("attach", **{"pass": path, "timeout_ms": 2000})
        tap.ok(code in codes, f"a service that answers with {behave}: {codes[0]}", code)
        tap.ok(vm.call("attach", **{"pass": path})["state"] == "plugged", "asked again it works")
        vm.call("detach", volume=VOLUME)
    tap.ok(not is_open(service.volumes[VOLUME]["image"]), "and everything is closed in the end")


def waiting(tap, place):
    """The VM is started before the service is: it waits and says for what."""
    service = Service(place)
    path = service.publish("default/n1/cold", "waits", MIB)
    service.stop()
    vm = Vm(place, "waits", f"disks: [{{ pass: {path} }}]\n", kernel=False)
    wait_until(lambda: "disk service" in vm.call("status").get("waiting", ""), 20, "it says")
    tap.ok(vm.call("status")["state"] == "prelaunch", "a VM waits for its volume and says so")
    service.start()
    wait_until(lambda: vm.call("status")["state"] == "running", 20, "it runs")
    tap.ok(vm.disk("vol-cold")["state"] == "plugged", "when the service comes it starts")
    vm.call("stop", force=True)
    tap.ok(vm.process.wait(20) == 0 and "release" in service.seen, "at its end the volume is released")
    service.volumes.clear()
    vm.start()
    tap.ok(vm.process.wait(30) != 0 and "cannot be started" in vm.log(),
           "a volume that will never come ends the VM with the reason", vm.log()[-500:])
    service.stop()


def main():
    make_guest()
    tap = Tap()
    with Place() as place:
        waiting(tap, place)
        service = Service(place)
        vm = Vm(place, "volumes")
        path = service.publish(VOLUME, "volumes", 64 * MIB)
        with open(service.volumes[VOLUME]["image"], "r+b") as stream:
            stream.write(os.urandom(64 * MIB)) # a hole would be copied at once
        vm.wait_ready()
        passes(tap, place, service, vm, path)
        growth(tap, service, vm)
        Throttle(tap, service, vm).tell()
        copies(tap, place, service, vm)
        interrupted(tap, place, service, vm)
        tap.ok(vm.call("stop")["how"] == "guest" and vm.process.wait(30) == 0, "it stops orderly")
        service.stop()
    tap.end()


if __name__ == "__main__":
    sys.exit(main())
