#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The Node service: stage, publish, stats, expand, and what lives with its pod."""

import os
import subprocess

from bed import MIB, Bed, refused, run, statement
from disk import EPHEMERAL, INLINE, SIZE, Disk, block, disk, ext4, is_read_only, write

MODES_OF_ONE_NODE = ("SINGLE_NODE_WRITER", "SINGLE_NODE_SINGLE_WRITER", "SINGLE_NODE_READER_ONLY",
                     "SINGLE_NODE_MULTI_WRITER")


@statement("the node says what it can do")
def _(bed):
    answer = bed.csi("NodeGetCapabilities")
    names = {entry["rpc"]["type"] for entry in answer["capabilities"]}
    assert {"STAGE_UNSTAGE_VOLUME", "GET_VOLUME_STATS", "EXPAND_VOLUME", "SINGLE_NODE_MULTI_WRITER",
            "VOLUME_MOUNT_GROUP"} <= names, names


@statement("a file system is made with the words that its volume was made with, whatever the context says")
def _(bed):
    for i, inodes in enumerate((64, 512)):
        with disk(bed, ext4(), f"m{i}", parameters={"mkfs_options": f"-N {inodes}"}) as made:
            assert os.statvfs(made.staging).f_files == inodes
    with disk(bed, ext4(), "wrong", parameters={"mkfs_options": "-N 64"}) as made:
        made.unstage()
        made.stage(volume_context={"fairlead.io/mkfs-options": "-N 128"})  # it is formatted by now
        assert os.statvfs(made.staging).f_files == 64


@statement("every access mode of one node is confirmed for a volume")
def _(bed):
    volume_id = bed.volume("v", SIZE)["volume_id"]
    for mode in MODES_OF_ONE_NODE:
        for way in (block(mode), ext4(mode)):
            answer = bed.csi("ValidateVolumeCapabilities", volume_id=volume_id,
                             volume_capabilities=[way])
            assert answer["confirmed"]["volume_capabilities"], answer


@statement("a volume is not published before it is staged: FAILED_PRECONDITION")
def _(bed):
    made = Disk(bed, ext4())
    with refused("FAILED_PRECONDITION", "not staged"):
        made.publish()
    with refused("FAILED_PRECONDITION", "stage"):
        made.publish(staging_target_path="")
    made.take_away()


@statement("a file system is never made over another one: FAILED_PRECONDITION")
def _(bed):
    with disk(bed, ext4()) as made:
        write(made.publish() + "/file", "precious")
        made.unpublish()
        made.unstage()
        with refused("FAILED_PRECONDITION", "ext4", "xfs"):
            made.stage(volume_capability=ext4(fs_type="xfs"))
        made.stage()
        with open(made.publish() + "/file", encoding="utf-8") as stream:
            assert stream.read() == "precious"


@statement("an fs_type that is not specified is ext4, or what the volume holds")
def _(bed):
    any_fs = ext4(fs_type="")
    for kind in ("xfs", "ext4"):
        with disk(bed, ext4(fs_type=kind) if kind == "xfs" else any_fs, size=320 * MIB) as made:
            write(made.publish() + "/file", "text")
            made.unpublish()
            made.unstage()
            for _ in range(2):
                made.stage(volume_capability=any_fs)
            with open(made.publish(volume_capability=any_fs) + "/file", encoding="utf-8") as stream:
                assert stream.read() == "text"
            made.stage(volume_capability=ext4(fs_type=kind))
            with refused("ALREADY_EXISTS", kind):
                made.stage(volume_capability=ext4(fs_type="btrfs"))
        bed.sweep()


@statement("a mode for several nodes where the attachment is for one exceeds it: FAILED_PRECONDITION")
def _(bed):
    for way in (ext4, block):
        made = Disk(bed, way())
        for call in (made.stage, made.publish):
            for mode in ("MULTI_NODE_MULTI_WRITER", "MULTI_NODE_READER_ONLY"):
                with refused("FAILED_PRECONDITION", mode):
                    call(volume_capability=way(mode))
            made.stage()
        made.take_away()
        bed.sweep()


@statement("a mode in which nobody writes is read-only, whatever the call says")
def _(bed):
    with disk(bed, ext4()) as made:
        write(made.publish() + "/file", "text")
        made.unpublish()
        made.unstage()
        made.detach()
        made.way = ext4("SINGLE_NODE_READER_ONLY")
        made.attach()
        made.stage()
        assert is_read_only(made.publish(readonly=False))


@statement("a mount flag that leads elsewhere is INVALID_ARGUMENT, and its value is not repeated")
def _(bed):
    made = Disk(bed, ext4())
    for flag in ("loop", "bind", "logdev=/dev/secret", "subvol=secret", "a b", "x,remount"):
        try:
            made.stage(volume_capability=ext4(mount_flags=[flag]))
        except Exception as why:  # pylint: disable=broad-exception-caught
            assert why.code == "INVALID_ARGUMENT" and "secret" not in str(why), why
        else:
            raise AssertionError(flag)
    made.take_away()


@statement("the files of a volume are its mount group's, which is a number")
def _(bed):
    made = Disk(bed, ext4(volume_mount_group="4711"))
    made.stage()
    target = made.publish()
    write(target + "/file", "text")
    assert os.stat(target).st_gid == os.stat(target + "/file").st_gid == 4711
    assert os.stat(target).st_mode & 0o2070 == 0o2070
    made.take_away()
    with refused("INVALID_ARGUMENT", "volume_mount_group"):
        made.stage(volume_capability=ext4(volume_mount_group="staff"))


@statement("a file system that has failed is neither staged nor published again: FAILED_PRECONDITION")
def _(bed):
    for kind in ("ext4", "xfs"):
        with disk(bed, ext4(fs_type=kind), size=320 * MIB) as made:
            target = made.publish()
            subprocess.run(["xfs_io", "-x", "-c", "shutdown", target], check=True)
            for readonly in (False, True):
                with refused("FAILED_PRECONDITION"):
                    made.publish(1, readonly=readonly)
            for call in (made.publish, made.stage):
                with refused("FAILED_PRECONDITION"):
                    call()
            assert not os.path.exists(made.targets[1])
        bed.sweep()


@statement("a file system that is damaged is FAILED_PRECONDITION, and health tells why")
def _(bed):
    # Of an ext4's superblock: the size of its blocks, and a number that its checksum covers.
    for offset in (1024 + 24, 1024 + 4):
        with disk(bed, ext4()) as made:
            made.unstage()
            image = bed.path("volumes", "volumes", "disk", "image")
            with open(image, "r+b") as stream:
                stream.seek(offset)
                good = stream.read(1)
                stream.seek(offset)
                stream.write(bytes([good[0] ^ 0x63]))
            with refused("FAILED_PRECONDITION", "damaged"):
                made.stage()
            health = bed.csi("NodeGetVolumeHealth", volume_id=made.volume_id)["volume_health"]
            assert [(s["status"], s["reason"]) for s in health["health_statuses"]] == \
                [("INACCESSIBLE", "StageFailed")], health
            with refused("INVALID_ARGUMENT", "mount flag"):
                made.stage(volume_capability=ext4(mount_flags=["nonsense"]))
            with open(image, "r+b") as stream:
                stream.seek(offset)
                stream.write(good)
            made.stage()
            health = bed.csi("NodeGetVolumeHealth", volume_id=made.volume_id)["volume_health"]
            assert not health["health_statuses"], health
        bed.sweep()


@statement("a context of an attachment that is over is FAILED_PRECONDITION")
def _(bed):
    made = Disk(bed, block())
    old = made.context
    made.detach()
    with refused("FAILED_PRECONDITION", "attach"):
        made.stage()
    made.attach()
    with refused("FAILED_PRECONDITION", "epoch"):
        made.stage(publish_context=old)
    made.stage()
    with refused("FAILED_PRECONDITION", "epoch"):
        made.publish(publish_context=old)
    made.take_away()


@statement("a volume that the node still has is not detached, and stays usable: FAILED_PRECONDITION")
def _(bed):
    for way in (ext4(), block()):
        with disk(bed, way) as made:
            made.publish()
            with refused("FAILED_PRECONDITION", "staged"):
                made.detach()
            made.publish(1)
        bed.sweep()


@statement("stats tell bytes and inodes of a file system, at each of its paths")
def _(bed):
    with disk(bed, ext4()) as made:
        for path in (made.publish(), made.staging):
            usage = bed.csi("NodeGetVolumeStats", volume_id=made.volume_id,
                            volume_path=path)["usage"]
            assert [u["unit"] for u in usage] == ["BYTES", "INODES"], usage
            for row in usage:
                numbers = [int(row.get(key, 0)) for key in ("total", "used", "available")]
                assert numbers[0] >= numbers[1] + numbers[2] > 0, usage
        with refused("NOT_FOUND"):
            bed.csi("NodeGetVolumeStats", volume_id=made.volume_id, volume_path=made.targets[1])


@statement("a volume is not at a path that shows nothing of it, before and after it is there: NOT_FOUND")
def _(bed):
    made = Disk(bed, ext4())

    def ask(method):
        bed.csi(method, volume_id=made.volume_id, volume_path=made.staging)

    def is_not_there():
        for method in ("NodeGetVolumeStats", "NodeExpandVolume"):
            with refused("NOT_FOUND", made.staging):
                ask(method)

    os.makedirs(made.staging, exist_ok=True)
    is_not_there()
    made.stage()
    ask("NodeGetVolumeStats")
    made.unstage()
    os.makedirs(made.staging, exist_ok=True)
    is_not_there()
    made.detach()
    # A block volume shows nothing where it is staged.
    made = Disk(bed, block(), "block")
    os.makedirs(made.staging, exist_ok=True)
    is_not_there()
    made.stage()
    for method in ("NodeGetVolumeStats", "NodeExpandVolume"):
        ask(method)
    made.unstage()
    made.detach()
    is_not_there()


@statement("stats of a btrfs tell bytes alone, because it has no number of inodes")
def _(bed):
    with disk(bed, ext4(fs_type="btrfs"), size=128 * MIB) as made:
        usage = bed.csi("NodeGetVolumeStats", volume_id=made.volume_id,
                        volume_path=made.publish())["usage"]
        assert [u["unit"] for u in usage] == ["BYTES"], usage


@statement("stats of a block volume and of a VM's disk tell the size")
def _(bed):
    for context in ({}, {"fairlead.io/vm": "web1"}):
        with disk(bed, block()) as made:
            target = made.publish(volume_context=context)
            usage = bed.csi("NodeGetVolumeStats", volume_id=made.volume_id,
                            volume_path=target)["usage"]
            assert [(u["unit"], int(u["total"])) for u in usage] == [("BYTES", SIZE)], usage
        bed.sweep()


@statement("a published volume grows on the node, with and without capability and staging path")
def _(bed):
    for way, more in ((block(), {}), (ext4(fs_type="btrfs"), {}), (block(), {"full": True}),
                      (ext4(fs_type="btrfs"), {"full": True})):
        with disk(bed, way, size=256 * MIB) as made:
            target = made.publish()
            request = {"volume_id": made.volume_id, "volume_path": target}
            if more:
                request |= {"volume_capability": way, "staging_target_path": made.staging}
            for wrong in ({"required_bytes": 512 * MIB}, {"limit_bytes": 255 * MIB}):
                with refused("OUT_OF_RANGE"):
                    bed.csi("NodeExpandVolume", capacity_range=wrong, **request)
            bed.csi("ControllerExpandVolume", volume_id=made.volume_id,
                    capacity_range={"required_bytes": 512 * MIB})
            for _ in range(2):
                answer = bed.csi("NodeExpandVolume",
                                 capacity_range={"required_bytes": 512 * MIB}, **request)
                assert int(answer["capacity_bytes"]) == 512 * MIB, answer
            if "mount" in way:
                info = os.statvfs(target)
                assert info.f_blocks * info.f_frsize == 512 * MIB
        bed.sweep()


@statement("a volume that has grown while nobody had it is grown when it is staged")
def _(bed):
    with disk(bed, ext4(fs_type="xfs"), size=320 * MIB) as made:
        made.unstage()
        bed.csi("ControllerExpandVolume", volume_id=made.volume_id,
                capacity_range={"required_bytes": 640 * MIB})
        made.stage()
        info = os.statvfs(made.publish())
        assert info.f_blocks * info.f_frsize > 560 * MIB


@statement("a clone and its origin are used at the same time on one node")
def _(bed):
    for kind, size in (("btrfs", 128 * MIB), ("xfs", 320 * MIB)):
        way = ext4(fs_type=kind)
        origin = Disk(bed, way, "origin", size=size)
        origin.stage()
        write(origin.publish() + "/file", "origin")
        origin.unpublish()
        origin.unstage()
        origin.detach()
        content = {"volume": {"volume_id": origin.volume_id}}
        clone = Disk(bed, way, "clone", size=size, volume_content_source=content)
        origin.attach()
        for made in (origin, clone):
            made.stage()
            made.publish()
        write(origin.targets[0] + "/file", "changed")
        with open(clone.targets[0] + "/file", encoding="utf-8") as stream:
            assert stream.read() == "origin"
        clone.take_away()
        origin.take_away()
        bed.sweep()


@statement("an inline volume is made by its publication alone, and deleted by the end of that")
def _(bed):
    target = bed.path("inline")
    request = {"volume_id": INLINE, "target_path": target, "volume_context": EPHEMERAL,
               "volume_capability": ext4()}
    bed.csi("NodePublishVolume", **request)
    write(target + "/file", "text")
    bed.restart()
    bed.csi("NodePublishVolume", **request)
    assert os.path.exists(target + "/file")
    listed = list(bed.volumes())
    assert len(listed) == 1, listed
    with refused("FAILED_PRECONDITION"):
        bed.csi("DeleteVolume", volume_id=listed[0])
    assert bed.csi("NodeGetVolumeStats", volume_id=INLINE, volume_path=target)["usage"]
    for _ in range(2):
        bed.csi("NodeUnpublishVolume", volume_id=INLINE, target_path=target)
    assert not bed.volumes() and not os.path.exists(target)


@statement("an inline volume is published and never staged: INVALID_ARGUMENT")
def _(bed):
    target = bed.path("inline")
    bed.csi("NodePublishVolume", volume_id=INLINE, target_path=target, volume_context=EPHEMERAL,
            volume_capability=ext4())
    with refused("INVALID_ARGUMENT", "ephemeral"):
        bed.csi("NodeStageVolume", volume_id=INLINE, staging_target_path=bed.path("staging"),
                volume_capability=ext4())
    bed.csi("NodeUnpublishVolume", volume_id=INLINE, target_path=target)


@statement("an inline volume that cannot be had leaves nothing")
def _(bed):
    request = {"volume_id": INLINE, "target_path": bed.path("inline"), "volume_capability": ext4()}
    for wrong in ({"size": "1Ei"}, {"sise": "1Gi"}, {"pool": "none"}):
        with refused("INVALID_ARGUMENT"):
            bed.csi("NodePublishVolume", volume_context=EPHEMERAL | wrong, **request)
    with refused("INVALID_ARGUMENT", "file system"):
        bed.csi("NodePublishVolume",
                **request | {"volume_context": EPHEMERAL, "volume_capability": block()})
    assert not bed.volumes()


if __name__ == "__main__":
    run(Bed(), Bed(roles=("controller", "node")))
