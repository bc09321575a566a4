#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A pool of very many volumes: a listing shows each once, in answers that orchestrators take, whoever answers its
pages and whatever comes and goes meanwhile; and no call but a listing reads the whole directory."""

import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))

from service import SLOWNESS, Place  # noqa: E402
from tap import Tap  # noqa: E402

SCALE = os.path.join(os.environ.get("BUILD", "build"), "tests/bench/scale/scale")
COUNT = 20000 if SLOWNESS <= 1 else 3000
PUBLISHED = COUNT // 10
MEMORY_MIB = 100
# From then on what a listing has read is kept.
SETTLED_S = 3.3


def scale(*words):
    """What the program printed, or what it said was wrong."""
    result = subprocess.run([SCALE, *map(str, words)], capture_output=True, text=True, check=False,
                            timeout=600)
    return result.stdout.split() if result.returncode == 0 else result.stderr


def memory_mib(role):
    """The most that it has ever had."""
    with open(f"/proc/{role.process.pid}/status", encoding="utf-8") as stream:
        return next(int(line.split()[1]) / 1024 for line in stream if line.startswith("VmHWM"))


class Lists:
    def __init__(self, tap, place):
        self.tap, self.place = tap, place
        self.serve = place.start("serve")
        self.second = place.start("controller")

    def check(self, name, most):
        """Pages from both controllers in turns."""
        got = scale("check", self.serve.socket, most, COUNT, self.second.socket)
        return self.tap.ok(isinstance(got, list), name, got), got

    def fill(self):
        got = scale("fill", self.serve.socket, 0, COUNT)
        self.tap.ok(isinstance(got, list), f"{COUNT} volumes are made", got)
        got = scale("publish", self.serve.socket, self.place.node, PUBLISHED)
        self.tap.ok(isinstance(got, list), f"{PUBLISHED} of them are published", got)

    def each_shows_once(self):
        self.check("each volume shows once where the answers are as large as they may be", 0)
        time.sleep(SETTLED_S)
        self.check("and once more when everything has been quiet", 0)
        good, pages = self.check("and from two controllers in turns, in pages of 1,000", 1000)
        self.tap.ok(good and int(pages[0]) >= COUNT // 1000, "which takes as many pages", pages)

    def each_shows_once_while_others_come_and_go(self):
        with subprocess.Popen([SCALE, "create", self.serve.socket, "1000000"],
                              stdout=subprocess.DEVNULL) as churn:
            for most in (700, 0):
                self.check(f"each volume shows once while others come and go ({most} a page)", most)
            churn.kill()

    def a_restart_changes_nothing(self):
        self.second.stop()
        self.second = self.place.start("controller")
        self.check("a controller that was started again goes on where the other has ended", 900)

    def memory_is_bounded(self):
        name = f"a service that has listed all of it needs less than {MEMORY_MIB} MiB"
        if SLOWNESS > 1:
            self.tap.skip(name, "a sanitizer takes memory of its own")
            return
        most = memory_mib(self.serve)
        self.tap.ok(most < MEMORY_MIB, name, f"{most:.0f} MiB")
        print(f"# {most:.0f} MiB")

    def only_listings_read_the_directory(self):
        """strace says which directories are read: of a volume's own folder that is no matter."""
        trace = self.place.path("trace")
        with subprocess.Popen(["strace", "-f", "-y", "-qq", "-e", "trace=getdents64", "-o", trace, "-p",
                               str(self.serve.process.pid)], stderr=subprocess.DEVNULL) as tracer:
            time.sleep(1)
            self.one_of_everything()
            reads = self.reads(trace)
            self.tap.ok(not reads, "no call but a listing reads the directory of all volumes",
                        *reads)
            scale("list", self.serve.socket, 0, 1)
            self.tap.ok(self.reads(trace), "a listing does, so it would have been seen")
            tracer.terminate()

    def one_of_everything(self):
        command, prefix = self.place.command, f"default/{self.place.node}"
        # By id: the command line looks a name up in the listing.
        wrong = [result.stderr for result in (
            command("volume", "create", "one", "--size", "8Mi"),
            command("snapshot", "create", f"{prefix}/one", "snap"),
            command("volume", "expand", f"{prefix}/one", "--size", "16Mi"),
            command("volume", "create", "two", "--from-snapshot", f"{prefix}/snap"),
            command("snapshot", "delete", f"{prefix}/snap")) if result.returncode]
        published = scale("publish", self.serve.socket, self.place.node, 1)
        made = scale("create", self.serve.socket, 1)
        self.tap.ok(not wrong and isinstance(published, list) and isinstance(made, list),
                    "calls of every kind work", *wrong, published, made)

    def reads(self, trace):
        with open(trace, encoding="utf-8") as stream:
            return [line for line in stream if f"{self.place.pool}/volumes>" in line]


def main():
    tap = Tap()
    with Place() as place:
        place.configure_file_pool()
        lists = Lists(tap, place)
        lists.fill()
        lists.each_shows_once()
        lists.each_shows_once_while_others_come_and_go()
        lists.a_restart_changes_nothing()
        lists.memory_is_bounded()
        lists.only_listings_read_the_directory()
        tap.ok(lists.serve.stop() == 0, "the service ends when it is asked to")
    tap.end()


if __name__ == "__main__":
    main()
