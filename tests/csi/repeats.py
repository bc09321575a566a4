#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Node calls that are repeated, with the same arguments and with others, and the paths that they name:
the rules for idempotency, and which error each difference is."""

import contextlib
import os
import subprocess

from bed import Bed, refused, run, statement
from disk import EPHEMERAL, INLINE, Disk, block, disk, ext4, is_read_only, write

MODES_OF_ONE_PATH = ("SINGLE_NODE_WRITER", "SINGLE_NODE_SINGLE_WRITER", "SINGLE_NODE_READER_ONLY")


@statement("a second path where the mode allows one is FAILED_PRECONDITION, also for the next service")
def _(bed):
    for mode in MODES_OF_ONE_PATH:
        with disk(bed, block(mode)) as made:
            made.publish(0)
            made.publish(0)
            bed.restart()
            with refused("FAILED_PRECONDITION", made.targets[0]):
                made.publish(1)
            made.unpublish(0)
            made.publish(1)
        bed.sweep()


@statement("with SINGLE_NODE_MULTI_WRITER there are as many paths as are asked for")
def _(bed):
    with disk(bed, ext4()) as made:
        write(made.publish(0) + "/file", "text")
        for i in (1, 2):
            with open(made.publish(i) + "/file", encoding="utf-8") as stream:
                assert stream.read() == "text"


@statement("the same path with other arguments is ALREADY_EXISTS, and stays as it was")
def _(bed):
    with disk(bed, ext4()) as made:
        target = made.publish()
        with refused("ALREADY_EXISTS", target):
            made.publish(readonly=True)
        with refused("ALREADY_EXISTS"):
            made.publish(volume_capability=ext4(mount_flags=["noexec"]))
        with refused("ALREADY_EXISTS"):
            made.publish(volume_capability=block())
        write(target + "/file", "text")
        noexec = made.publish(1, volume_capability=ext4(mount_flags=["noexec"]))
        with refused("ALREADY_EXISTS", noexec):
            made.publish(1)


@statement("a volume is staged again in the same way, and in no other: ALREADY_EXISTS")
def _(bed):
    with disk(bed, ext4(mount_flags=["nosuid"])) as made:
        made.stage()
        with refused("ALREADY_EXISTS", "ext4"):
            made.stage(volume_capability=ext4(fs_type="btrfs"))
        for flags in (["noexec"], ["nosuid", "nodev"], ["nosuid", "ro"], []):
            with refused("ALREADY_EXISTS"):
                made.stage(volume_capability=ext4(mount_flags=flags))
        with refused("ALREADY_EXISTS"):
            made.stage(volume_capability=block())


@statement("a volume that is published as a block device is not staged as a file system: ALREADY_EXISTS")
def _(bed):
    with disk(bed, block()) as made:
        target = made.publish()
        subprocess.run(["mkfs.ext4", "-q", target], check=True)
        with refused("ALREADY_EXISTS", target):
            made.stage(volume_capability=ext4())
        made.unpublish()
        made.stage(volume_capability=ext4())


@statement("mount flag ro is read-only, staged with it or published with it")
def _(bed):
    with disk(bed, ext4(mount_flags=["ro"])) as made:
        for _ in range(2):
            assert is_read_only(made.publish())
    with disk(bed, ext4(), "other") as made:
        for _ in range(2):
            target = made.publish(volume_capability=ext4(mount_flags=["ro"]))
        assert is_read_only(target) and not is_read_only(made.staging)
        with refused("ALREADY_EXISTS", "read-only"):
            made.publish()


@statement("what is still published is not unstaged, and can be published again: FAILED_PRECONDITION")
def _(bed):
    for way in (ext4(), block()):
        with disk(bed, way) as made:
            target = made.publish()
            with refused("FAILED_PRECONDITION", target):
                made.unstage()
            made.publish(1)
            made.publish()
        bed.sweep()


@statement("target_path is no place inside the volume: INVALID_ARGUMENT")
def _(bed):
    with disk(bed, ext4()) as made:
        for target in (made.staging, made.staging + "/inside"):
            with refused("INVALID_ARGUMENT", "staging_target_path"):
                made.publish(target_path=target)
        assert not os.path.exists(made.staging + "/inside")
        made.publish(target_path=made.staging + "-beside")
        bed.csi("NodeUnpublishVolume", volume_id=made.volume_id,
                target_path=made.staging + "-beside")


@statement("what is refused because the volume is there in another way says nothing of its health")
def _(bed):
    way = block("SINGLE_NODE_SINGLE_WRITER")
    for context in ({}, {"fairlead.io/vm": "web1"}):
        with disk(bed, way) as made:
            made.publish(volume_context=context)
            with refused("FAILED_PRECONDITION", "one path"):
                made.publish(1, volume_context=context)
            with refused("ALREADY_EXISTS"):
                made.publish(readonly=True, volume_context=context)
            for other in ({}, {"fairlead.io/vm": "web2"}):
                if other != context:
                    with refused("FAILED_PRECONDITION"):
                        made.publish(1, volume_context=other)
            with refused("ALREADY_EXISTS"):
                made.stage(volume_capability=ext4("SINGLE_NODE_SINGLE_WRITER"))
            health = bed.csi("NodeGetVolumeHealth", volume_id=made.volume_id)["volume_health"]
            assert not health["health_statuses"], health
        bed.sweep()


@statement("an inline volume has one path, and a second one says nothing of its health: FAILED_PRECONDITION")
def _(bed):
    request = {"volume_id": INLINE, "volume_context": EPHEMERAL, "volume_capability": ext4()}
    target = bed.path("inline")
    bed.csi("NodePublishVolume", target_path=target, **request)
    with refused("FAILED_PRECONDITION", target):
        bed.csi("NodePublishVolume", target_path=bed.path("second"), **request)
    health = bed.csi("NodeGetVolumeHealth", volume_id=INLINE)["volume_health"]
    assert not health["health_statuses"], health
    bed.csi("NodeUnpublishVolume", volume_id=INLINE, target_path=target)


@statement("a publication that fails for what is at its target leaves nothing, and changes no other")
def _(bed):
    for way, context in ((ext4(), {}), (block(), {}), (block(), {"fairlead.io/vm": "web1"})):
        wrong = bed.path("wrong")
        with disk(bed, way) as made:
            good = made.publish(volume_context=context)
            for make in (lambda: os.symlink("/nowhere", wrong), lambda: os.mkfifo(wrong),
                         lambda: write(wrong, "text")):
                make()
                with refused("FAILED_PRECONDITION", wrong):
                    made.publish(target_path=wrong, volume_context=context)
                with refused("FAILED_PRECONDITION", wrong):
                    bed.csi("NodeUnpublishVolume", volume_id=made.volume_id, target_path=wrong)
                os.unlink(wrong)
            assert made.publish(volume_context=context) == good
            made.unpublish()
            write(wrong, "text")
            with refused("FAILED_PRECONDITION", wrong):
                made.publish(target_path=wrong, volume_context=context)
            made.unstage()
            os.unlink(wrong)
        bed.sweep()


@statement("a name that no file system has is INVALID_ARGUMENT to make and NOT_FOUND to look at")
def _(bed):
    with disk(bed, ext4()) as made:
        long = bed.path("x" * 256)
        bed.csi("NodePublishVolume", volume_id=made.volume_id, staging_target_path=made.staging,
                target_path=long[:-1], volume_capability=made.way)
        bed.csi("NodeUnpublishVolume", volume_id=made.volume_id, target_path=long[:-1])
        for call in (lambda: made.stage(staging_target_path=long),
                     lambda: made.publish(target_path=long),
                     lambda: bed.csi("NodeUnpublishVolume", volume_id=made.volume_id,
                                     target_path=long),
                     lambda: bed.csi("NodeUnstageVolume", volume_id=made.volume_id,
                                     staging_target_path=long)):
            with refused("INVALID_ARGUMENT", "target_path"):
                call()
        for path in (long, "/etc/passwd/below"):
            for method in ("NodeGetVolumeStats", "NodeExpandVolume"):
                with refused("NOT_FOUND"):
                    bed.csi(method, volume_id=made.volume_id, volume_path=path)


@contextlib.contextmanager
def bound_twice(bed):
    """A directory for targets that is bound to another one, as hosts do with that of their kubelet: the
    kernel repeats each mount in one at the other."""
    there, here = bed.path("there"), bed.path("here")
    for path in (there, here):
        os.makedirs(path)
    binds = [["--bind", there, there], ["--make-shared", there], ["--bind", there, here]]
    for words in binds:
        subprocess.run(["mount", *words], check=True)
    try:
        yield here
    finally:
        for path in (here, there):
            subprocess.run(["umount", path], check=True)


@statement("below a directory that is bound to another one, a path is one path")
def _(bed):
    with bound_twice(bed) as here:
        for way in (ext4("SINGLE_NODE_SINGLE_WRITER"), block("SINGLE_NODE_SINGLE_WRITER")):
            made = Disk(bed, way)
            made.staging = here + "/staging"
            made.targets = [f"{here}/{i}" for i in range(2)]
            made.stage()
            for _ in range(2):
                made.publish()
            with refused("FAILED_PRECONDITION", "one path"):
                made.publish(1)
            made.take_away()
            bed.sweep()
        request = {"volume_id": INLINE, "target_path": here + "/inline",
                   "volume_context": EPHEMERAL, "volume_capability": ext4()}
        for _ in range(2):
            bed.csi("NodePublishVolume", **request)
        bed.csi("NodeUnpublishVolume", volume_id=INLINE, target_path=here + "/inline")


if __name__ == "__main__":
    run(Bed(), Bed(roles=("controller", "node")))
