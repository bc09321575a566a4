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
# A machine that does other things, too, must not fail this; the goal is in what is printed.
PROBE_GOAL_MS = 50
PROBE_SLACK_MS = 250 * SLOWNESS
PROBE_TIMES = 50
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


def check_probes(tap, calm, stormy):
    for name, what in (("probe", "on a connection that stays"), ("connect", "on a new connection")):
        calm_ms, storm_ms = calm[f"{name}_p99"] / 1000, stormy[f"{name}_p99"] / 1000
        print(f"# Probe {what}: p50 {stormy[f'{name}_p50'] / 1000:.1f} ms, p99 {storm_ms:.1f} ms of "
              f"{stormy[f'{name}_n']} (goal {PROBE_GOAL_MS} ms); without the storm p50 "
              f"{calm[f'{name}_p50'] / 1000:.1f} ms, p99 {calm_ms:.1f} ms")
        tap.ok(storm_ms < PROBE_SLACK_MS + PROBE_TIMES * calm_ms,
               f"others are answered in the storm, {what}")


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
    calm = load("probe", serve.socket, CALM_MS)
    time.sleep(2)  # the service rests, and gives back what it does not need
    before = Usage(pid)
    stormy = storm(serve.socket, STORM_MS)
    start = time.monotonic()
    after = wait_until(pid, lambda usage: usage.is_back_at(before))
    print(f"# fresh {fresh}; before {before}; {time.monotonic() - start:.1f} s after {after}; at "
          f"most {after.peak:.1f} MiB")

    check_probes(tap, calm, stormy)
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
