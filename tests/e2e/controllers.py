#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Two services over one directory: the storage is the database, so both know the same and neither
spoils what the other does."""

import concurrent.futures
import os

from bed import Bed, Failed, Tap

ROUNDS = 4
NAMES = 4
SIZE = "8Mi"


class Second(Bed):
    """A service of its own over the pools of the first."""

    def __init__(self, first):
        super().__init__()
        self.first = first
        self.configure(open(first.config, encoding="utf-8").read().replace(first.run, self.run))


class Pair:
    def __init__(self, tap, first, second, pool):
        self.tap, self.beds, self.pool, self.node = tap, (first, second), pool, first.node
        self.threads = concurrent.futures.ThreadPoolExecutor(8)

    def ok(self, good, what, *details):
        return self.tap.ok(good, f"{self.pool}: {what}", *details)

    def both(self, *words):
        """The same command at both at once; every pair of results."""
        return [self.threads.submit(bed.command, *words) for bed in self.beds]

    def all_at_both(self, what, commands):
        """Commands at both services at once: all have to work, and both say the same."""
        pairs = [(words, self.both(*words, "-o", "id")) for words in commands]
        wrong = []
        for words, futures in pairs:
            results = [f.result() for f in futures]
            if any(r.returncode for r in results) or results[0].stdout != results[1].stdout:
                wrong.append(" ".join(words))
                wrong += [f"  status {r.returncode}: {r.stdout.strip()} {r.stderr.strip()}"
                          for r in results]
        self.ok(not wrong, what, *wrong)

    def ids(self, bed, kind):
        return sorted(o["id"] for o in bed.ask(kind, "list") if o["id"].startswith(self.pool + "/"))

    def tell(self):
        for _ in range(ROUNDS):
            self.one_round()
        self.create_and_delete()
        self.publish()

    def one_round(self):
        names = [f"v{i}" for i in range(NAMES)]
        self.all_at_both("both create the same volumes at once", [
            ["volume", "create", n, "--pool", self.pool, "--size", SIZE] for n in names])
        lists = [self.ids(bed, "volume") for bed in self.beds]
        self.ok(len(lists[0]) == NAMES and lists[0] == lists[1], "each is there once", *lists)
        self.all_at_both("both take the same snapshots at once", [
            ["snapshot", "create", f"{self.pool}/{self.node}/{n}", f"s-{n}"] for n in names])
        self.all_at_both("both make the same clones at once", [
            ["volume", "create", f"c-{n}", "--pool", self.pool, "--from-volume",
             f"{self.pool}/{self.node}/{n}"] for n in names[:2]])
        volumes, snapshots = lists[0], self.ids(self.beds[0], "snapshot")
        volumes = self.ids(self.beds[1], "volume")
        self.ok(len(volumes) == NAMES + 2 and len(snapshots) == NAMES,
                "each snapshot and clone is there once", volumes, snapshots)
        self.delete_at_both("volume", volumes)
        self.delete_at_both("snapshot", snapshots)
        left = [self.ids(bed, kind) for bed in self.beds for kind in ("volume", "snapshot")]
        self.ok(not any(left), "nothing is left of them", *left)

    def delete_at_both(self, kind, ids):
        results = [f.result() for i in ids for f in self.both(kind, "delete", i)]
        wrong = [r.stderr for r in results if r.returncode]
        self.ok(not wrong, f"both delete the same {kind}s at once", *wrong)

    def create_and_delete(self):
        """One creates what the other deletes: whatever comes out, it is whole."""
        wrong = []
        first, second = self.beds
        for i in range(10):
            words = "volume", "create", "w", "--pool", self.pool, "--size", SIZE
            made = self.threads.submit(first.command, *words)
            gone = self.threads.submit(second.command, "volume", "delete", f"{self.pool}/{self.node}/w")
            again = self.threads.submit(second.command, *words)
            wrong += [f"{i}: status {r.returncode}: {r.stderr}"
                      for r in (made.result(), gone.result(), again.result()) if r.returncode]
            lists = [self.ids(bed, "volume") for bed in self.beds]
            if lists[0] != lists[1] or len(lists[0]) > 1:
                wrong.append(f"{i}: {lists}")
        self.ok(not wrong, "one creates what the other deletes", *wrong)
        self.delete_at_both("volume", [f"{self.pool}/{self.node}/w"])

    def publish(self):
        """The record beside the data is what decides, whoever wrote it."""
        first, second = self.beds
        first.create("held", self.pool, SIZE)
        first.do("volume", "publish", "held", "--device", first.path("device"))
        result = second.command("volume", "delete", "held")
        self.ok(result.returncode == 5 and f"attached to node {first.node}" in result.stderr,
                "what is published by one is not deleted by the other", result.stderr)
        shown = second.ask("volume", "show", "held")["nodes"]
        self.ok(shown == [first.node], "the other knows where it is published", shown)
        first.do("volume", "unpublish", "held")
        second.do("volume", "delete", "held")
        self.ok(self.ids(first, "volume") == [], "and deletes it afterwards")


def crash(tap, first, second):
    """Of two services one is killed in the middle, again and again; the other completes its work."""
    wrong = []
    for i in range(6):
        name = f"crashed{i}"
        making = first.begin("volume", "create", name, "--pool", "ext4", "--size", SIZE,
                             "--timeout", "5s")
        first.serve.kill()
        making.communicate()
        result = second.command("volume", "create", name, "--pool", "ext4", "--size", SIZE)
        if result.returncode == 0:
            result = second.command("volume", "delete", name)
        wrong += [result.stderr] if result.returncode else []
        first.start_serve()
    tap.ok(not wrong, "one is killed while it creates a volume, and the other completes it", *wrong)


def main():
    tap = Tap()
    with Bed("ext4", "xfs") as first, Second(first) as second:
        first.start_serve()
        second.start_serve()
        untouched = first.untouched()
        try:
            for pool in first.pools:
                Pair(tap, first, second, pool).tell()
            crash(tap, first, second)
        except Failed as why:
            tap.ok(False, "the story comes to its end", why, first.serve.log()[-3000:],
                   second.serve.log()[-3000:])
        first.end_is_clean(tap, untouched)
        tap.ok(second.serve.stop() == 0, "the other service ends when it is asked to")
    tap.end()


main()
