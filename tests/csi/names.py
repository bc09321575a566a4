#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Names, ids and maps: the longest, the strangest, and those that are none."""

from bed import DEFAULT_CONFIG, MIB, Bed, capability, refused, run, statement

LONGEST = ["n" * 128, "я" * 64, "名" * 42 + "ab", "🦭" * 32]
STRANGE = ["a b", "../x", "/etc/passwd", ".", "..", "-rf", "a/b\\c", "%2e%2e", "'; drop", "~", "ä́",
           "a\tb", "a\nb", "a\r\nb", "\n", " "]
TRICKS = ["..", ".", "/", "//", "default/..", "default/../default", "default/n1/..",
          "default/n1/../../x", "default/n1/a/b", "default//a", "/default/n1/a", "default/n1/",
          "default/n1/.hidden", "default/n1/a\nb", "default/n1/" + "x" * 2000,
          "\x7f", "default/n1/\t"]
ABSENT = {"nowhere/n1/a": "pool nowhere", "nowhere/a": "pool nowhere", "default/n9/a": "node n9",
          "default/a": "shared"}  # ours, by their shape
INVALID_UTF8 = [{"hex": "64656661756c742f6e312f61ff"}, {"hex": "c0af"}]
NUL = [{"hex": "64656661756c742f6e312f6100"}, {"hex": "00"}, {"hex": "64656661756c742f6e312f610062"}]


@statement("a name may have any 128 bytes of UTF-8, and names one volume")
def _(bed):
    ids = set()
    for name in LONGEST + STRANGE:
        volume = bed.volume(name)
        assert bed.volume(name)["volume_id"] == volume["volume_id"], name
        assert len(volume["volume_id"].encode()) <= 128, volume
        ids.add(volume["volume_id"])
    assert len(ids) == len(LONGEST + STRANGE)
    assert set(bed.volumes()) == ids


@statement("a snapshot's name may have any 128 bytes of UTF-8")
def _(bed):
    volume_id = bed.volume("source")["volume_id"]
    for name in LONGEST + STRANGE:
        snapshot_id = bed.snapshot(name, volume_id)["snapshot_id"]
        assert bed.snapshot(name, volume_id)["snapshot_id"] == snapshot_id, name
        assert len(snapshot_id.encode()) <= 128, snapshot_id


@statement("two names that differ only in their case or their composition are two volumes")
def _(bed):
    ids = {bed.volume(name)["volume_id"] for name in ("a", "A", "ä", "a\u0308")}
    assert len(ids) == 4


@statement("a name with control characters, without UTF-8, or with more than 128 bytes is refused")
def _(bed):
    for name in ["a\x0bb", "\x01", "\x1b[2J", "\x7f", "\u0085", "n" * 129, "я" * 64 + "x", {"hex": "ff"},
                 {"hex": "c0af"}, {"hex": "eda080"}]:
        with refused("INVALID_ARGUMENT", "name"):
            bed.volume(name)
    assert not bed.volumes()


@statement("an id that cannot be one of ours is NOT_FOUND, and what it could point to stays")
def _(bed):
    bed.volume("a")
    asked = [("ControllerExpandVolume", {"capacity_range": {"required_bytes": 2 * MIB}}),
             ("ControllerPublishVolume", {"node_id": "n1", "volume_capability": capability()}),
             ("ValidateVolumeCapabilities", {"volume_capabilities": [capability()]}),
             ("NodeExpandVolume", {"volume_path": "/tmp/nothing"})]
    for trick in TRICKS + INVALID_UTF8:
        for method, more in asked:
            with refused("NOT_FOUND"):
                bed.csi(method, volume_id=trick, **more)
        with refused("NOT_FOUND"):
            bed.snapshot("s", trick)
        with refused("NOT_FOUND"):
            bed.volume("from", volume_content_source={"snapshot": {"snapshot_id": trick}})
        with refused("NOT_FOUND"):
            bed.volume("from", volume_content_source={"volume": {"volume_id": trick}})
    assert list(bed.volumes()) == ["default/n1/a"]


@statement("an id that cannot be one of ours is deleted and unpublished with success, and nothing goes")
def _(bed):
    bed.volume("a")
    bed.snapshot("s", "default/n1/a")
    for trick in TRICKS + INVALID_UTF8:
        bed.csi("DeleteVolume", volume_id=trick)
        bed.csi("DeleteSnapshot", snapshot_id=trick)
        bed.unpublish(trick)
    assert list(bed.volumes()) == ["default/n1/a"]
    assert len(bed.csi("ListSnapshots")["entries"]) == 1


@statement("an id whose pool or node is not configured is NOT_FOUND, and is not said to be gone")
def _(bed):
    for absent, word in ABSENT.items():
        for method in ("DeleteVolume", "ControllerUnpublishVolume"):
            with refused("FAILED_PRECONDITION", word, "forget"):
                bed.csi(method, volume_id=absent)
        with refused("FAILED_PRECONDITION", word, "forget"):
            bed.csi("DeleteSnapshot", snapshot_id=absent)
        with refused("NOT_FOUND"):
            bed.csi("ControllerGetVolume", volume_id=absent)
        with refused("NOT_FOUND"):
            bed.csi("GetSnapshot", snapshot_id=absent)


def ask_group(bed, what, group_id, *snapshot_ids):
    return bed.csi(f"GroupController.{what}VolumeGroupSnapshot", group_snapshot_id=group_id,
                   snapshot_ids=list(snapshot_ids))


@statement("ids that cannot be of ours do no harm in any field of the calls about groups and changed blocks")
def _(bed):
    volume_id = bed.volume("a")["volume_id"]
    snapshot_id = bed.snapshot("s", volume_id)["snapshot_id"]
    group = bed.csi("GroupController.CreateVolumeGroupSnapshot", name="g",
                    source_volume_ids=[volume_id])["group_snapshot"]
    member = group["snapshots"][0]["snapshot_id"]
    blocks = [("Allocated", "snapshot_id", {}), ("Delta", "base_snapshot_id", {"target_snapshot_id": snapshot_id}),
              ("Delta", "target_snapshot_id", {"base_snapshot_id": snapshot_id})]
    for trick in TRICKS + INVALID_UTF8:
        for volumes in ([trick], [volume_id, trick]):
            with refused("NOT_FOUND"):
                bed.csi("GroupController.CreateVolumeGroupSnapshot", name="h", source_volume_ids=volumes)
        with refused("NOT_FOUND"):
            ask_group(bed, "Get", trick, member)
        ask_group(bed, "Delete", trick, member)
        for what in ("Get", "Delete"):
            with refused("INVALID_ARGUMENT", "snapshot_ids"):
                ask_group(bed, what, group["group_snapshot_id"], trick)
        for method, field, more in blocks:
            with refused("NOT_FOUND"):
                bed.csi(f"SnapshotMetadata.GetMetadata{method}", **{field: trick}, **more)
    for absent, word in ABSENT.items():
        with refused("NOT_FOUND"):
            ask_group(bed, "Get", absent, member)
        with refused("FAILED_PRECONDITION", word, "forget"):
            ask_group(bed, "Delete", absent, member)
    for trick in NUL:
        for what in ("Get", "Delete"):
            with refused("INVALID_ARGUMENT", "NUL"):
                ask_group(bed, what, trick, member)
    assert len(bed.csi("ListSnapshots")["entries"]) == 2


@statement("a pool that was taken out of the configuration has all that it had when it is back")
def _(bed):
    two = DEFAULT_CONFIG + "  - { name: other, backend: file, directory: ROOT/other }\n"
    bed.restart(two)
    volume_id = bed.volume("a", parameters={"pool": "other"})["volume_id"]
    snapshot_id = bed.snapshot("s", volume_id)["snapshot_id"]
    bed.restart(DEFAULT_CONFIG)
    with refused("FAILED_PRECONDITION", "pool other"):
        bed.csi("DeleteVolume", volume_id=volume_id)
    with refused("FAILED_PRECONDITION", "pool other"):
        bed.csi("DeleteSnapshot", snapshot_id=snapshot_id)
    with refused("NOT_FOUND"):
        bed.publish(volume_id)
    assert not bed.volumes()
    bed.restart(two)
    assert list(bed.volumes()) == [volume_id]
    bed.sweep()
    bed.restart(DEFAULT_CONFIG)


@statement("an id of another pool is another volume, whatever its name")
def _(bed):
    two = DEFAULT_CONFIG + "  - { name: other, backend: file, directory: ROOT/other }\n"
    bed.restart(two)
    ids = [bed.volume("a", parameters={"pool": pool})["volume_id"] for pool in ("default", "other")]
    with refused("INVALID_ARGUMENT", "pool default"):
        bed.volume("b", parameters={"pool": "other"},
                   volume_content_source={"volume": {"volume_id": ids[0]}})
    bed.csi("DeleteVolume", volume_id=ids[0])
    assert list(bed.volumes()) == ids[1:]
    bed.sweep()
    bed.restart(DEFAULT_CONFIG)


@statement("a list of the snapshots of an id that is none of ours is empty")
def _(bed):
    for trick in TRICKS + INVALID_UTF8:
        assert not bed.csi("ListSnapshots", snapshot_id=trick)["entries"], trick
        assert not bed.csi("ListSnapshots", source_volume_id=trick)["entries"], trick


@statement("a text with a NUL byte is refused: it is not taken for what stands before the byte")
def _(bed):
    bed.volume("a")
    bed.snapshot("s", "default/n1/a")
    for trick in NUL:
        for method in ("DeleteVolume", "ControllerUnpublishVolume"):
            with refused("INVALID_ARGUMENT", "NUL"):
                bed.csi(method, volume_id=trick)
        with refused("INVALID_ARGUMENT", "NUL"):
            bed.csi("DeleteSnapshot", snapshot_id=trick)
        with refused("INVALID_ARGUMENT", "NUL"):
            bed.volume("from", volume_content_source={"volume": {"volume_id": trick}})
        with refused("INVALID_ARGUMENT", "NUL"):
            bed.volume("b", parameters=[{"key": trick, "value": "x"}])
    assert list(bed.volumes()) == ["default/n1/a"]


def full_map(keys=16):
    """Keys and values of 4,096 bytes together."""
    size = 4096 // keys
    return {f"csi.storage.k8s.io/{i:02}": "v" * (size - 21) for i in range(keys)}


@statement("secrets of 4 KiB go with each call that takes them, and are printed nowhere")
def _(bed):
    secrets = {f"key{i}": "hush-5c1e" + "s" * (4096 // 16 - 14 - i // 10) for i in range(16)}
    volume_id = bed.volume("a", secrets=secrets)["volume_id"]
    bed.publish(volume_id, secrets=secrets)
    bed.csi("ControllerExpandVolume", volume_id=volume_id, secrets=secrets,
            capacity_range={"required_bytes": 2 * MIB})
    bed.csi("ValidateVolumeCapabilities", volume_id=volume_id, secrets=secrets,
            volume_capabilities=[capability()])
    bed.unpublish(volume_id, secrets=secrets)
    snapshot_id = bed.snapshot("s", volume_id, secrets=secrets)["snapshot_id"]
    bed.csi("ListSnapshots", secrets=secrets)
    bed.csi("DeleteSnapshot", snapshot_id=snapshot_id, secrets=secrets)
    bed.csi("DeleteVolume", volume_id=volume_id, secrets=secrets)
    assert "hush-5c1e" not in bed.roles[0].log()


@statement("parameters and a volume's context may have 4 KiB")
def _(bed):
    pairs = full_map()
    assert sum(len(k) + len(v) for k, v in pairs.items()) == 4096
    volume_id = bed.volume("a", parameters=pairs)["volume_id"]
    bed.publish(volume_id, volume_context=pairs)
    answer = bed.csi("ValidateVolumeCapabilities", volume_id=volume_id, volume_context=pairs,
                     parameters=pairs, volume_capabilities=[capability()])
    assert answer["confirmed"]["volume_context"] == pairs
    assert answer["confirmed"]["parameters"] == pairs


@statement("a context that could be larger than CSI's limit is refused, not cut")
def _(bed):
    for pairs in ({"k" * 300: "v"}, {"k": "v" * 5000}, {f"k{i}": "" for i in range(300)}):
        with refused("INVALID_ARGUMENT", "parameters"):
            bed.volume("a", parameters=pairs)


@statement("fields that this version does not know are passed over")
def _(bed):
    volume_id = bed.volume("a", **{"999": "from the future", "100": {"hex": "00ff"}})["volume_id"]
    bed.csi("GetCapacity", **{"77": "x"})
    bed.csi("ControllerExpandVolume", volume_id=volume_id,
            capacity_range={"required_bytes": 2 * MIB, "9": "x"}, **{"31": "y"})


if __name__ == "__main__":
    run(Bed())
