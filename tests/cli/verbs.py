#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The verbs against real services: on one socket and on two, with the services killed and started
again between any two commands."""

import json
import os
import stat
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))

from service import Place  # noqa: E402
from tap import Tap  # noqa: E402

MIB = 1 << 20


class Verbs:
    """Runs commands; each is a statement about its exit code."""

    def __init__(self, tap, place, run):
        self.tap = tap
        self.place = place
        self.run = run
        self.between = lambda: None

    def tell(self, good, name, *details):
        return self.tap.ok(good, f"{self.run}: {name}", *details)

    def do(self, line, code=0, says=""):
        self.between()
        result = self.place.command(*line.split())
        good = result.returncode == code and says in result.stderr
        self.tell(good, f"{line}: {code}{' ' if says else ''}{says}", result.returncode,
                  result.stdout, result.stderr)
        return result.stdout

    def json(self, line):
        text = self.do(f"{line} -o json")
        try:
            return json.loads(text)
        except ValueError as error:
            self.tell(False, f"{line} gives JSON", error, text)
            return {}


def check_volumes(v):
    made = v.json("volume create data --size 64Mi")
    v.tell(made.get("id") == "default/n1/data" and made.get("size") == 64 * MIB, "its id and size", made)
    v.tell(v.json("volume create data --size 64Mi") == made, "creating it again finds it")
    v.do("volume create data --size 128Mi", 5, "data")
    v.do("volume create big --size 1Gi --limit 1Mi", 2)
    v.do("volume create x --size 1Mi --pool nowhere", 2, "nowhere")
    v.do("volume create x --size 1Mi --param thinn=true", 2, "thin")
    v.do("volume create x", 2, "--size SIZE is missing")
    v.do("volume create copy --from-volume data")
    listed = v.json("volume list")
    v.tell([row["id"] for row in listed] == ["default/n1/copy", "default/n1/data"], "both are listed",
           listed)
    v.tell(v.do("volume list -o id").split() == [row["id"] for row in listed], "by id alone, too")
    v.tell(v.json("volume show data")["size"] == 64 * MIB, "it is shown by name")
    v.tell(v.json("volume show default/n1/data")["id"] == "default/n1/data", "and by id")
    v.do("volume show nobody", 3, "there is no volume nobody")
    v.tell(v.json("volume expand data --size 96Mi")["size"] == 96 * MIB, "it grows")
    v.tell(v.json("volume expand data --size 1Mi")["size"] == 96 * MIB, "it never shrinks")
    for name in (64 * "l", 65 * "l", 128 * "l", "größe"):
        made = v.json(f"volume create {name} --size 1Mi")
        v.tell(v.json(f"volume show {name}")["id"] == made["id"], "a name of any kind is found")
        v.do(f"volume delete {name}")
    v.do("volume delete copy")
    v.do("volume delete copy", 3)
    v.do("volume delete default/n1/copy")


def write_blocks(v, volume, *offsets):
    with open(os.path.join(v.place.pool, "volumes", volume, "image"), "r+b") as stream:
        for offset in offsets:
            stream.seek(offset)
            stream.write(os.urandom(8192))


def check_diff(v, before):
    write_blocks(v, "data", MIB, 64 * MIB)
    v.do("snapshot create data after")
    v.do("volume create other --size 1Mi")
    v.do("snapshot create other alien")
    delta = v.json("snapshot diff before after")
    v.tell(delta == {"base": before, "target": "default/n1/after", "size": 96 * MIB, "bytes": 16384,
                     "blocks": [{"offset": MIB, "size": 8192}, {"offset": 64 * MIB, "size": 8192}]},
           "it tells what changed", delta)
    alone = v.json("snapshot diff after")
    v.tell(alone.get("blocks") == delta.get("blocks") and "base" not in alone,
           "of one snapshot, what was written", alone)
    v.tell(v.json("snapshot diff before").get("blocks") == [], "of an empty one, nothing")
    table = v.do("snapshot diff before after").splitlines()
    v.tell([line.split() for line in table] == [["OFFSET", "SIZE"], [str(MIB), "8Ki"], [str(64 * MIB), "8Ki"],
                                                "2 ranges, 16Ki of 96Mi".split()],
           "the table has a sum", table)
    v.tell(v.do("snapshot diff before after -o id").split() == [str(MIB), str(64 * MIB)],
           "by offset alone, too")
    v.do("snapshot diff before alien", 2, "only snapshots of one volume")
    v.do("snapshot diff before nobody", 3)
    v.do("snapshot delete alien")
    v.do("volume delete other")
    v.do("snapshot delete after")


def check_groups(v):
    v.do("volume create other --size 1Mi")
    made = v.json("snapshot group create night data other")
    members = made.get("snapshots", [])
    v.tell(made.get("id") == "default/n1/night" and made.get("ready") is True and
           [s["volume"] for s in members] == ["default/n1/data", "default/n1/other"] and
           all(s["group"] == made["id"] and s["ready"] for s in members), "a group of two", made)
    v.tell(v.json("snapshot group create night other data") == made, "making it again finds it")
    v.do("snapshot group create night data", 5, "other volumes")
    v.do("snapshot group create none data nobody", 3)
    v.do("snapshot group create twice data data", 2, "twice")
    v.do("snapshot group create alone", 2)
    v.tell(v.json("snapshot group show night") == made, "it is shown by name")
    v.tell(v.json(f"snapshot group show {made['id']}") == made, "and by id")
    listed = v.json("snapshot group list")
    v.tell([g["id"] for g in listed] == [made["id"]] and len(listed[0]["snapshots"]) == 2, "it is listed",
           listed)
    table = v.do("snapshot group show night").split()
    v.tell(table[:2] == ["id", made["id"]] and all(s["id"] in table for s in members),
           "the table names its snapshots", table)
    v.tell(v.do("snapshot group list -o id").split() == [made["id"]], "by id alone, too")
    v.do(f"volume create old --from-snapshot {members[1]['id']}")
    v.do("volume delete old")
    v.do(f"snapshot delete {members[0]['id']}", 5, "group snapshot default/n1/night")
    v.do("snapshot group delete night")
    v.do("snapshot group delete night", 3)
    v.do(f"snapshot group delete {made['id']}")
    v.do(f"snapshot group show {made['id']}", 3)
    v.tell(v.json("snapshot list") == [], "its snapshots went with it")
    v.do("volume delete other")


def check_snapshots(v):
    made = v.json("snapshot create data before")
    v.tell(made.get("ready") is True and made.get("volume") == "default/n1/data",
           "a snapshot is ready when the command ends", made)
    v.tell(v.json("snapshot create data before") == made, "taking it again finds it")
    v.tell(len(v.json("snapshot list --volume data")) == 1, "it is listed with its volume")
    v.do("snapshot create nobody s", 3)
    v.do("volume create old --from-snapshot before")
    v.tell(v.json("volume show old")["source"] == made["id"], "a volume remembers its snapshot")
    v.do("volume delete old")
    check_diff(v, made["id"])
    v.do("snapshot delete before")
    v.do("snapshot delete before", 3)


def is_mounted(path):
    with open("/proc/self/mountinfo", encoding="utf-8") as stream:
        return any(line.split()[4] == path for line in stream)


def check_mount(v):
    one, two = v.place.path("one"), v.place.path("two")
    v.do("volume create files --size 320Mi --fs xfs")
    v.do(f"volume publish files --mount {one} --fs xfs")
    v.do(f"volume publish files --mount {one} --fs xfs")
    v.do(f"volume publish files --mount {two} --fs xfs")
    with open(os.path.join(one, "hello"), "w", encoding="utf-8") as stream:
        stream.write("world")
    v.tell(os.path.exists(os.path.join(two, "hello")), "both targets show one file system")
    shown = v.json("volume show files")
    v.tell(shown.get("nodes") == ["n1"] and shown.get("published") == [one, two],
           "show says where it is published", shown)
    v.do(f"volume publish files --device {v.place.path('dev')}", 5, "unpublish it first")
    v.do("volume publish files --vm web1", 5, "unpublish it first")
    v.do("volume delete files", 5)
    before = os.statvfs(one).f_blocks
    v.do("volume expand files --size 640Mi")
    v.tell(os.statvfs(one).f_blocks > before * 3 // 2, "the mounted file system has grown")
    v.do(f"volume unpublish files --mount {two}")
    v.tell(is_mounted(one) and not is_mounted(two), "one target goes alone")
    v.do("volume unpublish files")
    v.do("volume unpublish files")
    v.tell(not is_mounted(one), "all targets go")
    v.do("volume delete files")


def check_device(v):
    path = v.place.path("dev")
    v.do(f"volume publish data --device {path}")
    v.tell(stat.S_ISBLK(os.stat(path).st_mode), "there is a block device")
    with open(path, "r+b") as device:
        device.write(b"fairlead")
        device.flush()
        os.fsync(device.fileno())
        v.do("volume unpublish data", 5)
    v.do("volume unpublish data")
    v.tell(not os.path.exists(path), "the device is gone")
    v.do(f"volume publish data --device {path} --readonly")
    with open(path, "rb") as device:
        v.tell(device.read(8) == b"fairlead", "the data is still there")
    try:
        with open(path, "r+b", buffering=0) as device:
            device.write(b"x" * 512)
        v.tell(False, "nobody writes to a read-only device")
    except OSError as error:
        v.tell(True, f"nobody writes to a read-only device ({error.strerror})")
    v.do("volume unpublish data")


def check_pass(v):
    v.do("volume publish data --vm ../x", 2)
    target = v.do("volume publish data --vm web1 -o id").strip()
    v.tell(v.do("volume publish data --vm web1 -o id").strip() == target, "the same pass again")
    with open(target, encoding="utf-8") as stream:
        disk = json.load(stream)
    v.tell(disk["vm"] == "web1" and disk["volume"] == "default/n1/data", "the pass names both", disk)
    v.tell(stat.S_IMODE(os.stat(target).st_mode) == 0o600, "nobody else reads it")
    v.do("volume publish data --vm web2", 5)
    v.do("volume unpublish data --vm web1")
    v.tell(not os.path.exists(os.path.join(v.place.run, "vms", "web1")), "nothing is left of it")


def check_half_way(v):
    """Interrupted commands: a note without what it announces, and what is there without a note."""
    path = v.place.path("half")
    v.do(f"volume publish data --device {path}")
    notes = os.path.join(v.place.run, "published")
    note = os.path.join(notes, next(n for n in os.listdir(notes) if n.endswith(".json")))
    with open(note, encoding="utf-8") as stream:
        text = stream.read()
    os.unlink(note)
    v.do("volume unpublish data", 5, "still mounted")
    v.tell(stat.S_ISBLK(os.stat(path).st_mode), "what others have published stays")
    v.do(f"volume unpublish data --device {path}")
    v.tell(v.json("volume show data")["nodes"] == [], "naming the target takes it down")
    with open(note, "w", encoding="utf-8") as stream:
        stream.write(text)
    v.do("volume unpublish data")
    v.tell(not os.path.exists(note), "a note of what is gone goes, too")


def check_left(v):
    v.do("volume delete data")
    v.tell(v.json("volume list") == [], "no volume is left")
    v.tell(not v.place.leftovers(), "no mount and no loop device is left", *v.place.leftovers())
    for folder in ("published", "staging"):
        left = os.listdir(os.path.join(v.place.run, folder))
        v.tell(not left, f"{folder} is empty", *left)


CHECKS = [check_volumes, check_groups, check_snapshots, check_mount, check_device, check_pass, check_half_way,
          check_left]


def run_all(tap, run, roles, killing):
    with Place() as place:
        place.configure_file_pool()
        for role in roles:
            place.start(role)
        verbs = Verbs(tap, place, run)

        def restart():
            for role in place.roles:
                role.kill()
            place.roles.clear()
            for role in roles:
                place.start(role)
        if killing:
            verbs.between = restart
        for check in CHECKS:
            check(verbs)
        for role in place.roles:
            tap.ok(role.stop() == 0, f"{run}: {role.name} ends when it is asked to")


def main():
    tap = Tap()
    run_all(tap, "serve", ["serve"], False)
    run_all(tap, "controller + node", ["controller", "node"], False)
    run_all(tap, "serve, killed between commands", ["serve"], True)
    tap.end()


if __name__ == "__main__":
    main()
