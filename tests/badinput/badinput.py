#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the tables *.cases of this folder: wrong commands, configurations, specifications and requests,
the sentence that each gets, and nothing that any of them leaves behind."""

import fnmatch
import glob
import os
import re
import shlex
import stat
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))

from service import FAIRLEAD, SLOWNESS, Place  # noqa: E402
from tap import Tap  # noqa: E402

ASK = os.path.join(os.environ.get("BUILD", "build"), "tests/badinput/ask")


class Case:
    """"= name", then "| line" of the file, "$ command", and "STATUS sentence"."""

    def __init__(self, name):
        self.name = name
        self.file = []
        self.command = None
        self.status = None
        self.sentence = None


def cases_of(path):
    case = None
    with open(path, encoding="utf-8") as stream:
        for number, line in enumerate(stream, 1):
            line = line.rstrip("\n")
            if line.startswith("= "):
                case = Case(line[2:])
            elif line.startswith("|"):
                case.file.append(line[2:])
            elif line.startswith("$ "):
                case.command = line[2:]
            elif match := re.match(r"(\d+|OK|[A-Z_]+:) ?(.*)", line):
                case.status, case.sentence = match.groups()
                yield case
            elif line and not line.startswith("#"):
                sys.exit(f"{path}:{number}: not understood: {line}")


def picture(place):
    """All that a case could leave behind: files, mounts, loop devices; not their times."""
    entries = set()
    for folder, folders, names in os.walk(place.root):
        for name in folders + names:
            path = os.path.join(folder, name)
            info = os.lstat(path)
            size = info.st_size if stat.S_ISREG(info.st_mode) else 0
            if not path.endswith((".log", "/input")):
                entries.add(f"{path} {stat.filemode(info.st_mode)} {size}")
    return entries | set(place.leftovers())


def words_of(case, place, socket):
    text = case.command.replace("FILE", place.path("input")).replace("ROOT", place.root)
    words = shlex.split(text)
    return [ASK, f"unix://{socket}"] + words[1:] if words[0] == "ask" else [FAIRLEAD] + words


def run(case, place, socket):
    with open(place.path("input"), "w", encoding="utf-8") as stream:
        text = "".join(line + "\n" for line in case.file)
        stream.write(text.replace("FILE", place.path("input")).replace("ROOT", place.root))
    try:
        return subprocess.run(words_of(case, place, socket), env=place.environment, text=True,
                              stdin=subprocess.DEVNULL, capture_output=True, check=False,
                              timeout=30 * SLOWNESS)
    except subprocess.TimeoutExpired:
        return None


def says(case, place, result):
    """Whether status and sentence are those of the table; * stands for anything."""
    output = result.stdout if case.command.startswith("ask ") else result.stderr
    first = (output.splitlines() or [""])[0].replace(place.path("input"), "FILE")
    first = first.replace(place.root, "ROOT")
    wanted = case.sentence
    if case.command.startswith("ask "):
        wanted = f"{case.status} {wanted}".strip()
    elif str(result.returncode) != case.status:
        return False, f"{result.returncode} {first}"
    pattern = re.sub(r"[\[?]", lambda m: f"[{m.group()}]", wanted)
    return fnmatch.fnmatchcase(first, pattern), f"{result.returncode} {first}"


def run_table(tap, path, place, socket):
    table = os.path.basename(path).removesuffix(".cases")
    before = picture(place)
    for case in cases_of(path):
        result = run(case, place, socket)
        if result is None:
            tap.ok(False, f"{table}: {case.name}", f"$ {case.command}", "its time was up")
            continue
        good, got = says(case, place, result)
        after = picture(place)
        tap.ok(good and after == before, f"{table}: {case.name}", f"$ {case.command}",
               f"wanted {case.status} {case.sentence}", f"got    {got}",
               *(f"left behind: {entry}" for entry in sorted(after - before)),
               *(f"gone: {entry}" for entry in sorted(before - after)))
        before = after


def main():
    tap = Tap()
    with Place() as place:
        place.configure_file_pool()
        serve = place.start("serve")
        # Used once, so that whatever services make at their first use is there already.
        for words in (["create", "taken", "--size", "64Mi", "--block"],
                      ["publish", "taken", "--device", place.path("device")],
                      ["unpublish", "taken"]):
            result = place.command("volume", *words)
            tap.ok(result.returncode == 0, f"volume {words[0]} works", result.stderr)
        for path in sorted(glob.glob(os.path.join(HERE, "*.cases"))):
            run_table(tap, path, place, serve.socket)
        tap.ok(serve.process.poll() is None, "the service is still there", serve.log()[-2000:])
        tap.ok(serve.stop() == 0, "the service ends when it is asked to")
    tap.end()


if __name__ == "__main__":
    main()
