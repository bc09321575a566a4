#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The service, the launcher and the command line are killed at random moments of every operation, and
the service is replaced while it serves: the guest goes on writing, and repeating the command
completes it.  FAIRLEAD_SEED repeats a run's moments."""

import contextlib
import os
import random
import signal
import time

from bed import SLOWNESS, Bed, Failed, Tap
from guest import Guest, Stamps

SEED = int(os.environ.get("FAIRLEAD_SEED", time.time_ns() % 1000000))
MIB = 1 << 20
FIRST, BLOCKS = 0, 24576  # 96 MiB
MAIN, POOL = "main", "ext4"


class Crashes:
    def __init__(self, tap, bed, guest):
        self.tap, self.bed, self.guest = tap, bed, guest
        self.random = random.Random(SEED)
        self.kills = 0
        self.size = 128 * MIB
        bed.create(MAIN, POOL, str(self.size))
        _, self.device = guest.attach(MAIN)
        guest.inside(f"dd if=/dev/zero of={self.device} bs=1M count=96 conv=fsync 2>&1")
        self.stamps = Stamps(guest, self.device, FIRST, BLOCKS)
        self.stamps.start()
        self.moments = []  # (volume, first stamp, last stamp) of copies
        self.qemu = guest.qemu()

    # --- killing -----------------------------------------------------------------------------

    def kill_serve(self, _):
        self.bed.serve.kill()
        self.bed.start_serve()

    def kill_launcher(self, _):
        os.kill(self.guest.launcher(), signal.SIGKILL)

    def kill_command(self, command):
        command.kill()

    def kill_all(self, command):
        self.kill_command(command)
        self.kill_launcher(command)
        self.kill_serve(command)

    def interrupted(self, victim, *words):
        """Kills the victim at some moment of the command, and repeats the command."""
        kill = getattr(self, f"kill_{victim}")
        command = self.bed.begin(*words)
        time.sleep(self.random.choice([0.02, 0.1, 0.4]) * self.random.random() * SLOWNESS)
        kill(command)
        self.kills += 1
        with contextlib.suppress(ProcessLookupError):
            command.communicate(timeout=60 * SLOWNESS)
        return self.bed.do(*words)

    def all_victims(self, what, operation):
        for victim in ("serve", "launcher", "command", "all"):
            try:
                operation(victim)
                self.tap.ok(True, f"{what}, with a kill of: {victim}")
            except Failed as why:
                self.tap.ok(False, f"{what}, with a kill of: {victim}", why,
                            self.bed.serve.log()[-2500:], self.guest.log()[-2500:])

    # --- operations --------------------------------------------------------------------------

    def create_and_delete(self, victim):
        self.interrupted(victim, "volume", "create", "side", "--pool", POOL, "--size", "64Mi")
        volumes = [v["id"] for v in self.bed.ask("volume", "list") if v["id"].endswith("/side")]
        if len(volumes) != 1:
            raise Failed(f"created once: {volumes}")
        self.interrupted(victim, "volume", "delete", volumes[0])

    def attach_and_detach(self, victim):
        self.bed.create("hot", POOL, "16Mi")
        self.interrupted(victim, "vm", "attach", self.guest.name, "hot")
        disk = next(d for d in self.disks() if d["volume"].endswith("/hot"))
        device = self.guest.device(disk["serial"])
        self.guest.inside(f"dd if=/dev/zero of={device} bs=1M count=4 conv=fsync 2>&1")
        self.interrupted(victim, "vm", "detach", self.guest.name, "hot")
        self.guest.inside_until(f"! [ -e /sys/block/{device[5:]} ]")
        if len(self.disks()) != 1:
            raise Failed(f"unplugged: {self.disks()}")
        self.bed.do("volume", "delete", "hot")

    def disks(self):
        return self.bed.ask("vm", "status", self.guest.name)["disks"]

    def expand(self, victim):
        self.size += 4 * MIB
        self.interrupted(victim, "volume", "expand", MAIN, "--size", str(self.size))
        self.guest.inside_until(f"grep -qx {self.size // 512} /sys/block/{self.device[5:]}/size")

    def snapshot(self, victim):
        before = self.stamps.now()
        self.interrupted(victim, "snapshot", "create", MAIN, f"snap-{victim}")
        after = self.stamps.now()
        self.bed.ask("volume", "create", f"snapped-{victim}", "--pool", POOL, "--from-snapshot",
                     f"snap-{victim}")
        self.moments.append((f"snapped-{victim}", before, after))
        self.bed.do("snapshot", "delete", f"snap-{victim}")

    def clone(self, victim):
        before = self.stamps.now()
        self.interrupted(victim, "volume", "create", f"cloned-{victim}", "--pool", POOL,
                         "--from-volume", MAIN)
        self.moments.append((f"cloned-{victim}", before, self.stamps.now()))

    def publish(self, victim):
        self.bed.create("side", POOL, "64Mi")
        target = self.bed.path("side")
        self.interrupted(victim, "volume", "publish", "side", "--mount", target)
        with open(f"{target}/there", "w", encoding="utf-8"):
            pass
        self.interrupted(victim, "volume", "unpublish", "side")
        if os.path.exists(f"{target}/there"):
            raise Failed("still mounted")
        self.bed.do("volume", "delete", "side")

    def tell(self):
        self.all_victims("create and delete", self.create_and_delete)
        self.all_victims("attach and detach", self.attach_and_detach)
        self.all_victims("expand", self.expand)
        self.all_victims("snapshot while the guest writes", self.snapshot)
        self.all_victims("clone while the guest writes", self.clone)
        self.all_victims("publish and unpublish a file system", self.publish)
        self.many_kills()
        self.take_over()
        self.guest_is_unharmed()
        self.unplugged_while_copied()
        self.killed_while_copied()
        self.copies_are_moments()

    def many_kills(self):
        """Nothing is under way but the guest's writing."""
        for _ in range(5):
            self.kill_launcher(None)
            self.kill_serve(None)
            self.kills += 2
        self.stamps.goes_on()
        self.tap.ok(True, "service and launcher are killed again and again")

    def take_over(self):
        """A new service takes the sockets over while the old one ends."""
        bed, old = self.bed, self.bed.serve
        lists = [bed.begin("volume", "list", "-o", "json") for _ in range(2)]
        bed.start_serve()
        lists += [bed.begin("volume", "list", "-o", "json") for _ in range(2)]
        status = old.stop()
        lists += [bed.begin("volume", "list", "-o", "json") for _ in range(2)]
        wrong = [listing.communicate()[1] for listing in lists]
        self.tap.ok(status == 0 and not any(listing.returncode for listing in lists),
                    "a second service takes the socket over, and no call fails", status, *wrong)
        try:
            self.size += 4 * MIB
            bed.do("volume", "expand", MAIN, "--size", str(self.size))
            sectors = self.size // 512
            self.guest.inside_until(f"grep -qx {sectors} /sys/block/{self.device[5:]}/size")
            self.tap.ok(True, "the launcher has found the new one: a growth reaches the guest")
        except Failed as why:
            self.tap.ok(False, "the launcher has found the new one: a growth reaches the guest",
                        why, bed.serve.log()[-2500:])

    def guest_is_unharmed(self):
        guest = self.guest
        self.stamps.goes_on()
        last = self.stamps.stop()
        self.tap.ok(guest.qemu() == self.qemu and
                    guest.inside("cat /proc/sys/kernel/random/boot_id") == guest.boot_id,
                    "the guest has run all the time, in one QEMU")
        self.tap.ok(self.stamps.longest_us < 5e6 * SLOWNESS,
                    "no write of the guest failed or took longer than 5 s")
        print(f"# {self.kills} kills, {last} writes, the longest took "
              f"{self.stamps.longest_us / 1e6:.3f} s")
        self.moments.append((MAIN, last, last - 1))

    def unplugged_while_copied(self):
        """QEMU copies for the snapshot: the disk is not torn away from it."""
        bed, last = self.bed, self.stamps.last
        bed.do("snapshot", "create", MAIN, "late", "--no-wait")
        result = bed.command("vm", "detach", self.guest.name, MAIN, "--timeout", "1s")
        self.tap.ok(result.returncode == 4, "a disk that is copied for a snapshot is not unplugged yet",
                    f"status {result.returncode}", result.stderr)
        detach = bed.begin("vm", "detach", self.guest.name, MAIN)
        bed.do("snapshot", "create", MAIN, "late")
        said = detach.communicate(timeout=60 * SLOWNESS)[1]
        self.tap.ok(detach.returncode == 0, "and it is, as soon as the snapshot is ready", said)
        bed.do("volume", "create", "late", "--pool", POOL, "--from-snapshot", "late")
        self.moments.append(("late", last, last - 1))
        bed.do("snapshot", "delete", "late")

    def killed_while_copied(self):
        """The guest's end is the copy's end: that is said, and nothing torn is called a snapshot."""
        bed = self.bed
        self.guest.attach(MAIN)
        first = bed.ask("snapshot", "create", MAIN, "lost", "--no-wait")
        bed.do("vm", "stop", self.guest.name, "--force")
        result = bed.command("snapshot", "create", MAIN, "lost")
        self.tap.ok(not first["ready"] and result.returncode == 1 and "delete" in result.stderr,
                    "a snapshot whose VM is killed while it copies has failed, and says so", first,
                    f"status {result.returncode}", result.stderr)
        bed.do("snapshot", "delete", "lost")
        bed.do("snapshot", "create", MAIN, "lost")
        bed.do("snapshot", "delete", "lost")
        self.tap.ok(True, "deleted and taken again, it is ready")

    def copies_are_moments(self):
        for volume, first, last in self.moments:
            with self.bed.device(volume) as device:
                moment, why = self.stamps.moment_of(device)
            self.tap.ok(moment is not None and first <= moment <= last + 1,
                        f"{volume} is the state of the right moment",
                        f"moment {moment}, wanted from {first} to {last}", why)
            self.bed.do("volume", "delete", volume)


def main():
    tap = Tap()
    print(f"# FAIRLEAD_SEED={SEED}")
    with Bed(POOL) as bed:
        bed.start_serve()
        untouched = bed.untouched()
        guest = Guest(bed)
        try:
            Crashes(tap, bed, guest).tell()
        except Failed as why:
            tap.ok(False, "the story comes to its end", why, bed.serve.log()[-3000:],
                   guest.log()[-3000:])
        bed.end_is_clean(tap, untouched)
    tap.end()


main()
