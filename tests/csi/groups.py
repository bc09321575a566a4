#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The service GroupController: snapshots of several volumes at one moment."""

import os
import shutil

from bed import Bed, refused, run, statement

TWO_POOLS = """
node: { id: n1 }
pools:
  - { name: default, backend: file, directory: ROOT/volumes }
  - { name: other, backend: file, directory: ROOT/other }
"""


def create(bed, name, *volumes, **more):
    return bed.csi("GroupController.CreateVolumeGroupSnapshot", name=name,
                   source_volume_ids=list(volumes), **more)["group_snapshot"]


def members(group):
    return [s["snapshot_id"] for s in group["snapshots"]]


def get(bed, group_id, snapshot_ids):
    return bed.csi("GroupController.GetVolumeGroupSnapshot", group_snapshot_id=group_id,
                   snapshot_ids=snapshot_ids)["group_snapshot"]


def delete(bed, group_id, snapshot_ids):
    bed.csi("GroupController.DeleteVolumeGroupSnapshot", group_snapshot_id=group_id,
            snapshot_ids=snapshot_ids)


def volume(bed, name, pool="default", **more):
    return bed.volume(name, parameters={"pool": pool}, **more)["volume_id"]


def pair(bed):
    return [volume(bed, name) for name in ("a", "b")]


def kept(bed, pool="volumes"):
    return [f"{folder}/{name}" for folder in ("snapshots", "tmp", "trash", "records")
            for name in os.listdir(os.path.join(bed.root, pool, folder))]


@statement("a plugin with group snapshots says so on every socket")
def _(bed):
    for service in ("Identity", "Node"):
        offered = bed.client("Node" if service == "Node" else "Controller").call(
            "Identity.GetPluginCapabilities")
        types = [c["service"]["type"] for c in offered["capabilities"] if "service" in c]
        assert "GROUP_CONTROLLER_SERVICE" in types, types
    can = bed.csi("GroupController.GroupControllerGetCapabilities")
    assert [c["rpc"]["type"] for c in can["capabilities"]] == ["CREATE_DELETE_GET_VOLUME_GROUP_SNAPSHOT"], can


@statement("all snapshots of a group are in the answer, name the group, and have its time")
def _(bed):
    a, b = pair(bed)
    group = create(bed, "g", a, b)
    assert sorted(s["source_volume_id"] for s in group["snapshots"]) == [a, b], group
    assert all(s["group_snapshot_id"] == group["group_snapshot_id"] for s in group["snapshots"])
    assert group["ready_to_use"] and all(s["ready_to_use"] for s in group["snapshots"]), group
    assert int(group["creation_time"]["seconds"]) > 0, group


@statement("the same name and volumes, in any order, are the same group, also for a new controller")
def _(bed):
    a, b = pair(bed)
    group = create(bed, "g", a, b)
    bed.restart()
    again = create(bed, "g", b, a)
    assert sorted(members(again)) == sorted(members(group)), (group, again)
    assert again["creation_time"] == group["creation_time"], (group, again)


@statement("the same name with other volumes is ALREADY_EXISTS, and the group stays as it is")
def _(bed):
    a, b = pair(bed)
    c = volume(bed, "c")
    group = create(bed, "g", a, b)
    for other in ((a,), (a, c), (a, b, c)):
        with refused("ALREADY_EXISTS", "other volumes"):
            create(bed, "g", *other)
    assert members(get(bed, group["group_snapshot_id"], members(group))) == members(group)


@statement("a group without a name or without volumes is INVALID_ARGUMENT")
def _(bed):
    a, _ = pair(bed)
    with refused("INVALID_ARGUMENT", "name"):
        create(bed, "", a)
    with refused("INVALID_ARGUMENT", "source_volume_ids"):
        create(bed, "g")
    with refused("INVALID_ARGUMENT", "twice"):
        create(bed, "g", a, a)
    assert not kept(bed), kept(bed)


@statement("a group of a volume that does not exist is NOT_FOUND and leaves nothing")
def _(bed):
    a, _ = pair(bed)
    for absent in ("default/n1/none", "nothing", "../etc", "other/x"):
        with refused("NOT_FOUND"):
            create(bed, "g", a, absent)
    assert not kept(bed), kept(bed)


@statement("volumes that cannot be snapshotted together are FAILED_PRECONDITION")
def _(bed):
    a, _ = pair(bed)
    x = volume(bed, "x", "other")
    with refused("FAILED_PRECONDITION", "different pools"):
        create(bed, "g", a, x)
    assert not kept(bed) and not kept(bed, "other")


@statement("more than 64 volumes are refused before anything is cut")
def _(bed):
    volumes = [volume(bed, f"v{i}") for i in range(65)]
    with refused("INVALID_ARGUMENT", "64"):
        create(bed, "g", *volumes)
    group = create(bed, "g", *volumes[:64])
    assert len(group["snapshots"]) == 64 and group["ready_to_use"]


@statement("a volume is made from any snapshot of a group")
def _(bed):
    a, b = pair(bed)
    with open(os.path.join(bed.pool, "volumes", "b", "image"), "r+b") as stream:
        stream.write(b"second")
    group = create(bed, "g", a, b)
    snapshot = next(s for s in group["snapshots"] if s["source_volume_id"] == b)
    volume(bed, "copy", volume_content_source={"snapshot": {"snapshot_id": snapshot["snapshot_id"]}})
    with open(os.path.join(bed.pool, "volumes", "copy", "image"), "rb") as stream:
        assert stream.read(6) == b"second"


@statement("GetSnapshot and ListSnapshots name the group of a snapshot")
def _(bed):
    a, b = pair(bed)
    group = create(bed, "g", a, b)
    alone = bed.snapshot("alone", a)
    for snapshot in group["snapshots"]:
        one = bed.csi("GetSnapshot", snapshot_id=snapshot["snapshot_id"])["snapshot"]
        assert one == snapshot, (one, snapshot)
    listed = {e["snapshot"]["snapshot_id"]: e["snapshot"].get("group_snapshot_id", "")
              for e in bed.csi("ListSnapshots")["entries"]}
    assert listed == {m: group["group_snapshot_id"] for m in members(group)} | \
        {alone["snapshot_id"]: ""}, listed


@statement("a snapshot of a group is not deleted alone")
def _(bed):
    a, b = pair(bed)
    group = create(bed, "g", a, b)
    with refused("FAILED_PRECONDITION", group["group_snapshot_id"]):
        bed.csi("DeleteSnapshot", snapshot_id=members(group)[0])
    assert get(bed, group["group_snapshot_id"], members(group))["ready_to_use"]


@statement("snapshot_ids that do not match the group are INVALID_ARGUMENT")
def _(bed):
    a, b = pair(bed)
    group = create(bed, "g", a, b)
    alone = bed.snapshot("alone", a)["snapshot_id"]
    first, second = members(group)
    for wrong in ([], [first], [first, first], [first, alone], [first, second, alone]):
        for ask in (get, delete):
            with refused("INVALID_ARGUMENT", "snapshot_ids"):
                ask(bed, group["group_snapshot_id"], wrong)
    assert len(members(get(bed, group["group_snapshot_id"], [second, first]))) == 2


@statement("deleting a group deletes its snapshots and no others; again is success")
def _(bed):
    a, b = pair(bed)
    group = create(bed, "g", a, b)
    alone = bed.snapshot("alone", a)["snapshot_id"]
    for _ in range(2):
        delete(bed, group["group_snapshot_id"], members(group))
    assert [e["snapshot"]["snapshot_id"] for e in bed.csi("ListSnapshots")["entries"]] == [alone]
    delete(bed, "nothing", members(group))
    delete(bed, "default/n1/nothing", [])
    with refused("INVALID_ARGUMENT"):
        delete(bed, "", members(group))


@statement("a group that does not exist is NOT_FOUND")
def _(bed):
    for absent in ("default/n1/none", "nothing", "default/n1/" + "x" * 100, "../x"):
        with refused("NOT_FOUND"):
            get(bed, absent, ["default/n1/s"])
    with refused("INVALID_ARGUMENT"):
        get(bed, "", [])


def tear(bed, *parts):
    """A record of which the end was never written."""
    with open(os.path.join(bed.pool, *parts), "r+b") as stream:
        stream.truncate(os.path.getsize(stream.name) - 5)


@statement("a group with a damaged snapshot is not said to be whole, and is deleted")
def _(bed):
    a, b = pair(bed)
    group = create(bed, "g", a, b)
    tear(bed, "snapshots", members(group)[0].rsplit("/", 1)[1], "meta")
    with refused("INTERNAL", "damaged"):
        get(bed, group["group_snapshot_id"], members(group))
    with refused("INTERNAL", "damaged"):
        create(bed, "g", a, b)
    delete(bed, group["group_snapshot_id"], members(group))
    assert not kept(bed), kept(bed)


@statement("who knows a group from the list of snapshots deletes it, whatever is damaged, gone or half deleted")
def _(bed):
    a, b = pair(bed)
    for i, harm in enumerate(("damaged", "gone", "deleting")):
        group = create(bed, f"g{i}", a, b)
        path = os.path.join(bed.pool, "snapshots", members(group)[0].rsplit("/", 1)[1])
        if harm == "damaged":
            tear(bed, path, "meta")
        elif harm == "gone":
            shutil.rmtree(path)
        else:
            # Read leases are no hindrance, but an open file is.
            with open(os.path.join(path, "image"), "rb"), refused("FAILED_PRECONDITION"):
                delete(bed, group["group_snapshot_id"], members(group))
        left = [e["snapshot"]["snapshot_id"] for e in bed.csi("ListSnapshots")["entries"]]
        assert left == (members(group)[1:] if harm != "deleting" else []), (harm, left)
        if harm != "deleting":
            with refused("INVALID_ARGUMENT"):
                delete(bed, group["group_snapshot_id"], [])
        delete(bed, group["group_snapshot_id"], left)
        assert not kept(bed), (harm, kept(bed))


@statement("a group that has lost a snapshot is not said to be whole, and is deleted")
def _(bed):
    a, b = pair(bed)
    group = create(bed, "g", a, b)
    shutil.rmtree(os.path.join(bed.pool, "snapshots", members(group)[0].rsplit("/", 1)[1]))
    for ask in (lambda: get(bed, group["group_snapshot_id"], members(group)),
                lambda: create(bed, "g", a, b)):
        with refused("INTERNAL", members(group)[0], "delete the group"):
            ask()
    delete(bed, group["group_snapshot_id"], members(group))
    assert not kept(bed), kept(bed)


@statement("snapshots of a group whose record is gone are of no use, for good, and are deleted alone")
def _(bed):
    a, b = pair(bed)
    group = create(bed, "g", a, b)
    tear(bed, "records", "g.group")
    for ask in (lambda: get(bed, group["group_snapshot_id"], members(group)),
                lambda: create(bed, "g", a, b),
                lambda: delete(bed, group["group_snapshot_id"], members(group)),
                lambda: bed.csi("DeleteSnapshot", snapshot_id=members(group)[0])):
        with refused("INTERNAL", "g.group", "docs/errors.md"):
            ask()
    os.unlink(os.path.join(bed.pool, "records", "g.group"))
    again = create(bed, "g", a, b)
    for stray in members(group):
        with refused("INVALID_ARGUMENT", "given up", "delete it"):
            volume(bed, "copy", volume_content_source={"snapshot": {"snapshot_id": stray}})
        with refused("FAILED_PRECONDITION", "given up", "delete it"):
            bed.csi("SnapshotMetadata.GetMetadataAllocated", snapshot_id=stray)
        with refused("INTERNAL", "given up", "delete it"):
            bed.csi("GetSnapshot", snapshot_id=stray)
        bed.csi("DeleteSnapshot", snapshot_id=stray)
    delete(bed, again["group_snapshot_id"], members(again))
    assert not kept(bed), kept(bed)


@statement("a group may have any name, also of what else the pool keeps: of a node, of a pod's volume")
def _(bed):
    bed.node = "n1.group"
    bed.restart(TWO_POOLS.replace("id: n1", "id: n1.group, max_volumes: 3"))
    a, b = pair(bed)
    names = ("attached-n1", "n1", "n1.attached", "n1.group.attached", "ephemeral.x", "x.ephemeral", "x.group",
             "x.new", "attached-n1.group")
    bed.publish(b, node="n1.group")
    groups = [create(bed, name, a) for name in names]
    bed.unpublish(b)
    bed.publish(b, node="n1.group")
    for group in groups:
        delete(bed, group["group_snapshot_id"], members(group))
    bed.sweep()
    assert kept(bed) == ["records/n1.group.attached"], kept(bed)
    os.unlink(os.path.join(bed.pool, "records", "n1.group.attached"))
    bed.node = "n1"
    bed.restart(TWO_POOLS)


@statement("a group outlives its volumes")
def _(bed):
    a, b = pair(bed)
    group = create(bed, "g", a, b)
    for volume_id in (a, b):
        bed.csi("DeleteVolume", volume_id=volume_id)
    again = get(bed, group["group_snapshot_id"], members(group))
    assert again["ready_to_use"] and members(again) == members(group)
    assert members(create(bed, "g", a, b)) == members(group)
    delete(bed, group["group_snapshot_id"], members(group))
    assert not kept(bed), kept(bed)


run(Bed(TWO_POOLS), Bed(TWO_POOLS, ("controller", "node")))
