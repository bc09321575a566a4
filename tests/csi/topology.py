#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Where volumes and snapshots can be reached from: pools of one node, of zones, and of everywhere."""

from bed import Bed, capability, refused, run, statement

CONFIG = """
node: { id: n1, zone: a }
nodes: [{ id: n2, zone: b }, { id: n3, zone: c }, n4]
pools:
  - { name: local, backend: file, directory: ROOT/volumes }
  - { name: one, backend: file, directory: ROOT/one, shared: true, zones: [a] }
  - { name: both, backend: file, directory: ROOT/both, shared: true, zones: [a, b] }
  - { name: all, backend: file, directory: ROOT/all, shared: true, multi_attach: trust }
"""
POOLS = {"local", "one", "both", "all"}
NODE = "topology.fairlead.io/node"
ZONE = "topology.fairlead.io/zone"
HERE = {NODE: "n1"}
OF_POOL = {"local": [HERE], "one": [{ZONE: "a"}], "both": [{ZONE: "a"}, {ZONE: "b"}], "all": []}


def node(name, zone=None):
    """A topology as an orchestrator makes it of a node's answer."""
    return {NODE: name} | ({ZONE: zone} if zone else {})


def zones(*names):
    return [{ZONE: name} for name in names]


def needs(requisite=(), preferred=()):
    return {"requisite": [{"segments": s} for s in requisite],
            "preferred": [{"segments": s} for s in preferred]}


def segments(message):
    return [t["segments"] for t in message["accessible_topology"]]


def make(bed, name, pool=None, requisite=(), preferred=(), **more):
    more |= {"parameters": {"pool": pool}} if pool else {}
    return bed.volume(name, accessibility_requirements=needs(requisite, preferred), **more)


@statement("the plugin says that volumes and snapshots are not reached from everywhere")
def _(bed):
    offered = [c.get("service", {}).get("type")
               for c in bed.csi("Identity.GetPluginCapabilities")["capabilities"]]
    assert "VOLUME_ACCESSIBILITY_CONSTRAINTS" in offered, offered
    assert "SNAPSHOT_ACCESSIBILITY_CONSTRAINTS" in offered, offered


@statement("a node says where it is: its segments, with one prefix in all keys")
def _(bed):
    answer = bed.csi("NodeGetInfo")
    assert answer["accessible_topology"]["segments"] == {NODE: "n1", ZONE: "a"}, answer


@statement("a volume says where it is reached from, in every answer the same")
def _(bed):
    for pool, wanted in OF_POOL.items():
        volume = make(bed, "v", pool)
        assert segments(volume) == wanted, volume
        assert make(bed, "v", pool) == volume
        got = bed.csi("ControllerGetVolume", volume_id=volume["volume_id"])["volume"]
        assert segments(got) == wanted, got
        assert segments(bed.volumes()[volume["volume_id"]]["volume"]) == wanted


@statement("a volume is reached from one of the requisite topologies at least, else RESOURCE_EXHAUSTED")
def _(bed):
    good = {"local": [[HERE], [node("n1", "a")], [node("n2", "b"), node("n1", "a")], zones("a")],
            "one": [zones("a"), [node("n1", "a"), node("n3", "c")], [node("n9", "a")]],
            "both": [zones("b"), [node("n2", "b")], [node("n2")], zones("a", "b", "c"), [{}]],
            "all": [zones("z"), [node("n9")], [{"example.com/rack": "r1"}]]}
    for pool, requirements in good.items():
        for i, requisite in enumerate(requirements):
            make(bed, f"good{i}", pool, requisite)
    bad = {"local": [[node("n2", "b")], zones("b"), [node("n1", "b")]],
           "one": [zones("b"), [node("n2")], [node("n4")], [node("n1", "b")], [node("n9")]],
           "both": [zones("c"), [node("n3", "c")], [{"example.com/rack": "r1"}],
                    [{ZONE: "a", "example.com/rack": "r1"}]]}
    before = set(bed.volumes())
    for pool, requirements in bad.items():
        for requisite in requirements:
            with refused("RESOURCE_EXHAUSTED", f"pool {pool}", "requisite"):
                make(bed, "bad", pool, requisite)
    assert set(bed.volumes()) == before


@statement("of the requisite zones a volume is reached from all, or from as many as its pool has")
def _(bed):
    for i, requisite in enumerate([zones("a"), zones("b", "a"), zones("c", "a", "b")]):
        make(bed, f"v{i}", "both", requisite)
    for requisite in (zones("a", "c"), zones("c", "b", "d")):
        with refused("RESOURCE_EXHAUSTED", "zones a, b"):
            make(bed, "bad", "both", requisite)


@statement("what is only preferred is not required")
def _(bed):
    make(bed, "v", "one", preferred=zones("c"))
    make(bed, "w", "one", zones("b", "a"), preferred=zones("b"))


@statement("keys are read without regard to case, values with it")
def _(bed):
    make(bed, "v", "one", [{ZONE.upper(): "a"}])
    with refused("RESOURCE_EXHAUSTED"):
        make(bed, "w", "one", zones("A"))
    with refused("RESOURCE_EXHAUSTED"):
        make(bed, "w", "one", [{ZONE.upper(): "a", ZONE: "b"}])


@statement("a volume that is there but not where it is required is ALREADY_EXISTS")
def _(bed):
    make(bed, "v", "one", zones("a"))
    make(bed, "v", "one", zones("a", "b"))
    with refused("ALREADY_EXISTS", 'volume "v"', "zone a"):
        make(bed, "v", "one", zones("b"))


@statement("without a pool's name the requirement chooses, if it leaves one pool")
def _(bed):
    config = CONFIG.replace("  - { name: both, backend: file, directory: ROOT/both, shared: true, "
                            "zones: [a, b] }\n", "").replace("multi_attach: trust", "zones: [b]")
    bed.restart(config.replace("ROOT/volumes", "ROOT/local, shared: true, zones: [c]"))
    assert make(bed, "v", None, [node("n2", "b")])["volume_id"] == "all/v"
    assert make(bed, "w", None, zones("a", "b", "c"), zones("c"))["volume_id"] == "local/w"
    with refused("INVALID_ARGUMENT", 'parameter "pool"'):
        make(bed, "x", None, zones("a", "b", "c"))
    with refused("INVALID_ARGUMENT", 'parameter "pool"'):
        make(bed, "x")
    with refused("RESOURCE_EXHAUSTED", "no pool"):
        make(bed, "x", None, zones("d"))
    bed.sweep()
    bed.restart(CONFIG)


@statement("a volume that is asked for again, for other topologies, stays where it is: the same, or ALREADY_EXISTS")
def _(bed):
    config = CONFIG.replace("shared: true, zones: [a] }", "shared: true, zones: [c] }")
    bed.restart(config.replace("ROOT/volumes", "ROOT/local, shared: true, zones: [d]")
                .replace("multi_attach: trust", "zones: [b]").replace("zones: [a, b] }", "zones: [e] }"))
    volume = make(bed, "v", None, zones("b", "c", "d"), zones("c"))
    assert volume["volume_id"] == "one/v", volume
    for preferred in (zones("b"), zones("d", "c"), ()):
        assert make(bed, "v", None, zones("b", "c", "d"), preferred) == volume
    with refused("ALREADY_EXISTS", 'volume "v"', "zone c"):
        make(bed, "v", None, zones("b"))
    assert list(bed.volumes()) == ["one/v"]
    bed.sweep()
    bed.restart(CONFIG)


@statement("a requirement may be large, but not without bounds")
def _(bed):
    make(bed, "v", "both", [node(f"n{i}", "b") for i in range(5000)],
         [node(f"n{i}", "b") for i in range(5000)])
    for requisite in ([{}] * 10001, [{f"k{i}": "v" for i in range(33)}], [{"k" * 200: "v"}],
                      [{"k": "v" * 64}], [{"": "v"}], [{"k": ""}], [{"-k": "v"}], [{ZONE: "a/b"}]):
        with refused("INVALID_ARGUMENT", "topolog"):
            make(bed, "w", "both", requisite)


@statement("a volume is published to the nodes that reach it, and to no others")
def _(bed):
    reach = {"local": ["n1"], "one": ["n1"], "both": ["n1", "n2"], "all": ["n1", "n2", "n3", "n4"]}
    for pool, nodes in reach.items():
        volume_id = make(bed, "v", pool)["volume_id"]
        for name in ("n1", "n2", "n3", "n4"):
            if name in nodes:
                bed.publish(volume_id, name)
                bed.unpublish(volume_id, node_id=name)
            else:
                with refused("FAILED_PRECONDITION", f"node {name}", "reach"):
                    bed.publish(volume_id, name)
        with refused("NOT_FOUND", "n9"):
            bed.publish(volume_id, "n9")


@statement("a snapshot is reached from where its volume is, in every answer")
def _(bed):
    for pool, wanted in OF_POOL.items():
        snapshot = bed.snapshot("s", make(bed, "v", pool)["volume_id"])
        assert segments(snapshot) == wanted, snapshot
        answer = bed.csi("GetSnapshot", snapshot_id=snapshot["snapshot_id"])
        assert segments(answer["snapshot"]) == wanted
        listed = bed.csi("ListSnapshots", snapshot_id=snapshot["snapshot_id"])["entries"]
        assert segments(listed[0]["snapshot"]) == wanted
        bed.csi("DeleteSnapshot", snapshot_id=snapshot["snapshot_id"])


@statement("a snapshot that cannot be where it is required is RESOURCE_EXHAUSTED, or ALREADY_EXISTS")
def _(bed):
    volume_id = make(bed, "v", "both")["volume_id"]
    bed.snapshot("s", volume_id, accessibility_requirements=needs(zones("b", "a")))
    with refused("RESOURCE_EXHAUSTED", "pool both"):
        bed.snapshot("t", volume_id, accessibility_requirements=needs(zones("c")))
    with refused("ALREADY_EXISTS", 'snapshot "s"'):
        bed.snapshot("s", volume_id, accessibility_requirements=needs(zones("c")))
    assert len(bed.csi("ListSnapshots")["entries"]) == 1


@statement("a volume from a snapshot or a volume is where its content is, and asks for no pool")
def _(bed):
    for pool in sorted(POOLS):
        source = make(bed, "v", pool)["volume_id"]
        snapshot_id = bed.snapshot("s", source)["snapshot_id"]
        for i, content in enumerate(({"volume": {"volume_id": source}},
                                     {"snapshot": {"snapshot_id": snapshot_id}})):
            copy = make(bed, f"copy{i}", None, [node("n1", "a")], volume_content_source=content)
            assert segments(copy) == OF_POOL[pool], copy
            if OF_POOL[pool]:
                with refused("RESOURCE_EXHAUSTED", f"pool {pool}"):
                    make(bed, f"far{i}", None, zones("c"), volume_content_source=content)
        bed.csi("DeleteSnapshot", snapshot_id=snapshot_id)


def capacity(bed, pool=None, topology=None, **more):
    more |= {"parameters": {"pool": pool}} if pool else {}
    more |= {"accessible_topology": {"segments": topology}} if topology else {}
    return bed.csi("GetCapacity", **more)


@statement("capacity is that of where it is asked for: nothing where the pool is not reached from")
def _(bed):
    for pool, good, bad in [("local", HERE, node("n2", "b")), ("one", {ZONE: "a"}, {ZONE: "b"}),
                            ("both", node("n2", "b"), node("n3", "c"))]:
        assert capacity(bed, pool)["available_capacity"] > 0
        assert capacity(bed, pool, good)["available_capacity"] > 0
        nothing = capacity(bed, pool, bad)
        assert nothing["available_capacity"] == 0, nothing
        assert "maximum_volume_size" not in nothing, nothing
    assert capacity(bed, "all", {ZONE: "z"})["available_capacity"] > 0
    assert capacity(bed, None, {ZONE: "z"})["available_capacity"] > 0  # that of pool all


@statement("capacity says the smallest volume that is made, and the largest that there is room for")
def _(bed):
    least = capacity(bed, "local")["minimum_volume_size"]["value"]
    assert make(bed, "v", "local", size=1)["capacity_bytes"] == least
    thick = capacity(bed, None, None, parameters={"pool": "local", "thin": "false"})
    assert thick["maximum_volume_size"]["value"] <= thick["available_capacity"]
    with refused("RESOURCE_EXHAUSTED"):
        bed.volume("w", 1 << 62, parameters={"pool": "local", "thin": "false"})


@statement("capacity is nothing for what a pool does not allow")
def _(bed):
    many = [capability("MULTI_NODE_MULTI_WRITER")]
    assert capacity(bed, "one", volume_capabilities=many)["available_capacity"] == 0
    assert capacity(bed, "all", volume_capabilities=many)["available_capacity"] > 0
    with refused("INVALID_ARGUMENT"):
        capacity(bed, "nowhere")


if __name__ == "__main__":
    run(Bed(CONFIG), Bed(CONFIG, roles=("controller", "node")))
