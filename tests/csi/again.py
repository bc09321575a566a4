#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What is asked for again: the same answer for the same request, and ALREADY_EXISTS for another one
that uses the same name.  Also of calls at once, and after a kill."""

import os

from bed import MIB, Bed, Refused, capability, refused, run, statement

MKFS = {"mkfs_options": "-N 64"}
SLOW = {"iops": "500", "bandwidth": "10Mi"}


def asked(bed, name="a", **more):
    """A request, to be made several times, and its answer."""
    request = {"name": name, "volume_capabilities": [capability()],
               "capacity_range": {"required_bytes": MIB}} | more
    return request, bed.csi("CreateVolume", **request)["volume"]


def is_another(bed, request, **other):
    with refused("ALREADY_EXISTS", request["name"]):
        bed.csi("CreateVolume", **request | other)


@statement("the same request again is the same volume, also for a new controller")
def _(bed):
    source = bed.volume("source")["volume_id"]
    snapshot = bed.snapshot("s", source)["snapshot_id"]
    requests = [asked(bed, f"v{i}", **more) for i, more in enumerate((
        {}, {"parameters": {"thin": "false"}}, {"parameters": MKFS}, {"mutable_parameters": SLOW},
        {"parameters": MKFS, "mutable_parameters": SLOW,
         "volume_content_source": {"volume": {"volume_id": source}}},
        {"volume_content_source": {"snapshot": {"snapshot_id": snapshot}}}))]
    for _ in range(2):
        for request, volume in requests:
            assert bed.csi("CreateVolume", **request)["volume"] == volume
        bed.restart()
    assert len(bed.volumes()) == 1 + len(requests)


@statement("a name with other parameters is another volume's: ALREADY_EXISTS, and that one stays as it is")
def _(bed):
    plain, volume = asked(bed)
    for other in ({"thin": "false"}, MKFS):
        is_another(bed, plain, parameters=other)
    with_mkfs, _ = asked(bed, "b", parameters=MKFS)
    is_another(bed, with_mkfs, parameters={})
    is_another(bed, with_mkfs, parameters={"mkfs_options": "-N 128"})
    thick, _ = asked(bed, "c", parameters={"thin": "false"})
    is_another(bed, thick, parameters={})
    assert bed.csi("CreateVolume", **plain | {"parameters": {"thin": "true"}})["volume"] == volume


@statement("a name with other mutable parameters than the volume has now is ALREADY_EXISTS, and changes nothing")
def _(bed):
    def limits_are(volume_id, **limits):
        answer = bed.csi("ValidateVolumeCapabilities", volume_id=volume_id,
                         volume_capabilities=[capability()], mutable_parameters=limits)
        return "confirmed" in answer
    plain, volume = asked(bed)
    is_another(bed, plain, mutable_parameters=SLOW)
    assert limits_are(volume["volume_id"], iops="0", bandwidth="0")
    slow, volume = asked(bed, "b", mutable_parameters=SLOW)
    is_another(bed, slow, mutable_parameters={"iops": "600"})
    is_another(bed, slow, mutable_parameters={"iops_read": "600"})
    for same in ({}, {"iops": "500"}, {"bandwidth": str(10 * MIB), "iops_read": "0"}):
        assert bed.csi("CreateVolume", **slow | {"mutable_parameters": same})["volume"] == volume
    bed.csi("ControllerModifyVolume", volume_id=volume["volume_id"], mutable_parameters={"iops": "900"})
    is_another(bed, slow)
    assert limits_are(volume["volume_id"], iops="900", bandwidth="10Mi")


@statement("a volume always has the same volume_context, in every answer")
def _(bed):
    for parameters in ({}, MKFS):
        request, volume = asked(bed, f"v{len(parameters)}", parameters=parameters)
        volume_id = volume["volume_id"]
        told = [bed.csi("CreateVolume", **request)["volume"], bed.volumes()[volume_id]["volume"],
                bed.csi("ControllerGetVolume", volume_id=volume_id)["volume"]]
        assert all(t["volume_context"] == volume["volume_context"] for t in told), (volume, told)


@statement("parameters that a volume was not made with are not confirmed")
def _(bed):
    def confirmed(volume, **parameters):
        answer = bed.csi("ValidateVolumeCapabilities", volume_id=volume["volume_id"],
                         volume_capabilities=[capability()], parameters=parameters)
        return "confirmed" in answer
    _, plain = asked(bed)
    _, made = asked(bed, "b", parameters=MKFS | {"thin": "false"})
    assert confirmed(plain) and confirmed(plain, thin="true") and confirmed(plain, pool="default")
    assert confirmed(made) and confirmed(made, thin="false", **MKFS)
    for volume, parameters in ((plain, {"thin": "false"}), (plain, MKFS), (made, {"thin": "true"}),
                               (made, {"mkfs_options": "-N 128"})):
        assert not confirmed(volume, **parameters), parameters


@statement("of calls at once that use one name for different volumes one is done, and the others never are")
def _(bed):
    variants = [{}, {"parameters": MKFS}, {"parameters": {"thin": "false"}}, {"mutable_parameters": SLOW},
                {"capacity_range": {"required_bytes": 2 * MIB}}] * 3
    for i in range(5):
        request = {"name": f"v{i}", "volume_capabilities": [capability()],
                   "capacity_range": {"required_bytes": MIB, "limit_bytes": 0}}
        results = bed.together(*[("CreateVolume", request | v) for v in variants])
        done = [v for v, r in zip(variants, results) if not isinstance(r, Refused)]
        codes = {r.code for r in results if isinstance(r, Refused)}
        assert done and codes <= {"ABORTED", "ALREADY_EXISTS"}, (done, codes)
        # No limits are satisfied by any, and a size by a larger one: what is done says no more than that.
        made = next((v for v in done if v), {})
        for variant in variants:
            if variant == made or (not variant and "parameters" not in made):
                bed.csi("CreateVolume", **request | variant)
            else:
                is_another(bed, request, **variant)
    assert len(bed.volumes()) == 5


@statement("a service that is killed while it makes a volume leaves none without what it was asked for")
def _(bed):
    request = {"volume_capabilities": [capability()], "capacity_range": {"required_bytes": MIB},
               "parameters": MKFS, "mutable_parameters": SLOW}
    for i in range(6):
        client = bed.client()
        client.begin("Controller.CreateVolume", name=f"v{i}", **request)
        bed.restart()
        for entry in bed.volumes().values():
            answer = bed.csi("ValidateVolumeCapabilities", volume_id=entry["volume"]["volume_id"],
                             volume_capabilities=[capability()], parameters=MKFS, mutable_parameters=SLOW)
            assert "confirmed" in answer, answer
        bed.csi("CreateVolume", name=f"v{i}", **request)


@statement("the same snapshot again is the same, also when its volume is gone; of another volume ALREADY_EXISTS")
def _(bed):
    a, b = (bed.volume(name)["volume_id"] for name in ("a", "b"))
    snapshot = bed.snapshot("s", a)
    for _ in range(2):
        assert bed.snapshot("s", a) == snapshot
        with refused("ALREADY_EXISTS", "s"):
            bed.snapshot("s", b)
        with refused("ALREADY_EXISTS", "s"):
            bed.snapshot("s", "default/n1/nobody")
        bed.restart()
    bed.csi("DeleteVolume", volume_id=a)
    assert bed.snapshot("s", a) == snapshot
    with refused("NOT_FOUND"):
        bed.snapshot("t", a)
    results = bed.together(*[("CreateSnapshot", {"name": "u", "source_volume_id": b})] * 8)
    assert {r["snapshot"]["snapshot_id"] for r in results if not isinstance(r, Refused)} == {"default/n1/u"}


@statement("deleting, unpublishing, modifying and expanding again is success")
def _(bed):
    volume_id = bed.volume("a")["volume_id"]
    snapshot_id = bed.snapshot("s", volume_id)["snapshot_id"]
    bed.publish(volume_id)
    for _ in range(3):
        bed.csi("ControllerModifyVolume", volume_id=volume_id, mutable_parameters=SLOW)
        answer = bed.csi("ControllerExpandVolume", volume_id=volume_id,
                         capacity_range={"required_bytes": 2 * MIB})
        assert answer == {"capacity_bytes": 2 * MIB, "node_expansion_required": True}, answer
    for method, ask in (("DeleteSnapshot", {"snapshot_id": snapshot_id}),
                        ("ControllerUnpublishVolume", {"volume_id": volume_id, "node_id": "n1"}),
                        ("DeleteVolume", {"volume_id": volume_id}),
                        ("ControllerUnpublishVolume", {"volume_id": volume_id, "node_id": "n1"})):
        for _ in range(2):
            assert bed.csi(method, **ask) == {}
            bed.restart()
    assert not os.listdir(bed.path("volumes", "volumes"))


if __name__ == "__main__":
    run(Bed())
