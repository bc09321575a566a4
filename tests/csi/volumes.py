#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Volumes between their calls: sizes, attachments, what is validated, what is asked twice or at once,
and what a service that was killed leaves to its successor.  On one socket, and on two."""

import fcntl
import os
import time

from bed import GIB, MIB, SLOWNESS, Bed, Refused, capability, refused, run, statement

# --- sizes ---------------------------------------------------------------------------------------


@statement("a limit below what is required is no range")
def _(bed):
    with refused("INVALID_ARGUMENT", "limit_bytes"):
        bed.volume("a", capacity_range={"required_bytes": 2 * MIB, "limit_bytes": MIB})
    volume_id = bed.volume("a")["volume_id"]
    with refused("INVALID_ARGUMENT", "limit_bytes"):
        bed.csi("ControllerExpandVolume", volume_id=volume_id,
                capacity_range={"required_bytes": 3 * MIB, "limit_bytes": 2 * MIB})


@statement("a new volume is at least what is required and at most the limit")
def _(bed):
    for i, (required, limit) in enumerate([(MIB, MIB), (MIB + 1, 0), (1, 4096), (0, 3 * MIB)]):
        size = bed.volume(f"v{i}", capacity_range={"required_bytes": required,
                                                   "limit_bytes": limit})["capacity_bytes"]
        assert required <= size and (not limit or size <= limit), (required, limit, size)


@statement("a volume is found again by its name where its size lies in the range, else ALREADY_EXISTS")
def _(bed):
    volume = bed.volume("a", 4 * MIB)
    same = bed.volume("a", capacity_range={"required_bytes": MIB, "limit_bytes": 8 * MIB})
    assert same == volume
    for required, limit in [(8 * MIB, 0), (MIB, 2 * MIB)]:
        with refused("ALREADY_EXISTS"):
            bed.volume("a", capacity_range={"required_bytes": required, "limit_bytes": limit})


@statement("a volume grows to what is required, and says so again")
def _(bed):
    volume_id = bed.volume("a")["volume_id"]
    for _ in range(2):
        answer = bed.csi("ControllerExpandVolume", volume_id=volume_id,
                         capacity_range={"required_bytes": 4 * MIB}, volume_capability=capability())
        assert answer["capacity_bytes"] == 4 * MIB and not answer["node_expansion_required"], answer


@statement("a volume never shrinks: a smaller size is answered with its own, a limit below it OUT_OF_RANGE")
def _(bed):
    volume_id = bed.volume("a", 4 * MIB)["volume_id"]
    answer = bed.csi("ControllerExpandVolume", volume_id=volume_id,
                     capacity_range={"required_bytes": MIB})
    assert answer["capacity_bytes"] == 4 * MIB
    with refused("OUT_OF_RANGE", "never shrink"):
        bed.csi("ControllerExpandVolume", volume_id=volume_id,
                capacity_range={"required_bytes": MIB, "limit_bytes": 2 * MIB})
    assert bed.volumes()[volume_id]["volume"]["capacity_bytes"] == 4 * MIB


@statement("a volume made from another is at least as large, and says what it was made from")
def _(bed):
    source = bed.volume("a", 4 * MIB)["volume_id"]
    content = {"volume": {"volume_id": source}}
    with refused("OUT_OF_RANGE"):
        bed.volume("b", MIB, volume_content_source=content,
                   capacity_range={"required_bytes": MIB, "limit_bytes": 2 * MIB})
    volume = bed.volume("b", MIB, volume_content_source=content)
    assert volume["capacity_bytes"] == 4 * MIB and volume["content_source"] == content, volume
    with refused("ALREADY_EXISTS"):
        bed.volume("b", MIB)


# --- attachments ---------------------------------------------------------------------------------


@statement("a published volume is not deleted: FAILED_PRECONDITION")
def _(bed):
    volume_id = bed.volume("a")["volume_id"]
    bed.publish(volume_id)
    with refused("FAILED_PRECONDITION", "node n1", "detach"):
        bed.csi("DeleteVolume", volume_id=volume_id)
    bed.unpublish(volume_id, node_id="n1")
    bed.csi("DeleteVolume", volume_id=volume_id)
    bed.csi("DeleteVolume", volume_id=volume_id)


@statement("publishing again in the same way has the same answer, in another way ALREADY_EXISTS")
def _(bed):
    volume_id = bed.volume("a")["volume_id"]
    context = bed.publish(volume_id)
    assert bed.publish(volume_id) == context
    with refused("ALREADY_EXISTS"):
        bed.publish(volume_id, readonly=True)
    with refused("ALREADY_EXISTS"):
        bed.publish(volume_id, volume_capability=capability(block=False))


@statement("unpublishing what is not published, from a node or from all, is success")
def _(bed):
    volume_id = bed.volume("a")["volume_id"]
    for node in ("n1", "n2", "nobody", ""):
        bed.unpublish(volume_id, node_id=node)
    bed.publish(volume_id)
    bed.unpublish(volume_id)
    bed.unpublish(volume_id)
    assert not bed.volumes()[volume_id]["status"]["published_node_ids"]


@statement("a list names the nodes that each volume is published to")
def _(bed):
    ids = [bed.volume(f"v{i}")["volume_id"] for i in range(3)]
    bed.publish(ids[1])
    listed = bed.volumes()
    assert [listed[i]["status"]["published_node_ids"] for i in ids] == [[], ["n1"], []], listed


# --- lists ---------------------------------------------------------------------------------------


@statement("pages have max_entries at most, and together every entry once")
def _(bed):
    ids = {bed.volume(f"v{i}")["volume_id"] for i in range(7)}
    seen, token, pages = [], "", 0
    while pages == 0 or token:
        page = bed.csi("ListVolumes", max_entries=3, starting_token=token)
        seen += [e["volume"]["volume_id"] for e in page["entries"]]
        assert len(page["entries"]) <= 3
        token, pages = page["next_token"], pages + 1
    assert pages == 3 and len(seen) == 7 and set(seen) == ids, seen


@statement("a token stays good when entries come and go, and over a restart")
def _(bed):
    ids = sorted(bed.volume(f"v{i}")["volume_id"] for i in range(4))
    page = bed.csi("ListVolumes", max_entries=2)
    bed.csi("DeleteVolume", volume_id=ids[1])  # the last one of this page
    bed.csi("DeleteVolume", volume_id=ids[2])  # the first one of the next
    bed.volume("v9")
    bed.restart()
    rest = bed.csi("ListVolumes", starting_token=page["next_token"])
    assert [e["volume"]["volume_id"] for e in rest["entries"]] == [ids[3], "default/n1/v9"], rest


@statement("a token that no list has given is ABORTED, and a list of another kind has given none")
def _(bed):
    for i in range(2):
        bed.volume(f"v{i}")
    token = bed.csi("ListVolumes", max_entries=1)["next_token"]
    with refused("ABORTED", "starting_token"):
        bed.csi("ListSnapshots", starting_token=token)
    for wrong in ("x", token + "x", token[1:], "default/n1/v0", "../v0"):
        with refused("ABORTED", "starting_token"):
            bed.csi("ListVolumes", starting_token=wrong)
    with refused("INVALID_ARGUMENT", "max_entries"):
        bed.csi("ListVolumes", max_entries=-1)


# --- validation ----------------------------------------------------------------------------------


def validate(bed, volume_id, mode="SINGLE_NODE_WRITER", **more):
    return bed.csi("ValidateVolumeCapabilities", volume_id=volume_id,
                   **{"volume_capabilities": [capability(mode)]} | more)


@statement("what a volume can do is confirmed as it was asked, what it cannot is not confirmed, with a reason")
def _(bed):
    volume_id = bed.volume("a")["volume_id"]
    answer = validate(bed, volume_id, parameters={"pool": "default", "thin": "true"})
    assert answer["confirmed"]["parameters"] == {"pool": "default", "thin": "true"}
    assert len(answer["confirmed"]["volume_capabilities"]) == 1
    for wrong in ({"mode": "MULTI_NODE_MULTI_WRITER"}, {"parameters": {"pool": "other"}},
                  {"parameters": {"colour": "red"}}, {"volume_context": {"whose": "mine"}},
                  {"mutable_parameters": {"colour": "red"}}):
        answer = validate(bed, volume_id, **wrong)
        assert "confirmed" not in answer and answer["message"], (wrong, answer)


# --- at once, again, and after a kill ------------------------------------------------------------


def asked_again(bed, method, request):
    """As an orchestrator does it: until the call that is in the way (ABORTED) has ended."""
    deadline = time.monotonic() + 30 * SLOWNESS
    while True:
        try:
            return bed.csi(method, **request)
        except Refused as refusal:
            if refusal.code != "ABORTED" or time.monotonic() > deadline:
                return refusal
        time.sleep(0.05)


def settle(bed, *calls):
    """Calls at once: those that were in another's way are made again."""
    results = bed.together(*calls)
    for i, result in enumerate(results):
        if isinstance(result, Refused) and result.code == "ABORTED":
            results[i] = asked_again(bed, *calls[i])
    for result in results:
        if isinstance(result, Refused):
            raise result
    return results


@statement("calls for one volume at once: each is done or ABORTED, and asking again completes it")
def _(bed):
    request = {"name": "a", "volume_capabilities": [capability()],
               "capacity_range": {"required_bytes": MIB}}
    answers = settle(bed, *[("CreateVolume", request)] * 8)
    assert len({a["volume"]["volume_id"] for a in answers}) == 1
    volume_id = answers[0]["volume"]["volume_id"]
    assert list(bed.volumes()) == [volume_id]
    publish = {"volume_id": volume_id, "node_id": "n1", "volume_capability": capability()}
    answers = settle(bed, *[("ControllerPublishVolume", publish)] * 8)
    assert all(a == answers[0] for a in answers), answers
    settle(bed, *[("ControllerUnpublishVolume", {"volume_id": volume_id})] * 8)
    settle(bed, *[("DeleteVolume", {"volume_id": volume_id})] * 8)
    assert not bed.volumes()


@statement("while a call is at work on a volume, another one for it is ABORTED, and one for another is not")
def _(bed):
    volume_id = bed.volume("a")["volume_id"]
    publish = {"volume_id": volume_id, "node_id": "n1", "volume_capability": capability()}
    folder = os.open(os.path.join(bed.pool, "volumes", "a"), os.O_RDONLY)
    fcntl.flock(folder, fcntl.LOCK_EX)  # as another controller that is changing a record
    client = bed.client()
    client.begin("Controller.ControllerPublishVolume", **publish)
    time.sleep(0.3 * SLOWNESS)
    content = {"volume": {"volume_id": volume_id}}
    for method, request in [("ControllerPublishVolume", publish),
                            ("ControllerUnpublishVolume", {"volume_id": volume_id}),
                            ("CreateSnapshot", {"name": "s", "source_volume_id": volume_id}),
                            ("ControllerExpandVolume", {"volume_id": volume_id,
                                                        "capacity_range": {"required_bytes": GIB}}),
                            ("CreateVolume", {"name": "b", "volume_capabilities": [capability()],
                                              "volume_content_source": content}),
                            ("DeleteVolume", {"volume_id": volume_id})]:
        with refused("ABORTED", volume_id, "ControllerPublishVolume"):
            bed.csi(method, **request)
    bed.publish(bed.volume("c")["volume_id"])
    os.close(folder)
    assert client.end()[0]["publish_context"] == bed.publish(volume_id)


@statement("a call whose caller has left is completed by asking again")
def _(bed):
    request = {"volume_capabilities": [capability()], "capacity_range": {"required_bytes": MIB}}
    for i in range(20):
        client = bed.client()
        client.begin("Controller.CreateVolume", name=f"v{i}", **request)
        client.close()
        answers = settle(bed, ("CreateVolume", {"name": f"v{i}"} | request))
        assert answers[0]["volume"]["volume_id"] == f"default/n1/v{i}"
    assert len(bed.volumes()) == 20


@statement("a call that missed its deadline is completed by asking again")
def _(bed):
    source = bed.volume("a", 64 * MIB)["volume_id"]
    request = {"name": "b", "volume_capabilities": [capability()],
               "capacity_range": {"required_bytes": 64 * MIB},
               "volume_content_source": {"volume": {"volume_id": source}}}
    client = bed.client()
    try:
        client.call("Controller.CreateVolume", timeout_ms=1, **request)
    except Refused as refusal:
        assert refusal.code in ("DEADLINE_EXCEEDED", "UNAVAILABLE"), refusal
    settle(bed, ("CreateVolume", request))
    assert len(bed.volumes()) == 2


@statement("a service that was killed between two calls knows all that the first one did")
def _(bed):
    volume_id = bed.volume("a", 2 * MIB)["volume_id"]
    context = bed.publish(volume_id)
    snapshot = bed.snapshot("s", bed.volume("b")["volume_id"])
    bed.restart()
    assert bed.volume("a", 2 * MIB)["volume_id"] == volume_id
    assert bed.publish(volume_id) == context
    assert bed.snapshot("s", snapshot["source_volume_id"]) == snapshot
    with refused("FAILED_PRECONDITION"):
        bed.csi("DeleteVolume", volume_id=volume_id)


@statement("a service that was killed in the middle of a call leaves what asking again completes")
def _(bed):
    request = {"volume_capabilities": [capability()],
               "capacity_range": {"required_bytes": GIB}, "parameters": {"thin": "false"}}
    for i in range(6):
        client = bed.client()
        client.begin("Controller.CreateVolume", name=f"v{i}", **request)
        bed.restart()
        volume = bed.csi("CreateVolume", name=f"v{i}", **request)["volume"]
        assert volume["capacity_bytes"] == GIB
        bed.csi("DeleteVolume", volume_id=volume["volume_id"])
    left = [os.path.join(top, name) for part in ("volumes", "tmp", "trash")
            for top, _, names in os.walk(os.path.join(bed.pool, part)) for name in names]
    assert not left, left


if __name__ == "__main__":
    run(Bed(), Bed(roles=("controller", "node")))
