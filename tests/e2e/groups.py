#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Group snapshots of the disks of a running guest, on ext4 (where they are copied), XFS and btrfs (where
they are cut), while the service and the launcher are killed.  FAIRLEAD_SEED repeats a run's moments.

The guest writes a rising number to one disk, waits until it is there, and writes it to the other, again
and again.  At any one moment the second disk has the first one's number or the one before it; two
disks that are cut one after the other have not."""

import os
import random
import signal
import time

from bed import CUTS, SLOWNESS, Bed, Failed, Tap, wait_until
from guest import Guest

SEED = int(os.environ.get("FAIRLEAD_SEED", time.time_ns() % 1000000))
FIRST, SECOND, IDLE = "first", "second", "idle"
BETWEEN = 12  # idle volumes, so that the cuts of the two disks are some writes of the guest apart
KILLS = 5  # of each kind, in each pool
LONGEST_HOLD = 5


class Story:
    def __init__(self, tap, bed, guest, pool):
        self.tap, self.bed, self.guest, self.pool = tap, bed, guest, pool
        self.random = random.Random(f"{SEED}{pool}")
        self.volumes = [f"{name}-{pool}" for name in (FIRST, SECOND)]
        self.idle = [f"{IDLE}{i}-{pool}" for i in range(BETWEEN)]

    def ok(self, good, what, *details):
        return self.tap.ok(good, f"{self.pool}: {what}", *details)

    def tell(self):
        self.begin()
        self.snapshot_together()
        self.snapshot_apart()
        self.kernel_device()
        self.kill("the service", self.kill_service)
        self.kill("the launcher", self.kill_launcher)
        self.kill("both", self.kill_both)
        self.end()

    # --- what the disks hold -----------------------------------------------------------------

    def number(self, *parts):
        with open(os.path.join(self.bed.volumes(self.pool), *parts, "image"), "rb") as stream:
            return int(stream.read(8).strip(b"\0") or 0)

    def now(self):
        return self.number("volumes", self.volumes[1])

    def goes_on(self, seconds=20):
        before = self.now()
        wait_until(lambda: self.now() > before + 2, seconds, "the guest goes on")

    def numbers(self, snapshots):
        """Of the snapshots of the first and the second disk."""
        by_volume = {s["volume"].rsplit("/", 1)[1]: s["id"].rsplit("/", 1)[1] for s in snapshots}
        return [self.number("snapshots", by_volume[volume]) for volume in self.volumes]

    def is_one_moment(self, group):
        first, second = self.numbers(group["snapshots"])
        return first - second in (0, 1)

    # --- the story ---------------------------------------------------------------------------

    def begin(self):
        devices = []
        for volume in self.volumes:
            self.bed.create(volume, self.pool, "16Mi")
            devices.append(self.guest.attach(volume)[1])
        for volume in self.idle:
            self.bed.create(volume, self.pool, "1Mi")
        write = "printf '%08d' $n | dd of={} bs=512 conv=sync,fsync 2>/dev/null; "
        self.guest.inside("rm -f /tmp/halt; (n=0; while [ ! -e /tmp/halt ]; do n=$((n+1)); " +
                          "".join(write.format(device) for device in devices) +
                          "done) >/dev/null 2>&1 </dev/null & true")
        self.goes_on(60)

    def create(self, name, *between):
        return self.bed.ask("snapshot", "group", "create", name, self.volumes[0], *between,
                            self.volumes[1])

    def delete(self, group):
        self.bed.do("snapshot", "group", "delete", group["id"])

    def left(self):
        """What the pool still has of snapshots, copies and groups."""
        return [f"{folder}/{name}" for folder in ("snapshots", "tmp", "trash", "records")
                for name in os.listdir(os.path.join(self.bed.volumes(self.pool), folder))]

    def snapshot_together(self):
        seen = []
        for i in range(6):
            group = self.create(f"together{i}", *self.idle)
            seen.append(self.numbers(group["snapshots"]))
            self.goes_on()
            self.delete(group)
        self.ok(all(first - second in (0, 1) for first, second in seen),
                "six groups: each is one moment of both disks", seen)
        self.ok(seen[0][0] < seen[-1][0], "and the guest went on between them", seen)
        self.ok(not self.left(), "nothing is left of them", *self.left())

    def snapshot_apart(self):
        """Without the hold, the numbers tell."""
        snapshots = []
        for volume in self.volumes:
            snapshots.append(self.bed.ask("snapshot", "create", volume, f"alone-{volume}"))
            self.goes_on()
        first, second = self.numbers(snapshots)
        self.ok(first - second not in (0, 1), "two snapshots that are no group are two moments", first,
                second)
        for snapshot in snapshots:
            self.bed.do("snapshot", "delete", snapshot["id"])

    def kernel_device(self):
        device = self.idle[0]
        with self.bed.device(device):
            result = self.bed.command("snapshot", "group", "create", "device", *self.volumes, device)
            if CUTS[self.pool]:
                self.ok(result.returncode == 0, "a kernel device may be in a group", result.stderr)
                self.bed.do("snapshot", "group", "delete", "device")
            else:
                self.ok(result.returncode == 5 and "detach it" in result.stderr,
                        "a kernel device is refused with the way out", result.stderr)
        self.ok(not self.left(), "and nothing is left", *self.left())

    # --- killing -----------------------------------------------------------------------------

    def kill_service(self):
        self.bed.serve.kill()
        self.bed.start_serve()

    def kill_launcher(self):
        os.kill(self.guest.launcher(), signal.SIGKILL)

    def kill_both(self):
        self.kill_launcher()
        self.kill_service()

    def kill(self, who, how):
        """At a random moment of the making; the guest goes on in any case, and a repeat completes it."""
        wrong = []
        for i in range(KILLS):
            name = f"killed{i}"
            command = self.bed.begin("snapshot", "group", "create", name, *self.volumes)
            time.sleep(self.random.uniform(0, 0.25) * SLOWNESS)
            how()
            begin = time.monotonic()
            self.goes_on(LONGEST_HOLD + 10)
            if time.monotonic() - begin > (LONGEST_HOLD + 5) * SLOWNESS:
                wrong.append(f"round {i}: the guest stood still for {time.monotonic() - begin:.1f} s")
            command.kill()
            command.communicate()
            group = self.create(name)
            if not self.is_one_moment(group):
                wrong.append(f"round {i}: {self.numbers(group['snapshots'])}")
            if len(self.bed.ask("snapshot", "list")) != 2:
                wrong.append(f"round {i}: more than the group is listed")
            self.delete(group)
            if self.left():
                wrong.append(f"round {i}: left: {self.left()}")
            self.goes_on()
        self.ok(not wrong, f"{who} killed {KILLS} times while a group is made: the guest goes on, a "
                           "repeat makes one moment, nothing is left", *wrong)

    def end(self):
        self.guest.inside("touch /tmp/halt; sleep 2")
        for volume in self.volumes:
            self.bed.do("vm", "detach", self.guest.name, volume)
        for volume in [*self.volumes, *self.idle]:
            self.bed.do("volume", "delete", volume)


def main():
    tap = Tap()
    print(f"# FAIRLEAD_SEED={SEED}")
    with Bed(*CUTS) as bed:
        bed.start_serve()
        untouched = bed.untouched()
        try:
            guest = Guest(bed)
            for pool in CUTS:
                Story(tap, bed, guest, pool).tell()
            tap.ok(guest.inside("cat /proc/sys/kernel/random/boot_id") == guest.boot_id,
                   "the guest was never restarted")
            tap.ok(guest.stop() == 0, "the guest powers off")
            bed.end_is_clean(tap, untouched)
        except Failed as why:
            tap.ok(False, "the story goes on to its end", why)
    tap.end()


main()
