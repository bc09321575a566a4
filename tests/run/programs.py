# SPDX-License-Identifier: Apache-2.0
"""The programs of a ring: CTest's tests with the ring's label, and executable scripts in tests/RING."""

import json
import os
import signal
import subprocess
import time

from tap import Verdict

SCRIPT_SECONDS = 1200
SCRIPT_ENDINGS = (".sh", ".py")


class Program:
    def __init__(self, ring, name, command):
        self.ring = ring
        self.name = name
        self.command = command
        self.seconds = SCRIPT_SECONDS
        self.environment = {}
        self.alone = True  # no other program runs meanwhile
        self.verdict = Verdict()
        self.took = 0.0
        self.log = None

    def run(self, build):
        folder = os.path.join(build.folder, "test-logs", self.ring)
        os.makedirs(folder, exist_ok=True)
        self.log = os.path.join(folder, self.name.replace("/", "_") + ".log")
        start = time.monotonic()
        with open(self.log, "wb") as log:
            status = self._wait(subprocess.Popen(
                self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
                env=build.environment | self.environment, start_new_session=True))
        self.took = time.monotonic() - start
        with open(self.log, encoding="utf-8", errors="replace") as log:
            self.verdict.read(log.read(), status)
        return self

    def _wait(self, process):
        try:
            return process.wait(self.seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGTERM)
            time.sleep(2)
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            return None

    def tail(self, lines=40):
        with open(self.log, encoding="utf-8", errors="replace") as log:
            return log.read().splitlines()[-lines:]


def from_ctest(build):
    """Every test of the build folder, as ring → programs."""
    answer = subprocess.run(["ctest", "--test-dir", build.folder, "--show-only=json-v1"],
                            capture_output=True, text=True, check=True).stdout
    rings = {}
    for test in json.loads(answer)["tests"]:
        properties = {p["name"]: p["value"] for p in test.get("properties", [])}
        if "command" not in test:
            continue
        for ring in properties.get("LABELS", []):
            program = Program(ring, test["name"].split("/", 1)[-1], test["command"])
            program.seconds = properties.get("TIMEOUT", SCRIPT_SECONDS) * build.slowness
            program.environment = dict(e.split("=", 1) for e in properties.get("ENVIRONMENT", []))
            program.alone = bool(properties.get("RUN_SERIAL") or properties.get("RESOURCE_LOCK"))
            rings.setdefault(ring, []).append(program)
    return rings


def from_scripts(ctest):
    """Executable scripts that CTest does not run, as ring → programs."""
    words = {word for members in ctest.values() for program in members for word in program.command}
    rings = {}
    for ring in sorted(os.listdir("tests")):
        folder = os.path.join("tests", ring)
        if not os.path.isdir(folder):
            continue
        for name in sorted(os.listdir(folder)):
            path = os.path.abspath(os.path.join(folder, name))
            if name.endswith(SCRIPT_ENDINGS) and os.access(path, os.X_OK) and path not in words:
                program = Program(ring, name, [path])
                rings.setdefault(ring, []).append(program)
    return rings
