# SPDX-License-Identifier: Apache-2.0
"""table.py [ROUNDS]: runs every measurement and prints one row for each, with its goal."""

import contextlib
import os
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))

from guest import Guest  # noqa: E402
from service import FAIRLEAD, Place  # noqa: E402

BENCH = os.path.join(os.environ["BUILD"], "tests/bench/bench")
# RUN is on a tmpfs, as /run is on a machine that was booted.
RUN = "/dev/shm"
ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 50


def pairs(words):
    """What a program printed: rows of numbers, in microseconds."""
    output = subprocess.run([BENCH, *words], stdout=subprocess.PIPE, check=True, text=True).stdout
    return [tuple(int(n) for n in line.split()) for line in output.splitlines()]


def row(what, ours, floor, goal=None):
    """Of paired runs: the median of each, and the median of their ratios."""
    goal = f"≤ {goal} ×" if goal else "none"
    ratio = statistics.median(a / b for a, b in zip(ours, floor))
    print(f"| {what} | {statistics.median(ours) / 1000:.2f} ms | "
          f"{statistics.median(floor) / 1000:.2f} ms | {ratio:.2f} × | {goal} |", flush=True)


@contextlib.contextmanager
def empty_server(place):
    """A gRPC server that answers everything with an empty message, at the endpoint that comes back."""
    path = place.path("empty.sock")
    with subprocess.Popen([BENCH, "empty", f"unix:{path}"]) as server:
        while not os.path.exists(path):
            time.sleep(0.01)
        yield f"unix://{path}"
        server.kill()


def measure_calls():
    with Place(run_parent=RUN) as place:
        place.configure_file_pool()
        serve = place.start("serve")
        directory = place.path("floor")
        os.mkdir(directory)
        endpoint = f"unix://{serve.socket}"

        def measure(what, goal, word, *words):
            got = pairs([word, endpoint, *words])
            row(what, [a for a, _ in got], [b for _, b in got], goal)

        measure("CreateVolume + DeleteVolume", "1.5", "volume", directory, str(ROUNDS))
        with empty_server(place) as empty:
            measure("stage + publish, block; the floor makes two empty calls", "1.3",
                    "stage", directory, str(ROUNDS), empty)
            measure("the same; the floor makes none", None,
                    "stage", directory, str(ROUNDS))
            measure("Probe", None, "probe", empty, str(ROUNDS * 100))


def measure_hotplug():
    with Place(run_parent=RUN) as place:
        place.configure_file_pool()
        place.start("serve")
        with Guest(place, os.path.join(os.environ["BUILD"], "guest")) as guest:
            ours, raw = [], []
            for number in range(max(10, ROUNDS)):
                ours.append(guest.plug_by_launcher(number))
                raw.append(guest.plug_by_qmp(number))
            row("hotplug: request → the guest has the disk", ours, raw, "1.2")
            return guest.memory()


def resident(pid):
    with open(f"/proc/{pid}/status", encoding="utf-8") as stream:
        return next(int(line.split()[1]) / 1024 for line in stream if line.startswith("VmRSS"))


def measure_memory():
    rows = []
    with Place(run_parent=RUN) as place:
        place.configure_file_pool()
        for name in ("controller", "node"):
            role = place.start(name)
            time.sleep(1)
            rows.append((f"fairlead {name}", resident(role.process.pid)))
    with Place(run_parent=RUN) as place:
        place.configure_file_pool()
        role = place.start("serve")
        time.sleep(1)
        rows.append(("fairlead serve", resident(role.process.pid)))
    return rows


def measure_start():
    with Place(run_parent=RUN) as place:
        place.configure_file_pool()
        socket = f"unix://{place.run}/csi.sock"
        words = ["start", socket, "20", FAIRLEAD, "serve", "--config", place.config, "--endpoint",
                 socket, "--node-id", place.node]
        with open(place.path("start.log"), "wb") as log:
            output = subprocess.run([BENCH, *words], stdout=subprocess.PIPE, stderr=log,
                                    env=place.environment, check=True, text=True).stdout
        return statistics.median(int(line) for line in output.split()) / 1000


def main():
    print("| what | fairlead | floor | ratio (median of pairs) | goal |\n|---|---|---|---|---|")
    measure_calls()
    guest_memory = measure_hotplug()
    print("\n| what | measured | goal |\n|---|---|---|")
    print(f"| `fairlead serve`: start → first answer | {measure_start():.0f} ms | < 100 ms |")
    for name, megabytes in measure_memory() + guest_memory:
        print(f"| idle memory of `{name}` (RSS) | {megabytes:.1f} MiB | ≤ 20 MiB |")


if __name__ == "__main__":
    main()
