#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Holds: the guest stands still for a moment while the disk service asks for it, never for longer, and
never goes on because of us when it is somebody else who stopped it.

The guest writes a rising number to one disk and then to the other, again and again: at any one moment
the second disk is at most one behind the first, and never ahead."""

import os
import signal
import sys
import time

from machine import MIB, Place, Vm, make_guest, wait_until
from peer import Service

from tap import Tap

FIRST, SECOND = "default/n1/first", "default/n1/second"


class Guest:
    def __init__(self, service, vm):
        self.service, self.vm = service, vm
        first, second = (vm.device(service.volumes[v]["serial"]) for v in (FIRST, SECOND))
        write = "printf '%08d' $n | dd of={} bs=512 conv=sync,fsync 2>/dev/null; "
        vm.guest("(n=0; while :; do n=$((n+1)); " + write.format(first) + write.format(second) +
                 "done) & true")
        wait_until(lambda: self.number(SECOND) >= 2, 60, "the guest writes")

    def number(self, volume):
        with open(self.service.volumes[volume]["image"], "rb") as stream:
            return int(stream.read(8).strip(b"\0") or 0)

    def numbers(self):
        return self.number(FIRST), self.number(SECOND)

    def is_still(self, seconds=0.5):
        before = self.numbers()
        time.sleep(seconds)
        return self.numbers() == before and before[0] - before[1] in (0, 1)

    def goes_on(self, seconds=20):
        before = self.number(SECOND)
        wait_until(lambda: self.number(SECOND) > before + 1, seconds, "the guest goes on")
        return True

    def hold(self, name, ms=8000, volume=FIRST):
        return self.service.ask("hold", volume=volume, hold=name, ms=ms)

    def unhold(self, name, volume=FIRST):
        return self.service.ask("unhold", volume=volume, hold=name)

    def note(self):
        return os.path.exists(f"{self.vm.directory}/hold.json")


def stands(tap, vm, guest):
    for name in ("h1", "h2", "h3"):
        answer = guest.hold(name)
        status = vm.call("status")
        tap.ok("result" in answer and guest.is_still() and status["state"] == "paused"
               and status["held"], "a held guest stands still between two writes", answer, status)
        answer = guest.unhold(name)
        tap.ok(answer["result"]["stood"] and guest.goes_on() and "held" not in vm.call("status")
               and not guest.note(), "and goes on: the hold stood", answer)
    guest.hold("h4", 3000)
    tap.ok("result" in guest.hold("h4", 8000, SECOND), "asked again, by its other disk, it is held")
    tap.ok(guest.hold("other")["error"]["code"] == "BUSY", "under another name it is busy")
    tap.ok(guest.unhold("other")["result"]["stood"] is False and guest.is_still(),
           "and another name does not end it")
    tap.ok(guest.unhold("h4")["result"]["stood"] and guest.unhold("h4")["result"]["stood"] is False,
           "an ended hold is unknown")
    for params, code in (({"volume": "default/n1/none", "hold": "h", "ms": 1000}, "NOT_FOUND"),
                         ({"volume": FIRST, "hold": "h", "ms": 0}, "INVALID"),
                         ({"volume": FIRST, "hold": "h", "ms": 60000}, "INVALID"),
                         ({"volume": FIRST, "hold": "../h", "ms": 1000}, "INVALID")):
        answer = guest.service.ask("hold", **params)
        tap.ok(answer["error"]["code"] == code, f"{params} is {code}", answer)
    tap.ok(guest.goes_on(), "what is refused stops nobody")


def forgotten(tap, vm, guest):
    begin = time.monotonic()
    guest.hold("f1", 1500)
    tap.ok(guest.is_still(), "a hold that nobody ends stands")
    # The note goes after the guest, and the two are seen apart on a busy machine.
    tap.ok(guest.goes_on() and wait_until(lambda: not guest.note(), 20, "nothing is noted"),
           "until its time has come")
    tap.ok(time.monotonic() - begin >= 1.5, "and not before")
    tap.ok(guest.unhold("f1")["result"]["stood"] is False, "it did not stand to its end")
    guest.hold("f2", 1500)
    guest.hold("f2", 8000)
    begin = time.monotonic()
    wait_until(lambda: vm.call("status")["state"] == "running", 5, "it runs")
    tap.ok(time.monotonic() - begin < 4, "asking again gives no more time")


def killed(tap, vm, guest):
    for stopped in (False, True):
        guest.hold("k1", 9000)
        begin = time.monotonic()
        if stopped:
            # The note is older than `stop`: the guest may run when the next launcher reads it.
            vm.rescue("cont")
        vm.kill_launcher()
        with guest.service.changed:
            guest.service.session = None
        tap.ok(guest.goes_on() and time.monotonic() - begin < 8,
               "the launcher dies: the next one lets the guest go on at once")
        wait_until(lambda: not guest.note(), 10, "the note goes")
        answer = guest.unhold("k1")
        tap.ok(answer["result"]["stood"] is False, "and does not say that the hold stood", answer)
    pid = vm.pid("launcher")
    guest.hold("k2", 1000)
    os.kill(pid, signal.SIGSTOP)
    time.sleep(1.5)
    os.kill(pid, signal.SIGCONT)
    tap.ok(guest.unhold("k2")["result"]["stood"] is False and guest.goes_on(),
           "a launcher that was stopped meanwhile does not either")


def others(tap, vm, guest):
    vm.rescue("stop")
    answer = guest.hold("o1")
    tap.ok("result" in answer and guest.is_still(), "a paused guest is held", answer)
    answer = guest.unhold("o1")
    tap.ok(answer["result"]["stood"] and vm.call("status")["state"] == "paused",
           "and is still paused afterwards", answer)
    guest.hold("o2", 500)
    time.sleep(1.5)
    tap.ok(vm.call("status")["state"] == "paused", "also when the hold was forgotten")
    guest.hold("o3", 8000)
    vm.kill_launcher()
    with guest.service.changed:
        guest.service.session = None
    wait_until(lambda: guest.service.session, 20, "a new launcher")
    time.sleep(1)
    tap.ok(vm.call("status")["state"] == "paused", "and when the launcher died")
    vm.call("resume")
    tap.ok(vm.call("status")["state"] == "running" and guest.goes_on(),
           "who resumes the VM lets a guest go on that somebody has paused")
    guest.hold("o4")
    tap.ok(vm.code("resume", timeout_ms=300) == "BUSY" and guest.is_still(),
           "but none that is held")
    vm.rescue("cont")
    tap.ok(guest.unhold("o4")["result"]["stood"] is False and guest.goes_on(),
           "somebody who lets a held guest go on breaks the hold")


def main():
    make_guest()
    tap = Tap()
    with Place() as place:
        service = Service(place)
        passes = [service.publish(volume, "holds", 8 * MIB) for volume in (FIRST, SECOND)]
        vm = Vm(place, "holds", "disks:\n" + "".join(f"  - {{ pass: {p} }}\n" for p in passes))
        vm.wait_ready()
        guest = Guest(service, vm)
        stands(tap, vm, guest)
        forgotten(tap, vm, guest)
        killed(tap, vm, guest)
        others(tap, vm, guest)
        guest.hold("last")
        tap.ok(vm.call("stop")["how"] == "guest" and vm.process.wait(30) == 0,
               "a held guest that is asked to power off does so")
        service.stop()
    tap.end()


if __name__ == "__main__":
    sys.exit(main())
