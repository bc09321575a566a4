# SPDX-License-Identifier: Apache-2.0
"""run.sh [--plain | --sanitize] [RING…]: builds, runs the rings in their order, counts statements."""

import argparse
import concurrent.futures
import os
import signal
import sys
import time

import builds
import programs

# The order; a ring that is not named here runs last, and bench never.
ORDER = ["lint", "unit", "conformance", "fuzz", "rpc", "load", "node", "crash", "cli", "csi", "sanity", "badinput",
         "parallel", "lists", "launcher", "e2e", "quickstart", "nodevm"]
NO_RINGS = {"bench"}
# They look at the source, or build for themselves, so once is enough.
ONCE = {"lint", "quickstart"}
# Emulated guests, one after the other, leave a processor idle: from that ring on, the builds that follow one are made.
GUESTS = "launcher"
AHEAD = {builds.PLAIN: [builds.SANITIZED], builds.SANITIZED: [builds.RACES, builds.CLANG]}


class Totals:
    def __init__(self):
        self.passed = 0
        self.failed = 0
        self.skips = []

    def fail(self, what, tail=()):
        self.failed += 1
        print(f"FAILED {what}")
        for line in tail:
            print(f"    {line}")
        sys.stdout.flush()

    def add(self, build, program):
        verdict = program.verdict
        self.passed += verdict.passed
        for statement, reason in verdict.skipped:
            self.skips.append(f"{program.ring}/{program.name} ({build.name}): {statement}: {reason}")
        for what in verdict.failed[:-1]:
            self.fail(f"{program.ring}/{program.name} ({build.name}): {what}")
        if verdict.failed:
            self.fail(f"{program.ring}/{program.name} ({build.name}): {verdict.failed[-1]}",
                      program.tail() + [f"all of it: {os.path.relpath(program.log)}"])


def make(build, totals):
    start = time.monotonic()
    log, worked = build.ahead.result() if build.ahead else build.make()
    if worked:
        totals.passed += 1
        print(f"build ({build.name}): no warning, {time.monotonic() - start:.0f} s"
              f"{' more' if build.ahead else ''}", flush=True)
    else:
        with open(log, encoding="utf-8", errors="replace") as stream:
            totals.fail(f"build ({build.name})", stream.read().splitlines()[-60:])
    return worked


def rings_of(build):
    rings = programs.from_ctest(build)
    for ring, members in programs.from_scripts(rings).items():
        rings.setdefault(ring, []).extend(members)
    if build is builds.PLAIN:
        rings.setdefault("lint", [])[:0] = [
            programs.Program("lint", "lint.sh", ["tests/lint.sh"]),
            programs.Program("lint", "lint-selftest.sh", ["tests/lint-selftest.sh"]),
            programs.Program("lint", "run-selftest", [sys.executable, "tests/run/selftest.py"])]
    for name in NO_RINGS:
        rings.pop(name, None)
    if build.rings:
        rings = {name: members for name, members in rings.items() if name in build.rings}
    return dict(sorted(rings.items(), key=lambda item: (
        ORDER.index(item[0]) if item[0] in ORDER else len(ORDER), item[0])))


def check_leftovers(build, ring, totals):
    for pid, command in list(build.left_processes()):
        totals.fail(f"{ring} ({build.name}): left process {pid} running: {command[:200]}")
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    for path in build.sanitizer_reports():
        with open(path, encoding="utf-8", errors="replace") as stream:
            totals.fail(f"{ring} ({build.name}): a sanitizer reports", stream.read().splitlines()[:60])
    build.forget_reports()


def run_ring(build, ring, members, totals):
    start = time.monotonic()
    before = totals.passed, totals.failed, len(totals.skips)
    build.forget_reports()
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for program in pool.map(lambda p: p.run(build), [p for p in members if not p.alone]):
            totals.add(build, program)
    for program in members:
        if program.alone:
            totals.add(build, program.run(build))
    check_leftovers(build, ring, totals)
    print(f"{ring} ({build.name}): {totals.passed - before[0]} passed, "
          f"{totals.failed - before[1]} failed, {len(totals.skips) - before[2]} skipped, "
          f"{time.monotonic() - start:.0f} s", flush=True)


def run_build(build, wanted, totals, make_ahead):
    if not make(build, totals):
        return
    rings = rings_of(build)
    for ring in wanted:
        if ring not in rings and not (ring in ONCE and build is not builds.PLAIN):
            totals.fail(f"there is no ring \"{ring}\"; there are {', '.join(rings)}")
    for ring, members in rings.items():
        if (ring in wanted or not wanted) and not (ring in ONCE and build is not builds.PLAIN):
            if ring == GUESTS:
                make_ahead()
            run_ring(build, ring, members, totals)


def chosen_builds(arguments):
    if arguments.sanitize:
        return [builds.SANITIZED]
    if arguments.plain or arguments.rings:
        return [builds.PLAIN]
    return [builds.PLAIN, builds.SANITIZED, builds.RACES]


def run_builds(arguments, totals):
    chosen = chosen_builds(arguments)
    is_whole = len(chosen) > 1

    with concurrent.futures.ThreadPoolExecutor(1) as maker:
        for build in chosen:
            following = AHEAD.get(build, []) if is_whole else []

            def make_ahead(following=following):
                for other in following:
                    other.ahead = maker.submit(other.make, 19)

            run_build(build, arguments.rings, totals, make_ahead)
    if is_whole:
        make(builds.CLANG, totals)


def main():
    parser = argparse.ArgumentParser(prog="tests/run.sh", description=__doc__)
    parser.add_argument("--plain", action="store_true", help="only the plain build")
    parser.add_argument("--sanitize", action="store_true", help="only the build with sanitizers")
    parser.add_argument("rings", nargs="*", metavar="RING", help=", ".join(ORDER))
    arguments = parser.parse_args()

    totals = Totals()
    run_builds(arguments, totals)
    for skip in totals.skips:
        print(f"skipped {skip}")
    print(f"{totals.passed} passed, {totals.failed} failed, {len(totals.skips)} skipped")
    return 1 if totals.failed or not totals.passed else 0


if __name__ == "__main__":
    sys.exit(main())
