#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What is offered is what is served: a plugin whose storage can do little says so, and answers UNIMPLEMENTED
to everything else."""

import os

from bed import MIB, Bed, capability, refused, run, statement

LITTLE = """
node: { id: n1 }
pools:
  - { name: default, backend: example, directory: ROOT/volumes }
"""
MUCH = """
node: { id: n1 }
pools:
  - { name: default, backend: file, directory: ROOT/volumes }
"""
# The calls of each capability, and one request that no argument is missing from.
VOLUME, SNAPSHOT = {"volume_id": "default/n1/x"}, {"snapshot_id": "default/n1/x"}
CALLS = {
    "CREATE_DELETE_VOLUME": [("CreateVolume", {"name": "x", "volume_capabilities": [capability()]}),
                             ("DeleteVolume", VOLUME)],
    "PUBLISH_UNPUBLISH_VOLUME": [("ControllerPublishVolume", VOLUME | {
        "node_id": "n1", "volume_capability": capability()}), ("ControllerUnpublishVolume", VOLUME)],
    "LIST_VOLUMES": [("ListVolumes", {})],
    "GET_CAPACITY": [("GetCapacity", {})],
    "CREATE_DELETE_SNAPSHOT": [("CreateSnapshot", {"name": "x", "source_volume_id": "default/n1/x"}),
                               ("DeleteSnapshot", SNAPSHOT)],
    "LIST_SNAPSHOTS": [("ListSnapshots", {})],
    "EXPAND_VOLUME": [("ControllerExpandVolume", VOLUME | {"capacity_range": {"required_bytes": MIB}})],
    "GET_VOLUME": [("ControllerGetVolume", VOLUME)],
    "MODIFY_VOLUME": [("ControllerModifyVolume", VOLUME | {"mutable_parameters": {"iops": "500"}})],
    "GET_SNAPSHOT": [("GetSnapshot", SNAPSHOT)],
    "GET_VOLUME_HEALTH": [("ControllerGetVolumeHealth", VOLUME)],
    "LIST_VOLUME_HEALTH": [("ControllerListVolumeHealth", {})],
}
GROUPS = [("GroupController.CreateVolumeGroupSnapshot", {"name": "x", "source_volume_ids": ["default/n1/x"]}),
          ("GroupController.GetVolumeGroupSnapshot", {"group_snapshot_id": "default/n1/x", "snapshot_ids": ["y"]}),
          ("GroupController.DeleteVolumeGroupSnapshot", {"group_snapshot_id": "default/n1/x",
                                                         "snapshot_ids": ["y"]})]
METADATA = [("SnapshotMetadata.GetMetadataAllocated", SNAPSHOT),
            ("SnapshotMetadata.GetMetadataDelta", {"base_snapshot_id": "default/n1/x",
                                                   "target_snapshot_id": "default/n1/y"})]


class Storage(Bed):
    """`example` makes no directory of its own."""

    def begin(self):
        os.makedirs(self.pool, exist_ok=True)
        super().begin()

    def sweep(self):
        for volume_id in self.volumes():
            self.csi("DeleteVolume", volume_id=volume_id)


def offered(bed):
    rpc = {c["rpc"]["type"] for c in bed.csi("ControllerGetCapabilities")["capabilities"]}
    plugin = bed.csi("Identity.GetPluginCapabilities")["capabilities"]
    return rpc, {c["service"]["type"] for c in plugin if "service" in c}


def is_served(bed, method, request):
    client = bed.client()
    client.begin(method if "." in method else f"Controller.{method}", **request)
    try:
        client.end()
    except AssertionError:
        raise
    except Exception as refusal:  # pylint: disable=broad-exception-caught
        return refusal.code != "UNIMPLEMENTED"
    return True


@statement("the calls of a capability are served when it is offered, and UNIMPLEMENTED when it is not")
def _(bed):
    rpc, services = offered(bed)
    for name, calls in CALLS.items():
        for method, request in calls:
            assert is_served(bed, method, request) == (name in rpc), (name, method)
    for name, calls in (("GROUP_CONTROLLER_SERVICE", GROUPS), ("SNAPSHOT_METADATA_SERVICE", METADATA)):
        for method, request in calls:
            assert is_served(bed, method, request) == (name in services), (name, method)


@statement("what each plugin has to answer is served, whatever its storage can do")
def _(bed):
    for method in ("Identity.GetPluginInfo", "Identity.Probe", "ControllerGetCapabilities",
                   "GroupController.GroupControllerGetCapabilities"):
        bed.csi(method)
    info = bed.csi("Identity.GetPluginInfo")
    assert 0 < len(info["name"]) <= 63 and info["name"].replace(".", "").replace("-", "").isalnum(), info
    assert info["vendor_version"], info
    assert bed.csi("Identity.Probe")["ready"]["value"] is True
    volume_id = bed.volume("a")["volume_id"]
    assert bed.csi("ValidateVolumeCapabilities", volume_id=volume_id,
                   volume_capabilities=[capability()])["confirmed"]


@statement("a source that its storage cannot have is INVALID_ARGUMENT, one that it could have NOT_FOUND")
def _(bed):
    rpc, _ = offered(bed)
    volume_id = bed.volume("a")["volume_id"]
    if "CLONE_VOLUME" not in rpc:
        with refused("INVALID_ARGUMENT", "pool default"):
            bed.volume("b", volume_content_source={"volume": {"volume_id": volume_id}})
    with refused("NOT_FOUND" if "CREATE_DELETE_SNAPSHOT" in rpc else "INVALID_ARGUMENT", "snapshot"):
        bed.volume("b", volume_content_source={"snapshot": {"snapshot_id": "default/n1/nothing"}})
    assert list(bed.volumes()) == [volume_id]


if __name__ == "__main__":
    run(Storage(LITTLE), Storage(MUCH))
