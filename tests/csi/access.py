#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Which uses of a volume there are: by several nodes at once, as a file system or as a block device,
and what each call says of a use that there is not."""

from bed import MIB, Bed, capability, refused, run, statement

CONFIG = """
node: { id: n1 }
nodes: [n2]
pools:
  - { name: default, backend: file, directory: ROOT/volumes }
  - { name: shared, backend: file, directory: ROOT/shared, shared: true, multi_attach: trust }
"""
WRITERS = ("MULTI_NODE_MULTI_WRITER", "MULTI_NODE_SINGLE_WRITER")


def volume(bed, name="a", pool="shared", **more):
    return bed.volume(name, parameters={"pool": pool}, **more)["volume_id"]


def mount(mode, **fields):
    return capability(mode, block=False, **fields)


def publish(bed, volume_id, node, wanted, **more):
    bed.publish(volume_id, node, volume_capability=wanted, **more)


def confirms(bed, volume_id, *wanted):
    answer = bed.csi("ValidateVolumeCapabilities", volume_id=volume_id, volume_capabilities=list(wanted))
    assert ("confirmed" in answer) != bool(answer["message"]), answer
    return "confirmed" in answer


@statement("a file system that one node writes is on no other node: INVALID_ARGUMENT, also where blocks may be")
def _(bed):
    volume_id = volume(bed)
    for mode in WRITERS:
        with refused("INVALID_ARGUMENT", mode, "file system"):
            volume(bed, "b", volume_capabilities=[mount(mode)])
        with refused("INVALID_ARGUMENT", mode, "file system"):
            publish(bed, volume_id, "n1", mount(mode))
        assert not confirms(bed, volume_id, capability(mode), mount(mode))
        assert confirms(bed, volume_id, capability(mode))
    assert list(bed.volumes()) == [volume_id]


@statement("a file system that all nodes only read is on several of them")
def _(bed):
    reader = mount("MULTI_NODE_READER_ONLY")
    volume_id = volume(bed, volume_capabilities=[reader])
    for node in ("n1", "n2"):
        publish(bed, volume_id, node, reader)
    assert bed.volumes()[volume_id]["status"]["published_node_ids"] == ["n1", "n2"]


@statement("a file system is read on no node while another one writes the blocks under it: FAILED_PRECONDITION")
def _(bed):
    volume_id = volume(bed)
    reader, writer = mount("MULTI_NODE_READER_ONLY"), capability("MULTI_NODE_MULTI_WRITER")
    for first, second in ((reader, writer), (writer, reader)):
        publish(bed, volume_id, "n1", first)
        with refused("FAILED_PRECONDITION", "node n1", "file system"):
            publish(bed, volume_id, "n2", second)
        publish(bed, volume_id, "n2", writer if first == writer else reader)
        bed.unpublish(volume_id)


@statement("one mode for a single writer on several nodes lets one of them write")
def _(bed):
    volume_id, single = volume(bed), capability("MULTI_NODE_SINGLE_WRITER")
    publish(bed, volume_id, "n1", single)
    with refused("FAILED_PRECONDITION", "node n1"):
        publish(bed, volume_id, "n2", single)
    with refused("FAILED_PRECONDITION", "node n1"):
        publish(bed, volume_id, "n2", capability("MULTI_NODE_MULTI_WRITER"))
    publish(bed, volume_id, "n2", single, readonly=True)


@statement("a volume is not expanded for a use that it does not allow: INVALID_ARGUMENT")
def _(bed):
    volume_id = volume(bed, pool="default")
    for wrong in (capability("MULTI_NODE_MULTI_WRITER"), {}, {"block": {}}, mount("SINGLE_NODE_WRITER", fs_type="zfs"),
                  {"access_mode": {"mode": "SINGLE_NODE_WRITER"}}, {"block": {}, "access_mode": {"mode": 99}}):
        with refused("INVALID_ARGUMENT"):
            bed.csi("ControllerExpandVolume", volume_id=volume_id, volume_capability=wrong,
                    capacity_range={"required_bytes": 4 * MIB})
    assert bed.volumes()[volume_id]["volume"]["capacity_bytes"] == MIB
    with refused("NOT_FOUND"):
        bed.csi("ControllerExpandVolume", volume_id="default/n1/nobody", volume_capability=capability(),
                capacity_range={"required_bytes": 4 * MIB})


@statement("all capabilities of a new volume are satisfied, or it is not made")
def _(bed):
    both = [capability(), mount("SINGLE_NODE_WRITER", fs_type="xfs")]
    assert confirms(bed, volume(bed, pool="default", volume_capabilities=both), *both)
    for wrong in (mount("SINGLE_NODE_WRITER", fs_type="zfs"), capability("MULTI_NODE_MULTI_WRITER"), {"block": {}}):
        with refused("INVALID_ARGUMENT"):
            volume(bed, "b", "default", volume_capabilities=[capability(), wrong])
    assert list(bed.volumes()) == ["default/n1/a"]


@statement("a file system that is not offered is not confirmed; a capability that is none is INVALID_ARGUMENT")
def _(bed):
    volume_id = volume(bed, pool="default")
    assert not confirms(bed, volume_id, mount("SINGLE_NODE_WRITER", fs_type="zfs"))
    for wrong in ([], [{}], [{"block": {}}], [{"access_mode": {"mode": "SINGLE_NODE_WRITER"}}]):
        with refused("INVALID_ARGUMENT"):
            confirms(bed, volume_id, *wrong)
    with refused("NOT_FOUND"):
        confirms(bed, "default/n1/nobody", mount("SINGLE_NODE_WRITER", fs_type="zfs"))


if __name__ == "__main__":
    run(Bed(CONFIG))
