#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A storm of clients, good and bad, over a real `fairlead serve`: others are answered, memory has a bound, and afterwards
everything comes back.

200 connections: 100 keep 10 calls in flight each, 20 ask for everything and read nothing, 40 stay half-open, 40 send garbage."""

import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from service import SLOWNESS, Place  # noqa: E402
from tap import Tap  # noqa: E402

LOAD = os.path.join(os.environ.get("BUILD", "build"), "tests/load/load")
PEERS = {"busy": 100, "slow": 20, "half": 40, "noise": 40}
VOLUMES = 1000
WARM_MS, CALM_MS, STORM_MS = 10000, 2000, 6000
SANITIZED = SLOWNESS > 1
# Milliseconds for 99 of 100 answers to Probe.  A storm that is above the goal is repeated: on a machine that does
# other things, too, one is easily spoilt.  The limit is what fails in the last of them, too.
PROBE_GOAL = 50
PROBE_LIMIT = 1000 * SLOWNESS if SANITIZED else 150
STORMS = 1 if SANITIZED else 3
MEMORY_MIB = 1536 if SANITIZED else 256
BACK_SECONDS = 20 * SLOWNESS


class Usage:
    """What a process has at a moment."""

    def __init__(self, pid):
        with open(f"/proc/{pid}/status", encoding="utf-8") as stream:
            status = dict(line.split(":", 1) for line in stream)
        self.memory = int(status["VmRSS"].split()[0]) / 1024
        self.peak = int(status["VmHWM"].split()[0]) / 1024
        self.threads = int(status["Threads"])
        self.descriptors = len(os.listdir(f"/proc/{pid}/fd"))

    def __str__(self):
        return f"{self.memory:.1f} MiB, {self.threads} threads, {self.descriptors} descriptors"

    def is_back_at(self, before):
        """Within a tenth; of threads two more are, because gRPC starts its own when it likes.  The memory
        that a sanitizer keeps does not count."""
        return (self.descriptors <= before.descriptors * 1.1
                and self.threads <= before.threads + max(2, before.threads * 0.1)
                and (SANITIZED or self.memory <= before.memory * 1.1))

    def has_no_more_descriptors(self, before):
        return self.descriptors <= before.descriptors


def load(*words):
    """Runs the program; its lines of "name value"."""
    output = subprocess.run([LOAD, *map(str, words)], stdout=subprocess.PIPE, check=True, text=True,
                            timeout=300 * SLOWNESS).stdout
    return {name: int(value) for name, value in (line.split() for line in output.splitlines())}


def storm(socket, ms):
    return load("storm", socket, ms, *PEERS.values())


def wait_until(pid, is_so):
    """The first usage that is so, or the last in time."""
    deadline = time.monotonic() + BACK_SECONDS
    while True:
        usage = Usage(pid)
        if is_so(usage) or time.monotonic() > deadline:
            return usage
        time.sleep(0.2)


PROBES = {"probe": "on a connection that stays", "connect": "on a new connection"}


def p99(figures, name):
    return figures[f"{name}_p99"] / 1000


def print_probes(when, figures):
    for name, what in PROBES.items():
        print(f"# {when}: Probe {what}: p50 {figures[f'{name}_p50'] / 1000:.1f} ms, p99 "
              f"{p99(figures, name):.1f} ms of {figures[f'{name}_n']} (goal {PROBE_GOAL} ms)")


def storm_that_lets_others_through(socket):
    """The figures of the first storm that meets the goal, or of the last one."""
    for number in range(1, STORMS + 1):
        stormy = storm(socket, STORM_MS)
        print_probes(f"storm {number}", stormy)
        if all(p99(stormy, name) < PROBE_GOAL for name in PROBES):
            break
    return stormy


def check_probes(tap, stormy):
    for name, what in PROBES.items():
        tap.ok(p99(stormy, name) < PROBE_LIMIT, f"others are answered in the storm, {what}")


def check_peers(tap, stormy):
    for kind in PEERS:
        print(f"# {kind}: " + ", ".join(f"{stormy[f'{kind}_{what}']} {what}" for what in
                                        ("connected", "closed", "asked", "answered", "cut")))
    tap.ok(stormy["busy_answered"] > 0 and stormy["busy_closed"] == 0 and stormy["busy_cut"] == 0,
           "who asks and reads is answered, and never cut")
    tap.ok(stormy["noise_closed"] >= PEERS["noise"], "who sends garbage is closed")


def check(tap, place):
    # The volumes are in memory: it is not the disk that is loaded here.
    place.pool = os.path.join(place.run, "volumes")
    place.configure_file_pool()
    serve = place.start("serve")
    pid = serve.process.pid

    load("fill", serve.socket, VOLUMES)
    fresh = Usage(pid)
    # The first storm makes what stays: threads of gRPC, pages of code that were never used before.
    storm(serve.socket, WARM_MS)
    wait_until(pid, lambda usage: usage.has_no_more_descriptors(fresh))
    print_probes("calm", load("probe", serve.socket, CALM_MS))
    time.sleep(2)  # the service rests, and gives back what it does not need
    before = Usage(pid)
    stormy = storm_that_lets_others_through(serve.socket)
    start = time.monotonic()
    after = wait_until(pid, lambda usage: usage.is_back_at(before))
    print(f"# fresh {fresh}; before {before}; {time.monotonic() - start:.1f} s after {after}; at "
          f"most {after.peak:.1f} MiB")

    check_probes(tap, stormy)
    check_peers(tap, stormy)
    tap.ok(after.peak < MEMORY_MIB, f"memory stays below {MEMORY_MIB} MiB")
    tap.ok(before.has_no_more_descriptors(fresh) and after.is_back_at(before),
           "descriptors, threads and memory come back")
    errors = [line for line in serve.log().splitlines() if "level=error" in line]
    tap.ok(not errors, "no error is logged", *errors[:5])
    tap.ok(serve.stop() == 0, "the service ends when it is asked to")


def main():
    tap = Tap()
    with Place(run_parent="/dev/shm") as place:
        check(tap, place)
    tap.end()


if __name__ == "__main__":
    main()
