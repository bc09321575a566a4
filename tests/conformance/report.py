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
IN_USE = 'return fl_error_set(err, FL_IN_USE, "volume %s is in use", handle);'
MISTAKES = {
    "code": (IN_USE, IN_USE.replace("FL_IN_USE", "FL_NOT_FOUND")),
    "crash": (IN_USE, "abort();"),
    "hang": (IN_USE, "for (;;) pause();"),
    "leaving": (IN_USE, "_exit(0);"),
    "kept": ("renameat(dir, handle, dir, hidden) < 0 && errno != ENOENT", "hidden[0] == 0"),
    "size": ("FL_SOURCE_FILE, .size_bytes = ", "FL_SOURCE_FILE, .size_bytes = 512 + "),
}


def build(folder, mistake):
    """A wrong backend as a shared object."""
    sources, found = [], False
    for path in glob.glob(os.path.join(EXAMPLE, "*.[ch]")):
        with open(path, encoding="utf-8") as stream:
            text = stream.read()
        found = found or MISTAKES[mistake][0] in text
        text = text.replace(*MISTAKES[mistake])
        copy = os.path.join(folder, os.path.basename(path))
        with open(copy, "w", encoding="utf-8") as stream:
            stream.write(text)
        sources += [copy] if path.endswith(".c") else []
    assert found, f"the example has changed: {MISTAKES[mistake][0]}"
    target = os.path.join(folder, f"{mistake}.so")
    subprocess.run([CC, "-shared", "-fPIC", "-D_GNU_SOURCE", f"-I{ROOT}", "-include", "unistd.h", "-o", target,
                    *sources], check=True)
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


def look_at_lost(tap, folder):
    """Of what crashes or hangs the report names the call, and goes on with the next statement."""
    for mistake, how in (("crash", "a process was ended by signal 6 (Aborted)"),
                         ("leaving", "a process ended itself with exit code 0"),
                         ("hang", "a process was killed because nothing went on in it")):
        result = check(build(folder, mistake), folder, "--timeout", "1s", "--filter", "deleted")
        wanted = f"#   got       {how}: volume_delete(handle=fairlead-check-a): has not returned\n"
        tap.ok(result.returncode == 1 and wanted in result.stdout, f"a {mistake} is a failed statement",
               result.stdout, result.stderr)
        tap.ok("\nok " in result.stdout.rpartition("has not returned")[2],
               f"after a {mistake} the next statement is checked", result.stdout)
    report = json.loads(check(build(folder, "crash"), folder, "-o", "json", "--filter", "is not deleted").stdout)
    failure = report["statements"][0]["failure"]
    tap.ok(failure["member"] == "volume_delete" and "signal 6" in failure["got"], "JSON has a crash", str(failure))


def look_at_kept(tap, folder):
    result = check(build(folder, "kept"), folder, "--filter", "volume")
    tap.ok(result.returncode not in (0, 1) and "volume_delete of fairlead-check-probe succeeded, "
           "but a list still tells of it" in result.stderr, "a delete that deletes nothing is named", result.stderr)


def look_at_values(tap, folder):
    result = check(build(folder, "size"), folder, "--filter", "publishing describes")
    for wanted in ("#   expected  first.size_bytes == volume.size_bytes\n",
                   "#   got       3146240, and not 3145728\n"):
        tap.ok(wanted in result.stdout, f"the report has: {wanted.strip()}", result.stdout)


def main():
    tap = Tap()
    with tempfile.TemporaryDirectory(prefix="fairlead-report-") as folder:
        os.mkdir(os.path.join(folder, "pool"))
        backend = build(folder, "code")
        look_at_words(tap, backend, folder)
        look_at_json(tap, backend, folder)
        look_at_lost(tap, folder)
        look_at_values(tap, folder)
        look_at_kept(tap, folder)
        nothing = check(backend, folder, "--filter", "no such statement")
        tap.ok(nothing.returncode == 2, "a filter that matches nothing is told apart", nothing.stderr)
        gone = check(os.path.join(folder, "gone.so"), folder)
        tap.ok(gone.returncode not in (0, 1), "so is a backend that is not there", gone.stderr)
    tap.end()


if __name__ == "__main__":
    main()
