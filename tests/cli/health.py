#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`fairlead volume health` and the condition in `volume show`, on volumes that really break."""

import json
import os
import socket
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))

from service import Place  # noqa: E402
from tap import Tap  # noqa: E402

LATER = 4
UNHEALTHY = 7


class Health:
    def __init__(self, tap, place, run):
        self.tap = tap
        self.place = place
        self.run = run

    def tell(self, good, name, *details):
        return self.tap.ok(good, f"{self.run}: {name}", *details)

    def do(self, *words, code=0):
        result = self.place.command(*words)
        self.tell(result.returncode == code, f"{' '.join(words)}: {code}", result.returncode,
                  result.stdout, result.stderr)
        return result.stdout

    def rows(self, *words, code=0):
        return [(row["volume"], row["status"], row["reason"])
                for row in json.loads(self.do("volume", "health", *words, "-o", "json", code=code))]

    def image(self, name):
        return self.place.path("volumes", "volumes", name, "image")

    def condition(self, name):
        return json.loads(self.do("volume", "show", name, "-o", "json"))["condition"]


def check_well(h):
    for name in ("a", "b"):
        h.do("volume", "create", name, "--size", "16Mi")
    h.tell(h.rows() == [], "nothing is wrong with healthy volumes")
    h.tell(h.rows("a") == [], "nor with one of them")
    h.tell(h.condition("a") == "healthy", "its condition is healthy")
    h.do("volume", "health", "nobody", code=3)
    h.do("volume", "health", "default/n1/nobody", code=3)


def check_lost(h):
    aside = h.place.path("aside")
    lost = ("default/n1/b", "data-loss", "ImageMissing")
    os.rename(h.image("b"), aside)
    h.tell(h.rows(code=UNHEALTHY) == [lost], "a lost image is told, once")
    h.tell(h.rows("b", code=UNHEALTHY) == [lost], "and by its name")
    h.tell(h.rows("a") == [], "the other volume is still well")
    text = h.do("volume", "health", code=UNHEALTHY)
    h.tell(text.startswith("VOLUME ") and "put it back" in text, "the table says the way out", text)
    h.tell(h.condition("b").startswith("ImageMissing: "), "volume show says it, too")
    h.tell("default/n1/b" in h.do("volume", "list", "-o", "id").split(), "the volume is still listed")
    os.rename(aside, h.image("b"))
    h.tell(h.rows() == [], "an image that is back is well")


def check_node(h):
    target = h.place.path("target")
    h.do("volume", "publish", "a", "--fs", "ext4", "--mount", target)
    os.truncate(h.image("a"), 8 << 20)
    told = h.rows(code=UNHEALTHY)
    h.tell(told == [("default/n1/a", "data-loss", "ImageTruncated")],
           "what controller and node both see is told once", told)
    os.truncate(h.image("a"), 16 << 20)
    os.unlink(h.image("a"))
    told = h.rows(code=UNHEALTHY)
    h.tell(("default/n1/a", "degraded", "ImageDeleted") in told,
           "what only the node sees is told for attached volumes", told)
    h.do("volume", "unpublish", "a")
    for name in ("a", "b"):
        h.do("volume", "delete", name)
    h.tell(h.rows() == [], "a deleted volume is none that is not well")


def run_all(tap, run, roles):
    with Place() as place:
        place.configure_file_pool()
        for role in roles:
            place.start(role)
        health = Health(tap, place, run)
        for check in (check_well, check_lost, check_node):
            check(health)
        health.tell(not place.leftovers(), "nothing is left", *place.leftovers())
        for role in place.roles:
            tap.ok(role.stop() == 0, f"{run}: {role.name} ends when it is asked to")


def check_without_node(tap):
    run = "controller alone"
    with Place() as place:
        place.configure_file_pool()
        place.start("controller")
        health = Health(tap, place, run)
        health.do("volume", "create", "a", "--size", "16Mi")
        for where in ([], ["--endpoint", f"unix://{place.run}/controller.sock"]):
            health.tell(health.rows(*where) == [], "no node is asked about all volumes")
            health.tell(health.rows("a", *where) == [], "nor about one")
        with socket.socket(socket.AF_UNIX) as mute:
            mute.bind(os.path.join(place.run, "node.sock"))
            mute.listen()
            for words in ([], ["a"]):
                health.do("volume", "health", *words, "--timeout", "1s", code=LATER)


def main():
    tap = Tap()
    run_all(tap, "serve", ["serve"])
    run_all(tap, "controller + node", ["controller", "node"])
    check_without_node(tap)
    tap.end()


if __name__ == "__main__":
    main()
