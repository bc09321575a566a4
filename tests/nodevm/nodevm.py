#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What depends on the kernel and on root's rights, in a VM with Debian's kernel and all capabilities:
the devices and file systems of ring node, a story of `fairlead serve`, and the kills and faults while a
mounted ext4 grows.  A machine for tests may lack CAP_SYS_RESOURCE, for one, without which it does not."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import tempfile

from vm import HERE, Vm

sys.path.insert(0, os.path.join(HERE, ".."))

from tap import Tap  # noqa: E402

ROOT = os.path.realpath(os.path.join(HERE, "../.."))
BUILD = os.path.realpath(os.environ.get("BUILD", os.path.join(ROOT, "build")))
SLOWNESS = float(os.environ.get("FAIRLEAD_SLOWNESS", "1"))
# The other programs of ring node ask the kernel for nothing more, and would take minutes here.
PROGRAMS = ("filesystems", "clones", "groups", "blocks")
FAULTS = ("ENOSPC", "EIO", "EROFS", "EMFILE", "ENOMEM")
EMULATION = 4  # how much more time the programs get than on this machine
PROGRAM_SECONDS = 150 * SLOWNESS
VM_SECONDS = 600 * SLOWNESS
STATEMENT = re.compile(r"^(not )?ok \d+ - (.*?)(?: # SKIP (.*))?$")


def node_programs():
    """Those of CTest's ring node that run in the VM: name → command."""
    answer = subprocess.run(["ctest", "--test-dir", BUILD, "-L", "^node$", "--show-only=json-v1"],
                            stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True)
    tests = {test["name"]: test for test in json.loads(answer.stdout)["tests"]}
    return {name: tests[f"node/{name}"]["command"] for name in PROGRAMS}


def crash_programs():
    """Ring crash's story that a machine without CAP_SYS_RESOURCE skips, as (name, command)."""
    frame = os.path.join(ROOT, "tests/conformance/on-filesystem.sh")

    def told_by(program, *arguments):
        return [frame, "here", os.path.join(BUILD, "tests/crash", program), "@", *arguments,
                "ext4 that grows"]

    return [("crash", told_by("crash")),
            *((f"crash {fault}", told_by("faulty_disk", fault)) for fault in FAULTS)]


def make_plan():
    """The shell lines that inside.sh runs."""
    environment = {
        "BUILD": BUILD,
        "FAIRLEAD": os.path.join(BUILD, "fairlead"),
        "FAIRLEAD_BACKENDS": os.path.join(BUILD, "backends"),
        "FAIRLEAD_SLOWNESS": str(EMULATION * SLOWNESS),
        # As in ring crash: a sanitizer makes the service's start too slow for every system call.
        "FAIRLEAD_STRIDE": "10" if SLOWNESS > 1 else "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "ASAN_OPTIONS": "log_path=/tmp/sanitizer:detect_leaks=1:detect_stack_use_after_return=1",
        "UBSAN_OPTIONS": "log_path=/tmp/sanitizer:print_stacktrace=1",
        "LSAN_OPTIONS": "suppressions=" + os.path.join(ROOT, "tests/lsan.txt"),
    }
    programs = node_programs()
    runs = list(programs.items())
    # The node that lacks the capability is played by the same program without it.
    runs.append(("filesystems", ["setpriv", "--bounding-set", "-sys_resource",
                                 *programs["filesystems"], "cannot grow"]))
    runs += crash_programs()
    runs.append(("serve", [sys.executable, os.path.join(HERE, "story.py")]))
    lines = [f"export {key}={shlex.quote(value)}" for key, value in environment.items()]
    lines += [f"run {shlex.quote(name)} {PROGRAM_SECONDS:.0f} {shlex.join(command)}" for name, command in runs]
    return "\n".join(lines) + "\n"


class Program:
    """One program in the VM, statement by statement."""

    def __init__(self, name):
        self.name = name
        self.said = 0
        self.failed = 0
        self.planned = None

    def hear(self, line, tap, skips):
        statement = STATEMENT.match(line)
        if line.startswith("1.."):
            self.planned = int(line[3:].split()[0])
        elif statement:
            self.said += 1
            self.failed += bool(statement[1])
            self._pass_on(f"{self.name}: {statement[2]}", statement, tap, skips)
        else:
            print(f"# {line.removeprefix('# ')}")

    def _pass_on(self, what, statement, tap, skips):
        if statement[3]:
            skips.setdefault(what, statement[3])
            return
        tap.ok(not statement[1], what)
        skips[what] = None

    def end(self, status, tap):
        whole = self.said and self.said == self.planned
        if not whole or (status != "0" and not (status == "1" and self.failed)):
            tap.ok(False, f"{self.name}: ends as it should", f"status {status}",
                   f"{self.said} statements, planned: {self.planned}")


def listen(vm, tap):
    """Passes on what the VM tells; the program that was the last, None when it told everything."""
    program, skips = Program("none"), {}
    for line in vm.lines():
        word, _, rest = line.partition(" ")
        if word == "@begin":
            program = Program(rest)
        elif word == "@end":
            program.end(rest, tap)
        elif word == "@done":
            program = None
            break
        else:
            program.hear(line, tap, skips)
    for what, reason in skips.items():
        if reason:
            tap.ok(False, what, f"skipped in the VM, which has everything: {reason}")
    return program


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    tap = Tap()
    with tempfile.TemporaryDirectory(prefix="fairlead-nodevm.") as folder:
        vm = Vm(folder, make_plan(), [ROOT, BUILD], VM_SECONDS)
        try:
            last = listen(vm, tap)
            tap.ok(not last, "the VM has run everything",
                   f"its {VM_SECONDS:.0f} s were up" if vm.is_late else "it ended too early",
                   f"its last program: {last and last.name}",
                   "the end of its console:", *vm.console_tail())
        finally:
            vm.end()
    tap.end()


if __name__ == "__main__":
    main()
