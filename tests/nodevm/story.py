# SPDX-License-Identifier: Apache-2.0
"""Runs in the node VM: file systems that grow under `fairlead serve` while they are written, by the
command line alone."""

import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))

from service import Place  # noqa: E402
from tap import Tap  # noqa: E402

SIZE, GROWN = 320 << 20, 640 << 20


def kind_of(path):
    """The file system that is mounted there, or None."""
    with open("/proc/self/mountinfo", encoding="utf-8") as stream:
        for line in stream:
            before, after = line.split(" - ")
            if before.split()[4] == path:
                return after.split()[0]
    return None


def capacity(path):
    info = os.statvfs(path)
    return info.f_blocks * info.f_frsize


def takes(stream, size):
    """Whether the file can have that many bytes of its own."""
    try:
        os.posix_fallocate(stream.fileno(), 0, size)
        return True
    except OSError as why:
        print(f"# {why}")
        return False


def tell(tap, place, kind):
    target = place.path(f"at-{kind}")

    def does(what, *words):
        result = place.command("volume", *words)
        tap.ok(result.returncode == 0, f"{kind}: {what}", result.stderr)

    does("is created", "create", kind, "--size", str(SIZE))
    does("is published", "publish", kind, "--mount", target, "--fs", kind)
    tap.ok(kind_of(target) == kind and capacity(target) <= SIZE, f"{kind}: is mounted",
           kind_of(target), capacity(target))
    with open(f"{target}/open", "w+", encoding="utf-8") as stream:
        stream.write("precious")
        stream.flush()
        does("is expanded while a file is open", "expand", kind, "--size", str(GROWN))
        tap.ok(SIZE < capacity(target) <= GROWN, f"{kind}: the file system has grown",
               capacity(target))
        stream.seek(0)
        tap.ok(stream.read() == "precious", f"{kind}: the file has kept its data")
        tap.ok(takes(stream, SIZE), f"{kind}: the file takes more than there was room for")
    does("is unpublished", "unpublish", kind)
    tap.ok(not kind_of(target) and not place.leftovers(),
           f"{kind}: neither mount nor loop device is left", *place.leftovers())
    does("is deleted", "delete", kind)


def main():
    tap = Tap()
    with Place() as place:
        place.configure_file_pool()
        serve = place.start("serve")
        for kind in ("ext4", "xfs", "btrfs"):
            tell(tap, place, kind)
        left = json.loads(place.command("volume", "list", "-o", "json").stdout)
        tap.ok(left == [], "no volume is left", left)
        tap.ok(serve.stop() == 0, "fairlead serve ends when it is asked to", serve.log()[-2000:])
    tap.end()


if __name__ == "__main__":
    main()
