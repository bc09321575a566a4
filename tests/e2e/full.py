#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A pool that is full to the last block: nothing is damaged, and volumes can be detached and deleted,
which is how it gets room again.  A guest that needs a block meanwhile stands still, the volume's health says
so, and the guest goes on without having seen an error."""

import json
import os
import signal
import subprocess

import bed as beds
from bed import BUILD, SLOWNESS, Bed, Failed, Tap, must, wait_until
from guest import Guest, Stamps

POOLS = ("ext4", "xfs", "btrfs")
ASKER = os.path.join(BUILD, "tests/csi/asker")
BLOCKS = 16384


def fill(path):
    """Takes every block, in ever smaller pieces."""
    for size in ("1M", "4k", "512"):
        subprocess.run(["dd", "if=/dev/zero", f"of={path}/other-{size}", f"bs={size}",
                        "oflag=append", "conv=notrunc"], check=False, capture_output=True)
    must("sync", "-f", path)


def make_room(path):
    for name in os.listdir(path):
        if name.startswith("other-"):
            os.unlink(os.path.join(path, name))
    must("sync", "-f", path)


def tell(tap, bed, pool):
    def ok(status, wanted, what):
        return tap.ok(status.returncode == wanted, f"{pool}: {what}",
                      f"status {status.returncode}: {status.stderr}")

    device = bed.path(f"device-{pool}")
    bed.create(f"idle-{pool}", pool, "16Mi")
    bed.create(f"used-{pool}", pool, "16Mi")
    bed.do("volume", "publish", f"used-{pool}", "--device", device)
    fill(bed.volumes(pool))
    ok(bed.command("volume", "create", f"thick-{pool}", "--pool", pool, "--size", "16Mi",
                   "--param", "thin=false"), 6, "a full pool makes no thick volume")
    ok(bed.command("volume", "unpublish", f"used-{pool}"), 0, "a volume is detached")
    ok(bed.command("volume", "delete", f"idle-{pool}"), 0,
       "a volume that was never attached is deleted")
    ok(bed.command("volume", "delete", f"used-{pool}"), 0, "and the one that was detached")
    make_room(bed.volumes(pool))
    bed.create(f"next-{pool}", pool, "16Mi", "--param", "thin=false")
    ok(bed.command("volume", "delete", f"next-{pool}"), 0,
       "when there is room again, a volume is made")
    tap.ok(os.stat(os.path.join(bed.volumes(pool), "reserve")).st_blocks >= 1024,
           f"{pool}: and room is kept back again")


class Stalled:
    """A guest that stamps a thin volume, on a pool that gets full."""

    def __init__(self, tap, bed, pool):
        self.tap, self.bed, self.pool = tap, bed, pool
        self.volume = f"thin-{pool}"
        self.volume_id = bed.create(self.volume, pool, "64Mi")
        self.guest = Guest(bed)
        disk, device = self.guest.attach(self.volume)
        self.serial = disk["serial"]
        self.stamps = Stamps(self.guest, device, 0, BLOCKS)
        self.stamps.start()
        (self.path,) = bed.ask("volume", "show", self.volume)["published"]

    def ok(self, good, what, *details):
        return self.tap.ok(good, f"{self.pool}: {what}", *details)

    def health(self):
        """What `volume health` says: reason → message; and its status."""
        result = self.bed.command("volume", "health", self.volume, "-o", "json")
        rows = json.loads(result.stdout)
        return {row["reason"]: row["message"] for row in rows}, result.returncode

    def condition(self):
        """What an orchestrator of 1.12 is told: nothing when all is well."""
        line = {"method": "Node.NodeGetVolumeStats", "timeout_ms": int(60000 * SLOWNESS),
                "request": {"volume_id": self.volume_id, "volume_path": self.path}}
        said = subprocess.run([ASKER, f"unix://{self.bed.serve.socket}"], check=True, text=True,
                              input=json.dumps(line) + "\n", capture_output=True).stdout
        answer = json.loads(said)
        if answer["code"] != "OK":
            raise Failed(said)
        condition = answer["answers"][0]["volume_condition"]
        return condition["message"] if condition.get("abnormal") else ""

    def status(self):
        return self.bed.ask("vm", "status", self.guest.name)

    def resume(self):
        return self.bed.command("vm", "resume", self.guest.name)

    def says_so(self, what):
        health, code = self.health()
        condition = self.condition()
        texts = [health.get("GuestStopped", ""), condition[condition.find("GuestStopped"):]]
        self.ok(code == 7 and all("VM g " in text and "vm resume g" in text for text in texts),
                what, code, health, condition)

    def tell(self):
        self.ok(self.health() == ({}, 0) and self.condition() == "", "a guest that writes is healthy",
                self.health(), self.condition())
        fill(self.bed.volumes(self.pool))
        wait_until(lambda: self.status()["state"] == "io-error", 60, "the guest stands still")
        self.says_so("a guest that finds no space stands still, and its volume's health says so")
        reason = self.status()["disks"][0].get("reason", "")
        self.ok("full" in reason and "BLOCK_IO_ERROR: No space left on device" in self.guest.log(),
                "so do vm status and the VM's log", reason, self.guest.log()[-500:])
        again = self.resume()
        self.ok(again.returncode == 6 and self.volume in again.stderr
                and self.status()["state"] == "io-error",
                "resumed while the pool is full it stands still again, and that is said", again)
        os.kill(self.guest.launcher(), signal.SIGKILL)
        self.says_so("a new launcher says the same")
        make_room(self.bed.volumes(self.pool))
        self.says_so("it stays so when there is room again, until the guest is resumed")
        for _ in range(2):
            self.ok(self.resume().returncode == 0 and self.status()["state"] == "running",
                    "resumed it runs, and resumed again")
        self.stamps.goes_on()
        self.ok(self.health() == ({}, 0) and self.condition() == ""
                and "reason" not in self.status()["disks"][0],
                "its volume is healthy again, and the guest has seen no error", self.health())
        os.kill(self.guest.qemu(), signal.SIGSTOP)
        health = self.health()[0]
        os.kill(self.guest.qemu(), signal.SIGCONT)
        self.ok(list(health) == ["LauncherUnreachable"] and "VM g" in health["LauncherUnreachable"],
                "while QEMU does not answer it is said that nobody knows", health)
        self.ok(self.health() == ({}, 0), "and it is healthy again when it does")
        last = self.stamps.stop()
        self.bed.do("vm", "detach", self.guest.name, self.serial)
        with self.bed.device(self.volume) as device:
            moment, why = self.stamps.moment_of(device)
        self.ok(moment == last, "all that it wrote is there", moment, last, why)
        self.ok(self.guest.stop() == 0, "the guest ends as it should")
        self.bed.do("volume", "delete", self.volume)


def main():
    tap = Tap()
    beds.POOL_SIZE = 320 << 20  # what mkfs.xfs takes
    beds.MKFS["ext4"] += ["-m", "0"]  # root has no more room than others
    with Bed(*POOLS) as bed:
        bed.start_serve()
        untouched = bed.untouched()
        for pool in POOLS:
            tell(tap, bed, pool)
        Stalled(tap, bed, POOLS[0]).tell()
        bed.end_is_clean(tap, untouched)
    tap.end()


main()
