#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What is wrong with volumes: in the calls of CSI 1.13, and in the conditions that orchestrators of
1.12 read.  On one socket, and on two, with kills."""

import contextlib
import os

from bed import MIB, Bed, capability, refused, run, statement


def image(bed, name):
    return bed.path("volumes", "volumes", name, "image")


@contextlib.contextmanager
def lost(bed, *names):
    """These volumes have no image meanwhile."""
    for name in names:
        os.rename(image(bed, name), bed.path(f"lost-{name}"))
    try:
        yield
    finally:
        for name in names:
            os.rename(bed.path(f"lost-{name}"), image(bed, name))


def volume(bed, name, size=MIB, pool="default"):
    return bed.volume(name, size, parameters={"pool": pool})


def statuses(health):
    return [(entry["status"], entry["reason"]) for entry in health["health_statuses"]]


def controller_says(bed, volume_id):
    health = bed.csi("ControllerGetVolumeHealth", volume_id=volume_id)["volume_health"]
    assert health["volume_id"] == volume_id, health
    return statuses(health)


def node_says(bed, volume_id, **more):
    health = bed.csi("NodeGetVolumeHealth", volume_id=volume_id, **more)["volume_health"]
    assert health["volume_id"] == volume_id, health
    return statuses(health)


def listed(bed, **more):
    answer = bed.csi("ControllerListVolumeHealth", **more)
    return [entry["volume_id"] for entry in answer["entries"]], answer["next_token"]


@statement("LIST_VOLUME_HEALTH comes with GET_VOLUME_HEALTH, and the conditions of 1.12 with both")
def _(bed):
    can = {c["rpc"]["type"] for c in bed.csi("ControllerGetCapabilities")["capabilities"]}
    assert {"GET_VOLUME_HEALTH", "LIST_VOLUME_HEALTH", "VOLUME_CONDITION", "GET_VOLUME"} <= can, can
    can = {c["rpc"]["type"] for c in bed.csi("NodeGetCapabilities")["capabilities"]}
    assert {"GET_VOLUME_HEALTH", "GET_STORAGE_HEALTH", "VOLUME_CONDITION"} <= can, can


@statement("a healthy volume has an empty list of statuses, and is not listed")
def _(bed):
    volume_id = volume(bed, "a")["volume_id"]
    assert controller_says(bed, volume_id) == [] and node_says(bed, volume_id) == []
    assert listed(bed) == ([], "")


@statement("an unknown volume is NOT_FOUND, a missing id INVALID_ARGUMENT")
def _(bed):
    for method in ("ControllerGetVolumeHealth", "NodeGetVolumeHealth"):
        for volume_id in ("default/n1/nobody", "nobody", "default/n1/../a", "default/n2/a/b"):
            with refused("NOT_FOUND"):
                bed.csi(method, volume_id=volume_id)
        with refused("INVALID_ARGUMENT", "volume_id"):
            bed.csi(method, volume_id="")


@statement("a status stays until its cause is gone, whoever asks and whatever is restarted")
def _(bed):
    volume_id = volume(bed, "a")["volume_id"]
    with lost(bed, "a"):
        for _ in range(2):
            assert controller_says(bed, volume_id) == [("DATA_LOSS", "ImageMissing")]
            assert node_says(bed, volume_id) == [("DATA_LOSS", "ImageMissing")]
            assert listed(bed) == ([volume_id], "")
            bed.restart()
    assert controller_says(bed, volume_id) == [] and listed(bed) == ([], "")


@statement("reasons are unique per status in one volume, and in CamelCase")
def _(bed):
    volume_id = volume(bed, "a")["volume_id"]
    with lost(bed, "a"):
        entries = bed.csi("NodeGetVolumeHealth", volume_id=volume_id)["volume_health"]["health_statuses"]
        seen = [(entry["status"], entry["reason"]) for entry in entries]
        assert len(seen) == len(set(seen)), seen
        for entry in entries:
            assert entry["reason"][0].isupper() and entry["reason"].isalnum() and entry["message"], entry


@statement("pages of unhealthy volumes hold each once, also after a restart")
def _(bed):
    names = [f"v{i}" for i in range(7)]
    ids = [volume(bed, name)["volume_id"] for name in names]
    with lost(bed, *names[1:]):
        for size in range(1, 8):
            token, seen = "", []
            while True:
                page, token = listed(bed, max_entries=size, starting_token=token)
                assert len(page) <= size
                seen += page
                if not token:
                    break
                if size == 4:
                    bed.restart()
            assert seen == ids[1:], seen


@statement("a bad starting_token is ABORTED, a negative max_entries INVALID_ARGUMENT")
def _(bed):
    for name in ("a", "b"):
        volume(bed, name)
    token = bed.csi("ListVolumes", max_entries=1)["next_token"]
    for bad in ("invalid-token", token, "\N{SNOWMAN}"):
        with refused("ABORTED"):
            bed.csi("ControllerListVolumeHealth", starting_token=bad)
    with refused("INVALID_ARGUMENT"):
        bed.csi("ControllerListVolumeHealth", max_entries=-1)


@statement("the condition of 1.12 follows from the statuses, in all four places")
def _(bed):
    volume_id = volume(bed, "a")["volume_id"]
    path = bed.path("target")
    request = {"volume_id": volume_id, "staging_target_path": bed.path("staging"),
               "volume_capability": capability()}
    bed.publish(volume_id)
    bed.csi("NodeStageVolume", **request)
    bed.csi("NodePublishVolume", target_path=path, **request)

    def conditions():
        return [bed.volumes()[volume_id]["status"]["volume_condition"],
                bed.csi("ControllerGetVolume", volume_id=volume_id)["status"]["volume_condition"],
                bed.csi("NodeGetVolumeStats", volume_id=volume_id, volume_path=path)["volume_condition"]]
    assert not any(c.get("abnormal") for c in conditions()), conditions()
    with lost(bed, "a"):
        for condition in conditions():
            assert condition["abnormal"] and "ImageMissing" in condition["message"], condition
    assert not any(c.get("abnormal") for c in conditions()), conditions()
    bed.csi("NodeUnpublishVolume", volume_id=volume_id, target_path=path)
    bed.csi("NodeUnstageVolume", volume_id=volume_id, staging_target_path=bed.path("staging"))


@statement("a volume that could not be staged says why, until it can be or is unstaged")
def _(bed):
    volume_id = volume(bed, "a", 64 * MIB)["volume_id"]
    staging = bed.path("staging")
    request = {"volume_id": volume_id, "staging_target_path": staging,
               "volume_capability": capability(block=False, fs_type="ext4")}
    for end in ("stage", "unstage"):
        with refused("FAILED_PRECONDITION"):
            bed.csi("NodeStageVolume", **request)
        bed.restart()
        health = bed.csi("NodeGetVolumeHealth", volume_id=volume_id)["volume_health"]
        assert statuses(health) == [("INACCESSIBLE", "StageFailed")], health
        assert "attached to no node" in health["health_statuses"][0]["message"], health
        assert controller_says(bed, volume_id) == []
        if end == "stage":
            bed.publish(volume_id)
            bed.csi("NodeStageVolume", **request)
            assert node_says(bed, volume_id) == []
        bed.csi("NodeUnstageVolume", volume_id=volume_id, staging_target_path=staging)
        assert node_says(bed, volume_id) == []
        bed.unpublish(volume_id)


@statement("a pod's own volume is asked about by the id that its pod gave it")
def _(bed):
    volume_id, target = "csi-5c1f0ae5f0c1", bed.path("inline")
    request = {"volume_id": volume_id, "target_path": target,
               "volume_capability": capability(block=False, fs_type="ext4"),
               "volume_context": {"csi.storage.k8s.io/ephemeral": "true", "size": "32Mi",
                                  "pool": "default"}}
    with refused("NOT_FOUND"):
        node_says(bed, volume_id)
    for _ in range(2):
        bed.csi("NodePublishVolume", **request)
        assert node_says(bed, volume_id, volume_publish_path=target) == []
    bed.csi("NodeUnpublishVolume", volume_id=volume_id, target_path=target)
    with refused("NOT_FOUND"):
        node_says(bed, volume_id)


@statement("a node tells which storage cannot be reached, and goes on telling of the others")
def _(bed):
    far = volume(bed, "b", pool="far")["volume_id"]
    near = volume(bed, "a")["volume_id"]
    os.rename(bed.path("far"), bed.path("aside"))
    try:
        told = bed.csi("NodeGetStorageHealth")["backend_health"]
        told = [entry for entry in told if entry["status"] == "STORAGE_UNREACHABLE"]
        assert [entry["reason"] for entry in told] == ["DirectoryGone"], told
        assert told[0]["message"].startswith("pool far: "), told
        assert node_says(bed, far) == [("INACCESSIBLE", "StorageUnreachable")]
        assert node_says(bed, near) == []
        with refused("UNAVAILABLE"):
            bed.csi("ControllerGetVolumeHealth", volume_id=far)
        with refused("UNAVAILABLE"):
            bed.csi("ListVolumes")
    finally:
        os.rename(bed.path("aside"), bed.path("far"))
    assert node_says(bed, far) == []


CONFIG = """
node: { id: n1 }
nodes: [n2]
pools:
  - { name: default, backend: file, directory: ROOT/volumes }
  - { name: far, backend: file, directory: ROOT/far, shared: true }
"""

if __name__ == "__main__":
    run(Bed(CONFIG), Bed(CONFIG, roles=("controller", "node")))
