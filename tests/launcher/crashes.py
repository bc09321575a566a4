#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The launcher is killed again and again, at chosen points and at random ones: the VM goes on, and
whatever was under way is finished or undone."""

import os
import random
import sys
import threading
import time

from machine import MIB, Place, Refused, Vm, is_open, make_guest, wait_until

from tap import Tap

ROUNDS = 16


class Killer:
    """Kills the launcher some milliseconds after each request was begun."""

    def __init__(self, vm):
        self.vm = vm
        self.kills = 0
        self.random = random.Random(7)

    def during(self, method, **params):
        self.rest()
        timer = threading.Timer(self.random.uniform(0, 0.03), self.kill)
        timer.start()
        try:
            self.vm.call(method, **params)
        finally:
            timer.join()

    def rest(self):
        """A launcher that has lived for a second is started again at once."""
        wait_until(lambda: self.vm.call("status")["launcher_uptime_ms"] > 1000, 20, "it lives")

    def kill(self):
        self.kills += 1
        self.vm.kill_launcher()


def stable(vm):
    return all(d["state"] == "plugged" for d in vm.call("status")["disks"])


def attach_and_detach(tap, place, vm, killer):
    images = {f"c{i}": place.image(f"c{i}.raw", 8 * MIB) for i in range(4)}
    wrong = []
    for i in range(ROUNDS):
        serial = f"c{i % 4}"
        bus = "virtio" if i % 8 == 3 else "scsi"
        killer.during("attach", path=images[serial], serial=serial, bus=bus)
        if (vm.disk(serial) or {}).get("state") != "plugged":
            wrong.append(f"round {i}: after attach: {vm.disk(serial)}")
        if i % 3 == 0:
            size = vm.disk(serial)["size"] + MIB
            killer.during("resize", disk=serial, size=size)
            if os.path.getsize(images[serial]) != size:
                wrong.append(f"round {i}: not resized")
        killer.during("detach", disk=serial)
        if vm.disk(serial) or is_open(images[serial]):
            wrong.append(f"round {i}: after detach: {vm.disk(serial)}")
    tap.ok(not wrong, f"{killer.kills} kills of the launcher during attach, resize and detach: "
                      "each request, asked again, ends right", *wrong)


def abandoned(tap, place, vm, killer):
    """Nobody asks again: the next launcher alone finishes or undoes."""
    wrong = []
    for i in range(12):
        image = place.image(f"a{i}.raw", MIB)
        done = threading.Event()

        def once(image=image, serial=f"a{i}", done=done):
            try:
                vm.call_once("attach", path=image, serial=serial)
            except (OSError, Refused):
                pass
            done.set()

        killer.rest()
        threading.Thread(target=once).start()
        time.sleep(killer.random.uniform(0, 0.012))
        killer.kill()
        done.wait(60)
        wait_until(lambda: stable(vm), 20, "no disk is between two states")
        disk = vm.disk(f"a{i}")
        if bool(disk) != is_open(image):
            wrong.append(f"{i}: {disk}, open: {is_open(image)}")
        vm.call("detach", disk=f"a{i}")
    tap.ok(not wrong, "what nobody asks for again is finished or undone too", *wrong)
    nodes = vm.rescue("query-named-block-nodes", flat=True)
    sets = vm.rescue("query-fdsets")
    tap.ok(len(nodes) == 2 and len(sets) == 1, "nothing is left in QEMU but the cold disk", nodes,
           sets)


def starting(tap, place):
    """The launcher dies while the VM is not running yet."""
    disks = "".join(f"  - {{ path: {place.image(f's{i}.raw', MIB)}, serial: s{i} }}\n"
                    for i in range(12))
    vm = Vm(place, "starting", f"disks:\n{disks}", kernel=False)
    for _ in range(6):
        before = vm.pid("launcher")
        vm.kill_launcher()
        wait_until(lambda before=before: vm.pid("launcher") not in (0, before), 20, "a new launcher")
    wait_until(lambda: vm.call("status")["state"] == "running", 60, "it runs")
    tap.ok(len(vm.call("status")["disks"]) == 12 and stable(vm),
           "killed six times while it starts the VM, it starts with all 12 disks")
    vm.call("stop", force=True)
    vm.process.wait()


def main():
    make_guest()
    tap = Tap()
    with Place() as place:
        cold = place.image("cold.raw", 16 * MIB)
        vm = Vm(place, "crashes", f"disks: [{{ path: {cold}, serial: cold }}]\n")
        starting(tap, place)
        vm.wait_ready()
        qemu = vm.pid("qemu")
        booted = vm.guest("cat /proc/sys/kernel/random/boot_id")
        vm.guest("(i=0; while :; do i=$((i+1)); printf '%08d' $i | dd of=/dev/sda bs=8 "
                 "conv=fsync 2>/dev/null; done) & true")
        killer = Killer(vm)
        attach_and_detach(tap, place, vm, killer)
        abandoned(tap, place, vm, killer)
        tap.ok(vm.pid("qemu") == qemu and vm.process.poll() is None, "QEMU is the same process")
        tap.ok(vm.guest("cat /proc/sys/kernel/random/boot_id") == booted,
               "the guest has not been restarted")
        with open(cold, "rb", buffering=0) as stream:
            first = int(stream.read(8))
            time.sleep(1)
            stream.seek(0)
            tap.ok(int(stream.read(8)) > first, "and goes on writing")
        tap.ok(vm.guest("dmesg | grep -ci 'i/o error.*sda'") == "0", "without an error on its disk")
        tap.ok("uptime" in vm.guest("echo uptime"), "the console works after all that")
        tap.ok(vm.call("stop")["how"] == "guest" and vm.process.wait(30) == 0, "and it stops orderly")
    tap.end()


if __name__ == "__main__":
    sys.exit(main())
