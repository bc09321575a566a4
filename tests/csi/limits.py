#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The most volumes that a node takes: counted over all pools, by several callers at once, and after
kills, with the attachments as they are as the only truth."""

import glob
import os
import random
import time

from bed import Bed, Refused, capability, refused, run, statement

CONFIG = """
node: { id: n1, max_volumes: 3 }
nodes: [{ id: n2, max_volumes: 1 }, n3]
pools:
  - { name: default, backend: file, directory: ROOT/volumes }
  - { name: shared, backend: file, directory: ROOT/shared, shared: true, multi_attach: trust }
"""
UNLIMITED = CONFIG.replace("max_volumes: 3", "max_volumes: 0").replace("max_volumes: 1", "zone: a")


def make(bed, n, pool="default"):
    return [bed.volume(f"v{i}", parameters={"pool": pool})["volume_id"] for i in range(n)]


def attached(bed, node="n1"):
    return [i for i, e in bed.volumes().items() if node in e["status"]["published_node_ids"]]


def fill(bed, volume_ids):
    """Publishes one after the other; those that were let in."""
    let_in = []
    for volume_id in volume_ids:
        try:
            bed.publish(volume_id)
            let_in.append(volume_id)
        except Refused as refusal:
            assert refusal.code == "RESOURCE_EXHAUSTED", refusal
    return let_in


def tear(bed):
    """The roll of n1 with claims in it that nobody settles, as a crash leaves them; ended ones."""
    for path in glob.glob(bed.path("*", "records", "n1.attached")):
        os.unlink(path)


@statement("a node says how many volumes it takes, and more are RESOURCE_EXHAUSTED")
def _(bed):
    assert bed.csi("NodeGetInfo")["max_volumes_per_node"] == 3
    ids = make(bed, 5)
    assert fill(bed, ids) == ids[:3]
    with refused("RESOURCE_EXHAUSTED", "node n1 has 3 volumes", "max_volumes"):
        bed.publish(ids[4])
    assert attached(bed) == ids[:3]


@statement("a volume that the node has takes no more room, and one that was taken away makes room")
def _(bed):
    ids = make(bed, 5)
    fill(bed, ids)
    for _ in range(3):
        bed.publish(ids[0])
    bed.unpublish(ids[1], node_id="n1")
    bed.publish(ids[3])
    bed.unpublish(ids[0])  # from all nodes
    bed.publish(ids[4])
    assert attached(bed) == [ids[2], ids[3], ids[4]]


@statement("volumes of all pools are counted together, and each node for itself")
def _(bed):
    here, shared = make(bed, 2), make(bed, 4, "shared")
    many = capability("MULTI_NODE_MULTI_WRITER")
    assert fill(bed, here) == here
    bed.publish(shared[0], volume_capability=many)
    with refused("RESOURCE_EXHAUSTED", "node n1"):
        bed.publish(shared[1], volume_capability=many)
    bed.publish(shared[0], "n2", volume_capability=many)
    with refused("RESOURCE_EXHAUSTED", "node n2 has 1 volumes"):
        bed.publish(shared[1], "n2", volume_capability=many)
    for volume_id in shared:
        bed.publish(volume_id, "n3", volume_capability=many)
    bed.unpublish(shared[0])  # from n1, n2 and n3
    bed.publish(shared[1], "n2", volume_capability=many)
    bed.publish(shared[1], "n1", volume_capability=many)


@statement("a call that is refused takes no room")
def _(bed):
    ids = make(bed, 3)
    many = make(bed, 2, "shared")
    bed.publish(many[0], "n3")
    for _ in range(5):
        with refused("FAILED_PRECONDITION"):
            bed.publish(many[0], "n1")
    assert fill(bed, ids) == ids


@statement("of calls at once no more are let in than the node takes, and asking again fills it")
def _(bed):
    ids = make(bed, 8) + make(bed, 4, "shared")
    for _ in range(5):
        calls = [("ControllerPublishVolume", {"volume_id": i, "node_id": "n1",
                                              "volume_capability": capability()}) for i in ids]
        results = bed.together(*calls)
        codes = {r.code for r in results if isinstance(r, Refused)}
        assert codes <= {"RESOURCE_EXHAUSTED", "ABORTED"}, codes
        assert len(attached(bed)) <= 3
        fill(bed, ids)
        assert len(attached(bed)) == 3
        for volume_id in ids:
            bed.unpublish(volume_id)


@statement("volumes that were attached before there was a limit are counted")
def _(bed):
    ids = make(bed, 5)
    bed.restart(UNLIMITED)
    assert fill(bed, ids[:2]) == ids[:2]
    bed.restart(CONFIG)
    assert fill(bed, ids[2:]) == ids[2:3]
    bed.restart(UNLIMITED)  # what is attached now is on no roll
    assert fill(bed, ids) == ids
    bed.restart(CONFIG)
    bed.unpublish(ids[0])
    with refused("RESOURCE_EXHAUSTED", "node n1 has 4 volumes"):
        bed.publish(ids[0])


@statement("volumes that are deleted, or whose record is lost, leave no room taken and none free")
def _(bed):
    ids = make(bed, 5)
    assert fill(bed, ids) == ids[:3]
    tear(bed)
    with refused("RESOURCE_EXHAUSTED", "node n1 has 3 volumes"):
        bed.publish(ids[3])
    for volume_id in ids[:3]:
        bed.unpublish(volume_id)
        bed.csi("DeleteVolume", volume_id=volume_id)
    ids = make(bed, 5)
    assert fill(bed, ids) == ids[:3]


@statement("a service that is killed at any moment leaves as much room as there is")
def _(bed):
    ids = make(bed, 6)
    random.seed(7)
    for _ in range(12):
        clients = [bed.client() for _ in ids]
        for client, volume_id in zip(clients, ids):
            if random.random() < 0.5:
                client.begin("Controller.ControllerPublishVolume", volume_id=volume_id,
                             node_id="n1", volume_capability=capability())
            else:
                client.begin("Controller.ControllerUnpublishVolume", volume_id=volume_id)
        time.sleep(random.random() * 0.02)
        bed.restart()
        assert len(attached(bed)) <= 3, attached(bed)
    for volume_id in ids:
        bed.unpublish(volume_id)
    # A claim of the killed is taken over by who asks for the same volume; others wait for its end.
    assert len(fill(bed, ids)) <= 3
    for volume_id in attached(bed):
        bed.unpublish(volume_id)
    tear(bed)
    assert len(fill(bed, ids)) == 3


if __name__ == "__main__":
    run(Bed(CONFIG))
