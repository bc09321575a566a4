#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The service SnapshotMetadata: which blocks a snapshot holds, and how two of them differ."""

import os
import threading
import time

from bed import MIB, Bed, Refused, refused, run, statement

BLOCK = 4096


def write(bed, volume, *offsets, size=BLOCK):
    path = os.path.join(bed.pool, "volumes", volume, "image")
    with open(path, "r+b") as stream:
        for offset in offsets:
            stream.seek(offset)
            stream.write(os.urandom(size))


def ask(bed, method, **request):
    """The messages of a stream, on a connection of its own."""
    client = bed.client()
    client.begin(f"SnapshotMetadata.{method}", **request)
    return client.end()


def allocated(bed, snapshot, **more):
    return ask(bed, "GetMetadataAllocated", snapshot_id=snapshot, **more)


def delta(bed, base, target, **more):
    return ask(bed, "GetMetadataDelta", base_snapshot_id=base, target_snapshot_id=target, **more)


def blocks(messages):
    return [(int(b["byte_offset"]), int(b["size_bytes"]))
            for message in messages for b in message["block_metadata"]]


def history(bed, *offsets):
    """A volume of 8 MiB with one block written, its snapshot, blocks at the offsets, and another snapshot."""
    volume = bed.volume("a", 8 * MIB)["volume_id"]
    write(bed, "a", MIB)
    first = bed.snapshot("s1", volume)["snapshot_id"]
    write(bed, "a", *offsets)
    return first, bed.snapshot("s2", volume)["snapshot_id"]


@statement("the plugin says SNAPSHOT_METADATA_SERVICE")
def _(bed):
    offers = bed.csi("Identity.GetPluginCapabilities")["capabilities"]
    assert "SNAPSHOT_METADATA_SERVICE" in [o.get("service", {}).get("type") for o in offers], offers


@statement("allocated blocks are those that were the target of a write")
def _(bed):
    first, second = history(bed, 2 * MIB, 3 * MIB)
    assert blocks(allocated(bed, first)) == [(MIB, BLOCK)]
    assert blocks(allocated(bed, second)) == [(MIB, BLOCK), (2 * MIB, BLOCK), (3 * MIB, BLOCK)]


@statement("changed blocks are those that were written since the base, in ascending order without overlap")
def _(bed):
    first, second = history(bed, 6 * MIB, 2 * MIB, 2 * MIB + BLOCK, 0)
    assert blocks(delta(bed, first, second)) == [(0, BLOCK), (2 * MIB, 2 * BLOCK), (6 * MIB, BLOCK)]


@statement("the type of blocks and the capacity are the same in each message of a stream, also in the only one")
def _(bed):
    first, second = history(bed, *range(2 * MIB, 6 * MIB, 2 * BLOCK))
    for messages in (delta(bed, first, second, max_results=7), delta(bed, first, first)):
        assert messages and {(m["block_metadata_type"], int(m["volume_capacity_bytes"]))
                             for m in messages} == {("VARIABLE_LENGTH", 8 * MIB)}


@statement("a message has max_results blocks at most, and 0 leaves it to the plugin")
def _(bed):
    first, second = history(bed, *range(2 * MIB, 6 * MIB, 2 * BLOCK))
    whole = blocks(delta(bed, first, second))
    for max_results in (1, 100, 2147483647):
        messages = delta(bed, first, second, max_results=max_results)
        assert all(len(m["block_metadata"]) <= max_results for m in messages)
        assert blocks(messages) == whole


@statement("a stream goes on from any starting_offset, and tells nothing before it")
def _(bed):
    first, second = history(bed, 2 * MIB, 5 * MIB)
    for offset, wanted in [(2 * MIB, [(2 * MIB, BLOCK), (5 * MIB, BLOCK)]),
                           (2 * MIB + 1000, [(2 * MIB + 1000, BLOCK - 1000), (5 * MIB, BLOCK)]),
                           (2 * MIB + BLOCK, [(5 * MIB, BLOCK)]), (8 * MIB - 1, []), (8 * MIB, [])]:
        assert blocks(delta(bed, first, second, starting_offset=offset)) == wanted, offset
    with refused("OUT_OF_RANGE", "starting_offset"):
        delta(bed, first, second, starting_offset=8 * MIB + 1)
    with refused("OUT_OF_RANGE", "starting_offset"):
        allocated(bed, first, starting_offset=1 << 62)


@statement("the target's capacity counts, and what the volume grew by is compared with zeros")
def _(bed):
    volume = bed.volume("a", MIB)["volume_id"]
    first = bed.snapshot("s1", volume)["snapshot_id"]
    bed.csi("ControllerExpandVolume", volume_id=volume, capacity_range={"required_bytes": 4 * MIB})
    write(bed, "a", 3 * MIB)
    second = bed.snapshot("s2", volume)["snapshot_id"]
    messages = delta(bed, first, second)
    assert blocks(messages) == [(3 * MIB, BLOCK)]
    assert int(messages[0]["volume_capacity_bytes"]) == 4 * MIB
    with refused("INVALID_ARGUMENT", "swap"):
        delta(bed, second, first)


@statement("a missing or negative argument is INVALID_ARGUMENT, an unknown snapshot NOT_FOUND")
def _(bed):
    first, second = history(bed, 0)
    for call in (lambda: allocated(bed, ""), lambda: delta(bed, "", second), lambda: delta(bed, first, ""),
                 lambda: allocated(bed, first, starting_offset=-1),
                 lambda: delta(bed, first, second, max_results=-1)):
        with refused("INVALID_ARGUMENT"):
            call()
    for wrong in ("default/n1/nobody", "nobody", "gone/n1/s1", "default/n1/../../s1", "x" * 4000):
        for call in (lambda: allocated(bed, wrong), lambda: delta(bed, wrong, second),
                     lambda: delta(bed, first, wrong)):
            with refused("NOT_FOUND"):
                call()


@statement("snapshots of two volumes, also of a volume and its clone, are not compared: INVALID_ARGUMENT")
def _(bed):
    first, _second = history(bed, 0)
    clone = bed.volume("b", 8 * MIB, volume_content_source={"snapshot": {"snapshot_id": first}})
    alien = bed.snapshot("s3", clone["volume_id"])["snapshot_id"]
    with refused("INVALID_ARGUMENT", "one volume"):
        delta(bed, first, alien)


@statement("snapshots are compared when their volume is gone, and after a restart")
def _(bed):
    first, second = history(bed, 2 * MIB)
    bed.csi("DeleteVolume", volume_id="default/n1/a")
    bed.restart()
    assert blocks(delta(bed, first, second)) == [(2 * MIB, BLOCK)]


@statement("many callers at once are answered, or told to ask again: UNAVAILABLE")
def _(bed):
    first, second = history(bed, *range(2 * MIB, 6 * MIB, 2 * BLOCK))
    whole, wrong = blocks(delta(bed, first, second)), []

    def one(client):
        for _ in range(500):
            try:
                client.begin("SnapshotMetadata.GetMetadataDelta", base_snapshot_id=first,
                             target_snapshot_id=second)
                if blocks(client.end()) != whole:
                    wrong.append("another delta")
                return
            except Refused as refusal:
                if refusal.code != "UNAVAILABLE":
                    wrong.append(str(refusal))
                    return
                time.sleep(0.01)
        wrong.append("never answered")

    threads = [threading.Thread(target=one, args=(bed.client(),)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong, wrong


if __name__ == "__main__":
    run(Bed(), Bed(roles=("controller", "node")))
