#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How VMs end, and guests that do not answer: not booted, deaf, paused, killed."""

import contextlib
import os
import signal
import subprocess
import sys
import time

from machine import FAIRLEAD, SLOWNESS, Place, Vm, is_open, make_guest, wait_until

from tap import Tap


def alive(pid):
    with contextlib.suppress(OSError), open(f"/proc/{pid}/stat", encoding="ascii") as stream:
        return stream.read().rsplit(")", 1)[1].split()[0] != "Z"
    return False


def unbooted(tap, place):
    """Nothing is booted: nobody acknowledges, so nothing is released and nothing is claimed."""
    vm = Vm(place, "unbooted", kernel=False)
    image = place.image("u.raw")
    vm.call("attach", path=image, serial="u", bus="virtio")
    code = vm.code("detach", disk="u", timeout_ms=1500)
    disk = vm.disk("u")
    tap.ok(code == "TIMEOUT", "a guest that does not acknowledge: TIMEOUT", code)
    tap.ok(disk["state"] == "unplugging" and "not acknowledged" in disk["reason"],
           "status says what is missing", disk)
    tap.ok(is_open(image), "and the image is still QEMU's")
    tap.ok(vm.code("attach", path=image, serial="u", bus="virtio") == "TIMEOUT",
           "plugging it in again has to wait")
    tap.ok(vm.code("resize", disk="u", size=128 << 20) == "BUSY", "so has resizing it")
    vm.kill_launcher()
    disk = wait_until(lambda: vm.disk("u"), 10, "the next launcher knows the disk")
    tap.ok(disk["state"] == "unplugging", "a new launcher goes on with it", disk)
    vm.rescue("system_reset")
    wait_until(lambda: vm.disk("u") is None, 20, "a reset completes the unplug")
    tap.ok(not is_open(image), "when the guest lets go after all, the disk is released by itself")
    image2 = place.image("u2.raw")
    vm.call("attach", path=image2, serial="u2")
    vm.call("detach", disk="u2")
    tap.ok(not is_open(image2), "scsi disks need no guest")
    began = time.monotonic()
    tap.ok(vm.call("stop", timeout_ms=1000) == {"how": "quit"},
           "without a guest a stop ends QEMU at its deadline")
    tap.ok(time.monotonic() - began < 10 * SLOWNESS and vm.process.wait(10) == 0, "and soon")


def paused(tap, place):
    vm = Vm(place, "paused")
    vm.wait_ready()
    image = place.image("p.raw")
    vm.call("attach", path=image, serial="p", bus="virtio")
    vm.device("p")
    vm.rescue("stop")
    tap.ok(vm.call("status")["state"] == "paused", "a paused VM says so")
    tap.ok(vm.code("detach", disk="p", timeout_ms=1000) == "TIMEOUT", "it cannot acknowledge")
    vm.rescue("cont")
    wait_until(lambda: vm.disk("p") is None, 10, "the unplug is finished")
    tap.ok(not is_open(image), "when it goes on, the unplug is finished without being asked again")
    os.kill(vm.process.pid, signal.SIGTERM)
    tap.ok(vm.process.wait(30 * SLOWNESS) == 0 and "POWERDOWN" in vm.log(),
           "SIGTERM powers the guest down")
    tap.ok(not os.path.exists(vm.directory), "and leaves nothing")


def deaf(tap, place):
    vm = Vm(place, "deaf", "stop_timeout: 2s\n", cmdline="guest=deaf")
    wait_until(lambda: vm.call("status")["state"] == "running", 30, "it runs")
    vm.kill_launcher()
    # Right now nobody listens to the signal: it has to reach the next launcher.
    os.kill(vm.process.pid, signal.SIGTERM)
    began = time.monotonic()
    tap.ok(vm.process.wait(30 * SLOWNESS) == 0, "a deaf guest is quit at the deadline")
    took = time.monotonic() - began
    tap.ok(took >= 1.5, f"but not before ({took:.1f} s), although the launcher was dead")


def killed(tap, place):
    image = place.image("k.raw")
    vm = Vm(place, "killed", f"disks: [{{path: {image}}}]\n", kernel=False)
    wait_until(lambda: vm.call("status")["state"] == "running", 30, "it runs")
    os.kill(vm.pid("qemu"), signal.SIGKILL)
    tap.ok(vm.process.wait(20 * SLOWNESS) != 0 and "status 137" in vm.log(),
           "vm run reports QEMU's death: 128 + 9", vm.log())
    tap.ok(os.path.exists(f"{vm.directory}/console.log") and not is_open(image),
           "the console's log stays for looking at")
    vm.start()
    wait_until(lambda: vm.call("status")["state"] == "running", 30, "it runs again")
    tap.ok(len(vm.call("status")["disks"]) == 1, "the VM can be run again over what was left")
    qemu, launcher = vm.pid("qemu"), vm.pid("launcher")
    vm.process.kill()
    vm.process.wait()
    wait_until(lambda: not alive(qemu) and not alive(launcher), 10, "both are gone")
    # The last thread of a killed process closes its files, and a zombie may be waiting for it.
    wait_until(lambda: not is_open(image), 10, "the image is closed")
    tap.ok(not alive(qemu), "when the supervisor dies, no QEMU is orphaned")
    vm.start()
    wait_until(lambda: vm.call("status")["state"] == "running", 30, "it runs again")
    tap.ok(True, "and the VM can be run again")
    tap.ok(vm.call("stop", force=True) == {"how": "quit"}, "a forced stop")
    vm.process.wait(10 * SLOWNESS)


def frozen(tap, place):
    """QEMU itself hangs: what cannot be known is not claimed, and the end is certain."""
    vm = Vm(place, "frozen", "stop_timeout: 1s\n", kernel=False)
    wait_until(lambda: vm.call("status")["state"] == "running", 30, "it runs")
    image = place.image("f.raw")
    os.kill(vm.pid("qemu"), signal.SIGSTOP)
    code = vm.code("attach", path=image, serial="f", timeout_ms=1000)
    tap.ok(code in ("TIMEOUT", "UNAVAILABLE"), "a hung QEMU: work may go on, the answer says", code)
    os.kill(vm.pid("qemu"), signal.SIGCONT)
    wait_until(lambda: (vm.disk("f") or {"state": "plugged"})["state"] == "plugged", 20,
               "finished or undone")
    vm.call("attach", path=image, serial="f")
    tap.ok(vm.disk("f")["state"] == "plugged", "asked again when it goes on, the disk is there")
    os.kill(vm.pid("qemu"), signal.SIGSTOP)
    how = vm.call("stop", timeout_ms=500)
    tap.ok(how == {"how": "killed"}, "a QEMU that hangs for good is killed", how)
    tap.ok(vm.process.wait(20 * SLOWNESS) != 0 and "status 137" in vm.log(), "and vm run says so")
    tap.ok(not is_open(image), "its image is closed")


def refused(tap, place):
    """What is wrong on this host is said before anything starts."""
    good = place.image("good.raw")
    for text, said in (
            ("kernel: /none\n", "2: kernel /none: No such file"),
            (f"disks: [{{path: {place.path('no.raw')}}}]\n", "2: disk 1:"),
            (f"disks: [{{path: {place.root}}}]\n", "neither a file nor a block device"),
            (f"disks: [{{path: {place.image('odd', 700)}}}]\n", "multiple of 512"),
            (f"disks:\n  - path: {good}\n  - path: {place.root}/./good.raw\n", "one image"),
            (f"disks: [{{pass: {place.image('none', 512)}}}]\n", "no disk pass"),
            ("accel: kvm\nmachine: pc\n", "machine")):
        path = place.path("bad.yaml")
        with open(path, "w", encoding="utf-8") as stream:
            stream.write("name: bad\n" + text)
        done = subprocess.run([FAIRLEAD, "vm", "run", path], capture_output=True, text=True,
                              stdin=subprocess.DEVNULL, check=False, timeout=30 * SLOWNESS,
                              env=os.environ | {"FAIRLEAD_RUN": place.run})
        tap.ok(done.returncode != 0 and said in done.stderr and
               not os.path.exists(f"{place.run}/vms/bad"),
               f"refused before anything starts: {said}", done.stderr)


def main():
    make_guest()
    tap = Tap()
    with Place() as place:
        for part in (refused, unbooted, paused, deaf, killed, frozen):
            part(tap, place)
    tap.end()


if __name__ == "__main__":
    sys.exit(main())
