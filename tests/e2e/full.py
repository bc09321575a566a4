#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A pool that is full to the last block: nothing is damaged, and volumes can be detached and deleted,
which is how it gets room again."""

import os
import subprocess

import bed as beds
from bed import Bed, Tap, must

POOLS = ("ext4", "xfs", "btrfs")


def fill(path):
    """Takes every block, in ever smaller pieces."""
    for size in ("1M", "4k", "512"):
        subprocess.run(["dd", "if=/dev/zero", f"of={path}/other-{size}", f"bs={size}",
                        "oflag=append", "conv=notrunc"], check=False, capture_output=True)
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
    for name in os.listdir(bed.volumes(pool)):
        if name.startswith("other-"):
            os.unlink(os.path.join(bed.volumes(pool), name))
    must("sync", "-f", bed.volumes(pool))
    bed.create(f"next-{pool}", pool, "16Mi", "--param", "thin=false")
    ok(bed.command("volume", "delete", f"next-{pool}"), 0,
       "when there is room again, a volume is made")
    tap.ok(os.stat(os.path.join(bed.volumes(pool), "reserve")).st_blocks >= 1024,
           f"{pool}: and room is kept back again")


def main():
    tap = Tap()
    beds.POOL_SIZE = 320 << 20  # what mkfs.xfs takes
    beds.MKFS["ext4"] += ["-m", "0"]  # root has no more room than others
    with Bed(*POOLS) as bed:
        bed.start_serve()
        untouched = bed.untouched()
        for pool in POOLS:
            tell(tap, bed, pool)
        bed.end_is_clean(tap, untouched)
    tap.end()


main()
