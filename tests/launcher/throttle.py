# SPDX-License-Identifier: Apache-2.0
"""Limits of volumes, for volumes.py: that QEMU keeps to them, how soon it has new ones, and that a change
is never lost, whatever the launcher, QEMU or the disk are doing just then: it is made, or refused in a way
that a retry completes."""

import contextlib
import os
import signal
import threading
import time

from machine import MIB, SLOWNESS, kept_limits, wait_until

CHANGES = (900, 200, 1500, 300, 5000)  # up and down


@contextlib.contextmanager
def meanwhile(work):
    """Runs `work` in a thread; it has ended at the end of the block."""
    thread = threading.Thread(target=work)
    thread.start()
    yield
    thread.join()


class Throttle:
    def __init__(self, tap, service, vm):
        self.tap, self.service, self.vm = tap, service, vm
        self.volume = None
        self.serial = None

    def plug_in(self, name, bus="scsi", limits=None):
        self.volume = f"default/n1/{name}"
        path = self.service.publish(self.volume, "volumes", 8 * MIB)
        self.service.volumes[self.volume]["limits"] = limits or {}
        self.serial = self.vm.call("attach", **{"pass": path, "bus": bus})["serial"]
        return path

    def kept(self):
        return kept_limits(self.vm.directory, self.volume)

    def told(self):
        return self.vm.disk(self.serial)["limits"]

    def ask(self, **limits):
        return self.service.ask("limits", volume=self.volume, limits=limits)

    def tell(self):
        for bus in ("scsi", "virtio"):
            self.plug_in(f"slow-{bus}", bus, {"bandwidth": MIB})
            self.tap.ok(self.kept() == {"bps": MIB} and self.told() == {"bandwidth": MIB},
                        f"a {bus} disk is plugged in with its limits", self.kept(), self.told())
            self.changes()
            self.soon()
            self.after_a_restart()
            self.busy()
            self.away()
            self.plugged_out(bus)

    def read(self, count):
        """Has the guest read that many pieces of 64 KiB."""
        self.vm.guest(f"dd if={self.vm.device(self.serial)} of=/dev/null bs=64k count={count} "
                      "iflag=direct 2>/dev/null")

    def changes(self):
        """What QEMU keeps to is asked of QEMU, and once the guest measures it: never faster, that is,
        for slower proves nothing."""
        tap = self.tap
        begin = time.monotonic()
        self.read(64)
        took = time.monotonic() - begin
        tap.ok(took > 2.5, "and reads 4 MiB at 1 MiB a second", took)
        answer = self.ask(iops_read=700, bandwidth_write=MIB)
        tap.ok("result" in answer and self.kept() == {"iops_rd": 700, "bps_wr": MIB},
               "new ones replace them while the guest runs", answer, self.kept())
        answer = self.ask(speed=5)
        tap.ok(answer["error"]["code"] == "INVALID" and self.kept() == {"iops_rd": 700, "bps_wr": MIB},
               "a limit that the launcher does not know is refused", answer)
        # A request that waits for its turn under the old limit: its wait was computed before.
        tap.ok("result" in self.ask(bandwidth=65536), "a very low limit is set")
        with meanwhile(lambda: self.read(64)):
            time.sleep(1)
            begin = time.monotonic()
            answer = self.ask()
        took = time.monotonic() - begin
        tap.ok("result" in answer and self.kept() == {} and took < 20 * SLOWNESS,
               "taken away, it lets go those requests, too, that wait for it", answer, took)

    def soon(self):
        """From the request until QEMU has the limit, while the guest reads the disk.  The best of them
        counts: a machine with fewer processors than processes lets any of them wait for a second
        now and then, which says nothing of us, while a timer, a poll or a pause on the way would be
        in every one."""
        times = []
        reading = f"(while [ ! -e /tmp/{self.serial} ]; do cat {self.vm.device(self.serial)}; done " \
                  ">/dev/null) & true"
        self.vm.guest(reading)
        for iops in CHANGES:
            begin = time.monotonic()
            self.ask(iops=iops)
            wait_until(lambda i=iops: self.kept() == {"iops": i}, 20, "QEMU has the limit")
            times.append(time.monotonic() - begin)
        self.vm.guest(f"touch /tmp/{self.serial}")
        said = ", ".join(f"{t:.3f} s" for t in times)
        print(f"# QEMU had new limits after {said}")
        self.tap.ok(min(times) < SLOWNESS, "new limits are kept within a second while the guest reads",
                    said)

    def after_a_restart(self):
        self.service.volumes[self.volume]["limits"] = {"iops": 900}
        self.restart_launcher()
        wait_until(lambda: self.told() == {"iops": 900}, 20, "the new launcher knows")
        self.tap.ok(self.kept() == {"iops": 900},
                    "those that changed while no launcher listened are kept by the next one")

    def restart_launcher(self):
        self.vm.kill_launcher()
        with self.service.changed:
            self.service.session = None

    def busy(self):
        """QEMU or the launcher is at something else for a moment."""
        tap, vm = self.tap, self.vm
        qemu = vm.pid("qemu")
        os.kill(qemu, signal.SIGSTOP)
        with meanwhile(lambda: vm.call("status")):
            timer = threading.Timer(1, os.kill, (qemu, signal.SIGCONT))
            timer.start()
            answer = self.ask(iops=910)
        timer.join()
        tap.ok("result" in answer and self.kept() == {"iops": 910},
               "while QEMU does not answer, and the launcher waits for it, a change waits", answer)
        answer = self.service.ask("hold", volume=self.volume, hold="h", ms=8000)
        changed = self.ask(iops=920)
        tap.ok("result" in answer and "result" in changed and self.kept() == {"iops": 920}
               and vm.call("status")["state"] == "paused", "it is made while the guest is held",
               answer, changed, self.kept())
        answer = self.service.ask("unhold", hold="h")
        tap.ok(answer["result"]["stood"] and self.kept() == {"iops": 920},
               "and stays when the guest goes on", answer)

    def away(self):
        """A new launcher has asked for the disk's descriptors, and the answer has the old limits."""
        late = threading.Event()
        self.service.volumes[self.volume]["limits"] = {"iops": 930}
        self.service.behave = {("attach", self.volume): late}
        self.restart_launcher()
        wait_until(lambda: not self.service.behave, 20, "the new launcher asks")
        refused = self.ask(iops=940)
        late.set()
        wait_until(lambda: self.kept() == {"iops": 930}, 20, "the answer comes")
        wait_until(lambda: "result" in self.ask(iops=940), 20, "the disk is not busy")
        self.tap.ok(refused["error"]["code"] == "BUSY" and self.kept() == {"iops": 940},
                    "while a new launcher opens the disk again a change is refused for the moment, and "
                    "made when it is repeated", refused, self.kept())

    def plugged_out(self, bus):
        """A guest that stands still lets no virtio disk go; SCSI does not ask it."""
        tap, vm = self.tap, self.vm
        if bus == "virtio":
            vm.rescue("stop")
            code = vm.code("detach", volume=self.volume, timeout_ms=500)
            answer = self.ask(iops=950)
            tap.ok(code == "TIMEOUT" and answer["error"]["code"] == "BUSY",
                   "while the disk is plugged out a change is refused for the moment", code, answer)
            vm.rescue("cont")
        vm.call("detach", volume=self.volume)
        answer = self.ask(iops=950)
        tap.ok(answer["error"]["code"] == "BUSY", "a disk that is not there is asked for again", answer)
        self.plugged_in(bus)

    def plugged_in(self, bus):
        """The service has read the record for the answer to `attach`, and then that changes."""
        late = threading.Event()
        self.service.behave = {"attach": late}
        with meanwhile(lambda: self.plug_in(f"next-{bus}", bus, {"iops": 960})):
            wait_until(lambda: not self.service.behave, 20, "the launcher asks")
            refused = self.ask(iops=970)
            late.set()
        answer = self.ask(iops=970)
        self.tap.ok(refused["error"]["code"] == "BUSY" and "result" in answer
                    and self.kept() == {"iops": 970},
                    "while the disk is plugged in a change is refused for the moment, and made when it "
                    "is repeated", refused, answer, self.kept())
        self.vm.call("detach", volume=self.volume)
