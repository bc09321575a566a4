#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""changes.py [ROUNDS]: how long a delta takes of a volume of 10 GiB that holds 256 MiB, after 100 blocks of 4 KiB
were written, against reading both snapshots; on ext4, XFS and btrfs, each in an image of its own.
The second is done once.  Prints rows of docs/benchmarks.md.  Root; takes FAIRLEAD and FAIRLEAD_BACKENDS from the environment."""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))

from service import Place  # noqa: E402

ON_FILESYSTEM = os.path.join(os.path.dirname(HERE), "conformance", "on-filesystem.sh")
MIB = 1 << 20
CHANGED = 100


def seconds(run):
    start = time.monotonic()
    run()
    return time.monotonic() - start


def command(place, *words):
    result = place.command(*words)
    assert result.returncode == 0, result.stderr
    return result.stdout


def fill(path):
    """256 MiB in pieces of 1 MiB, all over the volume."""
    with open(path, "r+b") as stream:
        for i in range(256):
            stream.seek(i * 40 * MIB)
            stream.write(os.urandom(MIB))


def change(path):
    with open(path, "r+b") as stream:
        for i in range(CHANGED):
            stream.seek(i * 80 * MIB + 4096 * (i % 200))
            stream.write(os.urandom(4096))


def read_both(one, two):
    """Every byte of both, compared."""
    changed, at = 0, 0
    with open(one, "rb", buffering=0) as first, open(two, "rb", buffering=0) as second:
        while True:
            a, b = first.read(MIB), second.read(MIB)
            if not a:
                break
            changed += a != b
            at += len(a)
    assert changed >= 1 and at == 10 << 30, (changed, at)


def measure(place, filesystem, rounds):
    image = os.path.join(place.pool, "{}", "{}", "image").format
    command(place, "volume", "create", "v", "--size", "10Gi")
    fill(image("volumes", "v"))
    command(place, "snapshot", "create", "v", "s1")
    change(image("volumes", "v"))
    command(place, "snapshot", "create", "v", "s2")
    delta = json.loads(command(place, "snapshot", "diff", "s1", "s2", "-o", "json"))
    assert delta["bytes"] == CHANGED * 4096, delta["bytes"]
    both = [image("snapshots", name) for name in ("s1", "s2")]
    ours = [seconds(lambda: command(place, "snapshot", "diff", "s1", "s2", "-o", "json"))
            for _ in range(rounds)]
    ours, read = statistics.median(ours), seconds(lambda: read_both(*both))
    print(f"| delta of 10 GiB, {filesystem} | {ours * 1000:.0f} ms | {read * 1000:.0f} ms | {read / ours:.0f} × |",
          flush=True)


def main():
    if len(sys.argv) > 2:
        tempfile.tempdir = sys.argv[3]
        with Place() as place:
            place.configure_file_pool()
            place.start("serve")
            measure(place, sys.argv[2], int(sys.argv[1]))
        return
    rounds = sys.argv[1] if len(sys.argv) > 1 else "5"
    print("| what | fairlead | reading both | faster |\n|---|---|---|---|", flush=True)
    for filesystem in ("ext4", "xfs", "btrfs"):
        subprocess.run([ON_FILESYSTEM, filesystem, sys.executable, os.path.abspath(__file__), rounds,
                        filesystem, "@"], check=True)


if __name__ == "__main__":
    main()
