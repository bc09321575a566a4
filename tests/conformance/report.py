# SPDX-License-Identifier: Apache-2.0
"""report.py FAIRLEAD CC EXAMPLE: the example backend with a mistake made in it, as an author may make it, and
what `fairlead backend check` says of it."""

import glob
import json
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.join(HERE, "..", "..")
sys.path.insert(0, os.path.dirname(HERE))

from tap import Tap  # noqa: E402

FAIRLEAD, CC, EXAMPLE = sys.argv[1:4]
MISTAKE = ('FL_IN_USE, "volume %s is in use"', 'FL_NOT_FOUND, "volume %s is in use"')


def build(folder):
    """The wrong backend as a shared object."""
    sources = []
    for path in glob.glob(os.path.join(EXAMPLE, "*.[ch]")):
        with open(path, encoding="utf-8") as stream:
            text = stream.read().replace(*MISTAKE)
        copy = os.path.join(folder, os.path.basename(path))
        with open(copy, "w", encoding="utf-8") as stream:
            stream.write(text)
        sources += [copy] if path.endswith(".c") else []
    target = os.path.join(folder, "wrong.so")
    subprocess.run([CC, "-shared", "-fPIC", "-D_GNU_SOURCE", f"-I{ROOT}", "-o", target, *sources], check=True)
    return target


def check(backend, folder, *words):
    return subprocess.run([FAIRLEAD, "backend", "check", backend, "--option", f"directory={folder}/pool", *words],
                          capture_output=True, text=True, check=False, timeout=240)


def look_at_words(tap, backend, folder):
    result = check(backend, folder, "--filter", "is not deleted")
    tap.ok(result.returncode == 1, "a statement that does not hold makes the exit code 1", result.stdout)
    for wanted in ("not ok 1 - a volume that is open is not deleted", "#   expected  IN_USE\n",
                   "#   got       NOT_FOUND: volume fairlead-check-a is in use\n",
                   "#   call      volume_delete(handle=fairlead-check-a): NOT_FOUND, ",
                   "#   contract  Absent is success. FL_IN_USE when something still has it open.",
                   "volume_create(name=fairlead-check-a, min_bytes=1048576, ",
                   "#   at        volumes.c:", "# volumes        broken ", "# snapshots      not offered ",
                   "# 0 passed, 1 failed, 0 skipped\n"):
        tap.ok(wanted in result.stdout, f"the report has: {wanted.strip()}", result.stdout)


def look_at_json(tap, backend, folder):
    result = check(backend, folder, "-o", "json", "--filter", "deleted")
    report = json.loads(result.stdout)
    failure = next(s["failure"] for s in report["statements"] if s["outcome"] == "failed")
    tap.ok(failure["member"] == "volume_delete" and failure["expected"] == "IN_USE",
           "JSON has the failure", result.stdout)
    states = {c["name"]: c["is"] for c in report["capabilities"]}
    tap.ok(states["volumes"] == "broken" and states["snapshots"] == "not offered",
           "JSON has the state of each capability", str(states))
    total = report["passed"] + report["failed"] + report["skipped"]
    tap.ok(total == len(report["statements"]), "JSON counts its statements", result.stdout)


def main():
    tap = Tap()
    with tempfile.TemporaryDirectory(prefix="fairlead-report-") as folder:
        os.mkdir(os.path.join(folder, "pool"))
        backend = build(folder)
        look_at_words(tap, backend, folder)
        look_at_json(tap, backend, folder)
        nothing = check(backend, folder, "--filter", "no such statement")
        tap.ok(nothing.returncode == 2, "a filter that matches nothing is told apart", nothing.stderr)
        gone = check(os.path.join(folder, "gone.so"), folder)
        tap.ok(gone.returncode not in (0, 1), "so is a backend that is not there", gone.stderr)
    tap.end()


if __name__ == "__main__":
    main()
