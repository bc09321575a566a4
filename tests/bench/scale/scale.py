# SPDX-License-Identifier: Apache-2.0
"""scale.py PICTURE: lists of up to 50,000 volumes, all of them published, and creates beside them: prints the
tables of docs/benchmarks.md and draws the curves."""

import os
import statistics
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.path.insert(0, os.path.join(HERE, "../.."))

from picture import Panel, draw  # noqa: E402
from service import Place  # noqa: E402

SCALE = os.path.join(os.environ["BUILD"], "tests/bench/scale/scale")
COUNTS = (1000, 5000, 10000, 20000, 50000)
SHOWN = (1000, 10000, 50000)
ROUNDS = 5
CREATES = 100


class Row:
    """Everything measured at one number of volumes; times in milliseconds."""

    def __init__(self, count):
        self.count = count
        self.first = self.again = self.paged = self.page = self.memory = 0.0
        self.create = 0.0


def scale(role, verb, *words):
    output = subprocess.run([SCALE, verb, role.socket, *map(str, words)], stdout=subprocess.PIPE,
                            check=True, text=True).stdout
    return [[int(number) for number in line.split()] for line in output.splitlines()]


def most_memory(role):
    with open(f"/proc/{role.process.pid}/status", encoding="utf-8") as stream:
        return next(int(line.split()[1]) / 1024 for line in stream if line.startswith("VmHWM"))


def create(role):
    return statistics.median(row[0] for row in scale(role, "create", CREATES)) / 1000


def measure(place, count):
    row = Row(count)
    role = place.start("serve")
    try:
        row.first = scale(role, "list", 0, 1)[0][0] / 1000
        again = scale(role, "list", 0, ROUNDS)
        if again[0][1] != count:
            raise RuntimeError(f"{again[0][1]} volumes are listed, not {count}")
        row.again = statistics.median(r[0] for r in again) / 1000
        paged = scale(role, "list", 1000, ROUNDS)
        row.paged = statistics.median(r[0] for r in paged) / 1000
        row.page = statistics.median(r[4] for r in paged) / 1000
        row.create = create(role)
        row.memory = most_memory(role)
    finally:
        role.stop()
    return row


def fill(place, begin, end):
    role = place.start("serve")
    scale(role, "fill", begin, end)
    scale(role, "publish", place.node, end)
    role.stop()


def table(at_nothing, rows):
    print("| volumes in the pool | 0 | " + " | ".join(f"{r.count:,}" for r in rows) + " |")
    print("|---|---|" + "---|" * len(rows))

    def line(what, unit, digits, value, nothing=""):
        print(f"| {what} | {nothing} | " +
              " | ".join(f"{value(r):.{digits}f} {unit}" for r in rows) + " |")

    line("ListVolumes, all pages, the first after a start", "ms", 0, lambda r: r.first)
    line("ListVolumes, all pages, again", "ms", 0, lambda r: r.again)
    line("ListVolumes, all pages of 1,000", "ms", 0, lambda r: r.paged)
    line("the slowest page of 1,000", "ms", 1, lambda r: r.page)
    line("CreateVolume", "ms", 2, lambda r: r.create, f"{at_nothing:.2f} ms")
    line("most memory of the service (RSS)", "MiB", 0, lambda r: r.memory)


def main():
    with Place() as place:
        place.configure_file_pool()
        role = place.start("serve")
        at_nothing = create(role)
        role.stop()
        rows, filled = [], 0
        for count in COUNTS:
            fill(place, filled, count)
            filled = count
            rows.append(measure(place, count))
            print(f"{count} volumes: load average {os.getloadavg()[0]:.1f}", file=sys.stderr)
    table(at_nothing, [row for row in rows if row.count in SHOWN])
    draw(sys.argv[1], [
        Panel("ListVolumes, all pages", "s", {
            "the first after a start": [(0, 0)] + [(r.count, r.first / 1000) for r in rows],
            "in pages of 1,000": [(0, 0)] + [(r.count, r.paged / 1000) for r in rows],
            "again": [(0, 0)] + [(r.count, r.again / 1000) for r in rows]}, goal=1),
        Panel("CreateVolume", "ms", {
            "median": [(0, at_nothing)] + [(r.count, r.create) for r in rows]})])


if __name__ == "__main__":
    main()
