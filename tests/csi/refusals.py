#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The error tables of the specification, call by call: what is missing, unknown, in the way or too much, and
the code that says so.  Refused calls change nothing."""

from bed import GIB, MIB, Bed, capability, refused, run, statement

A, B, NOBODY = "default/n1/a", "default/n1/b", "default/n1/nobody"
S, G = "default/n1/s", "default/n1/g"
ONE, MANY = [capability()], [capability("MULTI_NODE_MULTI_WRITER")]
EXT4 = [capability(block=False, fs_type="ext4")]
RANGE = {"required_bytes": MIB}
INVALID, ABSENT = "INVALID_ARGUMENT", "NOT_FOUND"
EXISTS, IN_USE, RANGES = "ALREADY_EXISTS", "FAILED_PRECONDITION", "OUT_OF_RANGE"


def snapshot_of(snapshot_id):
    return {"volume_content_source": {"snapshot": {"snapshot_id": snapshot_id}}}


def volume_of(volume_id):
    return {"volume_content_source": {"volume": {"volume_id": volume_id}}}


# For each call a request that would be served, and what is refused when these fields replace some of its.
TABLES = {
    "CreateVolume": ({"name": "new", "volume_capabilities": ONE, "capacity_range": RANGE}, [
        ({"name": ""}, INVALID), ({"volume_capabilities": []}, INVALID),
        ({"volume_capabilities": [{}]}, INVALID), ({"volume_capabilities": MANY}, INVALID),
        ({"parameters": {"colour": "red"}}, INVALID), ({"parameters": {"thin": "maybe"}}, INVALID),
        ({"parameters": {"pool": "other"}}, INVALID), ({"parameters": {"iops": "500"}}, INVALID),
        ({"parameters": {"mkfs_options": "-E offset=4096"}, "volume_capabilities": EXT4}, INVALID),
        ({"parameters": {"mkfs_options": "-m crc=1 /dev/sda"}, "volume_capabilities": EXT4}, INVALID),
        ({"parameters": {"mkfs_options": "-m"}, "volume_capabilities": ONE + EXT4}, INVALID),
        ({"mutable_parameters": {"colour": "red"}}, INVALID),
        ({"mutable_parameters": {"thin": "true"}}, INVALID),
        ({"mutable_parameters": {"iops": "0x10"}}, INVALID),
        ({"capacity_range": {"required_bytes": -1}}, INVALID),
        ({"capacity_range": {"limit_bytes": -1}}, INVALID),
        ({"capacity_range": {"required_bytes": 2, "limit_bytes": 1}}, INVALID),
        ({"capacity_range": {"required_bytes": 1, "limit_bytes": 511}}, RANGES),
        ({"capacity_range": {"required_bytes": (1 << 63) - 1}}, RANGES),
        ({"capacity_range": {"required_bytes": 1 << 60}, "parameters": {"thin": "false"}},
         "RESOURCE_EXHAUSTED"),
        ({"volume_content_source": {}}, INVALID), (snapshot_of(""), INVALID), (volume_of(""), INVALID),
        (snapshot_of(NOBODY), ABSENT), (volume_of(NOBODY), ABSENT), (snapshot_of(A), ABSENT),
        (volume_of(S), ABSENT),
        (volume_of(A) | {"capacity_range": {"required_bytes": MIB, "limit_bytes": MIB}}, RANGES),
        ({"name": "a"}, None), ({"name": "a", "capacity_range": {"required_bytes": GIB}}, EXISTS),
        ({"name": "a"} | volume_of(B), EXISTS), ({"name": "a"} | snapshot_of(S), EXISTS)]),
    "DeleteVolume": ({"volume_id": NOBODY}, [({"volume_id": ""}, INVALID), ({"volume_id": B}, IN_USE)]),
    "ControllerPublishVolume": (
        {"volume_id": B, "node_id": "n1", "volume_capability": ONE[0]}, [
            ({"volume_id": ""}, INVALID), ({"node_id": ""}, INVALID), ({"volume_capability": {}}, INVALID),
            ({"volume_capability": MANY[0]}, INVALID), ({"volume_id": NOBODY}, ABSENT),
            ({"node_id": "nobody"}, ABSENT), ({"node_id": "n" * 256}, ABSENT),
            ({"volume_id": NOBODY, "node_id": ""}, INVALID), ({"readonly": True}, EXISTS),
            ({"volume_capability": capability("SINGLE_NODE_READER_ONLY")}, EXISTS),
            ({"volume_capability": capability(block=False)}, EXISTS), ({"node_id": "n2"}, IN_USE)]),
    "ControllerUnpublishVolume": ({"volume_id": NOBODY}, [
        ({"volume_id": ""}, INVALID), ({"node_id": "nobody"}, None), ({"volume_id": A}, None)]),
    "ValidateVolumeCapabilities": ({"volume_id": A, "volume_capabilities": ONE}, [
        ({"volume_id": ""}, INVALID), ({"volume_capabilities": []}, INVALID),
        ({"volume_id": NOBODY}, ABSENT)]),
    "ListVolumes": ({}, [({"max_entries": -1}, INVALID), ({"starting_token": "x"}, "ABORTED")]),
    "ListSnapshots": ({}, [({"max_entries": -1}, INVALID), ({"starting_token": "x"}, "ABORTED"),
                           ({"snapshot_id": NOBODY}, None), ({"source_volume_id": NOBODY}, None)]),
    "ControllerGetVolume": ({"volume_id": A}, [({"volume_id": ""}, INVALID), ({"volume_id": NOBODY}, ABSENT)]),
    "GetCapacity": ({}, [
        ({"parameters": {"colour": "red"}}, INVALID), ({"parameters": {"pool": "other"}}, INVALID),
        ({"volume_capabilities": [{}]}, INVALID), ({"volume_capabilities": MANY}, None)]),
    "CreateSnapshot": ({"name": "new", "source_volume_id": A}, [
        ({"name": ""}, INVALID), ({"source_volume_id": ""}, INVALID),
        ({"parameters": {"colour": "red"}}, INVALID), ({"source_volume_id": NOBODY}, ABSENT),
        ({"name": "s"}, None), ({"name": "s", "source_volume_id": B}, EXISTS)]),
    "DeleteSnapshot": ({"snapshot_id": NOBODY}, [({"snapshot_id": ""}, INVALID)]),
    "GetSnapshot": ({"snapshot_id": S}, [({"snapshot_id": ""}, INVALID), ({"snapshot_id": NOBODY}, ABSENT)]),
    "ControllerExpandVolume": ({"volume_id": A, "capacity_range": RANGE}, [
        ({"volume_id": ""}, INVALID), ({"capacity_range": {}}, INVALID),
        ({"capacity_range": {"required_bytes": -1}}, INVALID),
        ({"capacity_range": {"required_bytes": 2, "limit_bytes": 1}}, INVALID),
        ({"volume_capability": MANY[0]}, INVALID), ({"volume_id": NOBODY}, ABSENT),
        ({"capacity_range": {"required_bytes": MIB, "limit_bytes": MIB}}, RANGES),
        ({"capacity_range": {"required_bytes": (1 << 63) - 1}}, RANGES)]),
    "ControllerModifyVolume": ({"volume_id": A, "mutable_parameters": {"iops": "0"}}, [
        ({"volume_id": ""}, INVALID), ({"volume_id": NOBODY}, ABSENT),
        ({"mutable_parameters": {"colour": "red"}}, INVALID),
        ({"mutable_parameters": {"iops": "500", "iops_read": "500"}}, INVALID)]),
    "ControllerGetVolumeHealth": ({"volume_id": A}, [
        ({"volume_id": ""}, INVALID), ({"volume_id": NOBODY}, ABSENT)]),
    "ControllerListVolumeHealth": ({}, [
        ({"max_entries": -1}, INVALID), ({"starting_token": "x"}, "ABORTED")]),
    "GroupController.CreateVolumeGroupSnapshot": ({"name": "g", "source_volume_ids": [A]}, [
        ({"name": ""}, INVALID), ({"source_volume_ids": []}, INVALID), ({"source_volume_ids": [""]}, INVALID),
        ({"parameters": {"colour": "red"}}, INVALID), ({"name": "new", "source_volume_ids": [NOBODY]}, ABSENT),
        ({"source_volume_ids": [B]}, EXISTS)]),
    "GroupController.GetVolumeGroupSnapshot": ({"group_snapshot_id": G}, [
        ({"group_snapshot_id": ""}, INVALID), ({"snapshot_ids": []}, INVALID), ({"snapshot_ids": [S]}, INVALID),
        ({"group_snapshot_id": NOBODY}, ABSENT)]),
    "GroupController.DeleteVolumeGroupSnapshot": ({"group_snapshot_id": NOBODY}, [
        ({"group_snapshot_id": ""}, INVALID), ({"group_snapshot_id": G, "snapshot_ids": []}, INVALID),
        ({"group_snapshot_id": G, "snapshot_ids": [S]}, INVALID)]),
    "SnapshotMetadata.GetMetadataAllocated": ({"snapshot_id": S}, [
        ({"snapshot_id": ""}, INVALID), ({"max_results": -1}, INVALID), ({"starting_offset": -1}, INVALID),
        ({"snapshot_id": NOBODY}, ABSENT), ({"starting_offset": GIB}, RANGES)]),
    "SnapshotMetadata.GetMetadataDelta": ({"base_snapshot_id": S, "target_snapshot_id": S}, [
        ({"base_snapshot_id": ""}, INVALID), ({"target_snapshot_id": ""}, INVALID),
        ({"max_results": -1}, INVALID), ({"starting_offset": -1}, INVALID),
        ({"base_snapshot_id": NOBODY}, ABSENT), ({"target_snapshot_id": NOBODY}, ABSENT),
        ({"starting_offset": GIB}, RANGES)]),
}


def furnish(bed):
    """Volumes `a`, with snapshot `s` and group `g`, and `b`, which is published."""
    for name in "ab":
        bed.volume(name, 2 * MIB)
    bed.snapshot("s", A)
    group = bed.csi("GroupController.CreateVolumeGroupSnapshot", name="g", source_volume_ids=[A])
    bed.publish(B)
    return {"snapshot_ids": [s["snapshot_id"] for s in group["group_snapshot"]["snapshots"]]}


def seen(bed):
    return (bed.csi("ListVolumes"), bed.csi("ListSnapshots"), bed.csi("ControllerListVolumeHealth"))


def ask(bed, method, **request):
    service, _, name = method.rpartition(".")
    client = bed.client()
    client.begin(f"{service or 'Controller'}.{name}", **request)
    client.end()
    client.close()
    bed.extra.remove(client)


def check(bed, method):
    members = furnish(bed)
    right, rows = TABLES[method]
    if method.endswith("VolumeGroupSnapshot") and "Create" not in method:
        right = right | members
    before = seen(bed)
    for change, code in rows:
        if code is None:
            ask(bed, method, **right | change)
            continue
        try:
            with refused(code):
                ask(bed, method, **right | change)
        except AssertionError as wrong:
            raise AssertionError(f"{change}: {wrong}") from wrong
    after = seen(bed)
    assert after == before, (before, after)
    ask(bed, method, **right)


for called in TABLES:
    statement(f"{called.rpartition('.')[2]}: each error has its code, and changes nothing")(
        lambda bed, called=called: check(bed, called))

if __name__ == "__main__":
    run(Bed())
