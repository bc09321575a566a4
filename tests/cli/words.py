#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What is said without any service: help of every command, docs/cli.md, nearest commands, exit codes,
and tables that fit."""

import contextlib
import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import sys
import termios

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))

from service import FAIRLEAD, Place  # noqa: E402
from tap import Tap  # noqa: E402

# Words, exit code, and what standard error says.
WRONG = [
    (["volum"], 2, 'did you mean "fairlead volume"'),
    (["volume", "lst"], 2, 'did you mean "fairlead volume list"'),
    (["serv"], 2, 'did you mean "fairlead serve"'),
    (["xyzzy"], 2, '"fairlead help" lists them'),
    (["--verbose", "volume", "list"], 2, "--verbose before a command means nothing"),
    (["volume", "create"], 2, "volume create wants NAME"),
    (["volume", "create", "a", "b", "--size", "1Gi"], 2, 'what "b" is for'),
    (["volume", "create", "a", "--sise", "1Gi"], 2, "did you mean --size"),
    (["volume", "create", "a", "--size"], 2, "--size wants a value: --size SIZE"),
    (["volume", "create", "a", "--size="], 2, "--size: the value is empty"),
    (["volume", "create", "a", "--size", "many"], 2, "--size: "),
    (["volume", "create", "a", "--size", "1Gi", "--size", "2Gi"], 2, "--size is given twice"),
    (["volume", "create", "a", "--size", "1Gi", "--param", "thin"], 2, "wanted KEY=VALUE"),
    (["volume", "create", "a", "--from-volume", "b", "--from-snapshot", "c"], 2,
     "--from-snapshot and --from-volume exclude each other"),
    (["volume", "create", "a", "--block=yes"], 2, "takes no value"),
    (["volume", "expand", "a"], 2, "--size SIZE is missing"),
    (["volume", "publish", "a"], 2, "one of --mount, --device and --vm is missing"),
    (["volume", "list", "-o", "xml"], 2, '"xml" is none of table, json, id'),
    (["volume", "list", "-x"], 2, "there is no option -x"),
    (["volume", "list", "--timeout", "soon"], 2, "--timeout: "),
    (["volume", "list", "--endpoint", "tcp://1.2.3.4"], 2, "tcp://1.2.3.4"),
    (["volume", "list"], 4, "no fairlead"),
    (["vm", "status", "nobody"], 3, "nobody"),
    (["vm", "stop", "nobody"], 3, "nobody"),
    (["vm", "resume", "nobody"], 3, "nobody"),
    (["vm", "console", "nobody"], 3, "nobody"),
    (["backend", "options", "filee"], 3, "filee"),
    (["help", "volume", "creat"], 2, 'did you mean "fairlead volume create"'),
    (["help", "volume", "create", "it"], 2, 'what "it" is for'),
    (["volum", "lst"], 2, 'no command "volum": did you mean "fairlead volume list"'),
    (["snapshot", "grup"], 2, 'no command "snapshot grup": did you mean "fairlead snapshot group"'),
    (["snapshot", "group", "creat", "a", "b"], 2,
     'no command "snapshot group creat": did you mean "fairlead snapshot group create"'),
    (["snapshot", "group", "--size", "create"], 2, "--size before a command means nothing"),
]


def commands_of(overview):
    """The commands that `fairlead help` lists."""
    part = overview.split("commands:\n", 1)[1].split("\n\n", 1)[0]
    for line in part.splitlines():
        match = re.match(r"  ((?:[a-z]+ ?)+)", line)
        if match and not line.startswith("    "):
            yield match.group(1).split("  ")[0].split()


def check_help(tap, place):
    overview = place.command("help")
    tap.ok(overview.returncode == 0 and "exit codes:" in overview.stdout, "help lists commands")
    commands = list(commands_of(overview.stdout))
    tap.ok(len(commands) > 20, "there are more than twenty commands", commands)
    for words in commands:
        name = " ".join(words)
        by_option = place.command(*words, "--help")
        by_name = place.command("help", *words)
        good = by_option.returncode == 0 and by_option.stdout.startswith(f"usage: fairlead {name}")
        tap.ok(good and by_option.stdout == by_name.stdout, f"{name} explains itself",
               by_option.stdout, by_name.stdout)
        tap.ok(max(map(len, by_option.stdout.splitlines())) <= 100, f"{name}: help fits 100 columns")
        version = place.command(*words, "--version")
        tap.ok(version.returncode == 0 and re.match(r"fairlead \d", version.stdout),
               f"{name} --version", version.stdout)
    check_groups(tap, place, overview.stdout, commands)


def rows_of(overview):
    """The lines of each command that `fairlead help` or a group lists: its operands and its summary."""
    part = overview.split("commands:\n", 1)[1].split("\n\n", 1)[0]
    return re.split(r"\n(?=  \S)", part)


def check_groups(tap, place, overview, commands):
    groups = sorted({tuple(words[:n]) for words in commands for n in range(1, len(words))})
    tap.ok({("volume",), ("snapshot",), ("snapshot", "group"), ("vm",), ("backend",)} <= set(groups),
           "there are groups of commands, one within another", groups)
    for group in groups:
        name = " ".join(group)
        own = [row for row in rows_of(overview) if row.startswith(f"  {name} ")]
        asked = place.command(*group, "--help")
        tap.ok(asked.returncode == 0 and rows_of(asked.stdout) == own
               and f"usage: fairlead {name} COMMAND" in asked.stdout,
               f"{name} --help lists its own commands, with what they do", own, asked.stdout)
        for words in ((*group, "-h"), ("help", *group), (*group, "--size", "1", "--help")):
            again = place.command(*words)
            tap.ok(again.returncode == 0 and again.stdout == asked.stdout and not again.stderr,
                   f"{' '.join(words)}: the same", again.stdout, again.stderr)
        alone = place.command(*group)
        tap.ok(alone.returncode == 2 and alone.stderr == asked.stdout and not alone.stdout,
               f"{name} alone lists them as an error", alone.stdout, alone.stderr)
        for words in ((*group, "xyzzy"), (*group, "xyzzy", "--help"), ("help", *group, "xyzzy"),
                      (*group, "--size", "1")):
            wrong = place.command(*words)
            error, _, rest = wrong.stderr.partition("\n\n")
            tap.ok(wrong.returncode == 2 and error.startswith("fairlead: ") and "\n" not in error
                   and rest == asked.stdout and not wrong.stdout,
                   f"{' '.join(words)}: an error, and the list", wrong.stdout, wrong.stderr)


def check_manual(tap, place):
    made = place.command("help", "--markdown").stdout
    page = os.path.join(HERE, "..", "..", "docs", "cli.md")
    with open(page, encoding="utf-8") as stream:
        tap.ok(stream.read() == made,
               "docs/cli.md is current", "remedy: fairlead help --markdown >docs/cli.md")
    rows = [line for line in made.splitlines() if line.startswith("| `")]
    tap.ok(all(line.count("|") == 3 for line in rows), "no cell of docs/cli.md breaks its table")


def check_wrong(tap, place):
    for words, code, text in WRONG:
        result = place.command(*words)
        lines = result.stderr.splitlines()
        good = result.returncode == code and text in result.stderr and not result.stdout
        tap.ok(good and lines[0].startswith("fairlead: "), f"{' '.join(words)}: {code}, {text}",
               result.returncode, result.stdout, result.stderr)


def check_doctor(tap, place):
    result = place.command("doctor", "-o", "json")
    rows = json.loads(result.stdout)
    missing = [row["check"] for row in rows if row["state"] == "missing"]
    tap.ok(len(rows) >= 15, "doctor looks at fifteen things at least")
    tap.ok(result.returncode == (1 if missing else 0), "doctor's exit code follows from what is missing",
           result.returncode, missing)
    tap.ok(all(row["way_out"] for row in rows if row["state"] != "ok"), "doctor knows ways out")
    place.configure("pools:\n  - { name: a, backend: file, directry: /x }\n")
    result = place.command("doctor", "--config", place.config)
    tap.ok(result.returncode == 1 and "directory" in result.stdout,
           "doctor names the wrong key of a configuration", result.stdout)


def check_tables(tap, place):
    for width in (20, 40, 60, 80, 100):
        place.environment["COLUMNS"] = str(width)
        lines = place.command("doctor").stdout.splitlines()
        # Four columns keep six each, with two between them.
        tap.ok(max(map(len, lines)) <= max(width, 30), f"a table fits {width} columns", *lines)
    tap.ok(any("…" in line for line in lines), "what is cut ends in an ellipsis", *lines)
    del place.environment["COLUMNS"]
    lines = place.command("doctor").stdout.splitlines()
    tap.ok(not any("…" in line for line in lines), "a pipe gets everything")


def check_terminal(tap, place):
    """Without COLUMNS the terminal says how wide it is."""
    child, terminal = pty.fork()
    if child == 0:
        fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 60, 0, 0))
        os.execve(FAIRLEAD, [FAIRLEAD, "doctor"], place.environment)
    seen = b""
    with contextlib.suppress(OSError):
        while block := os.read(terminal, 4096):
            seen += block
    os.waitpid(child, 0)
    os.close(terminal)
    lines = seen.decode().splitlines()
    tap.ok(len(lines) > 10 and max(map(len, lines)) <= 60, "a table fits the terminal", *lines)


def check_specification(tap, place):
    """Every key that is printed stands in docs/launcher.md."""
    printed = place.command("vm", "options").stdout
    keys = set(re.findall(r"^([a-z_]+)  ", printed, re.MULTILINE))
    with open(os.path.join(HERE, "../../docs/launcher.md"), encoding="utf-8") as stream:
        text = stream.read()
    table = text[text.index("| key | default |"):text.index("`fairlead vm options`")]
    written = set(re.findall(r"`([a-z_]+)`", table))
    missing = sorted(keys - written)
    tap.ok(len(keys) > 15 and not missing, "docs/launcher.md has each key of a specification",
           printed, *missing)


def check_backends(tap, place):
    listed = json.loads(place.command("backend", "list", "-o", "json").stdout)
    tap.ok({"file", "example"} <= {row["name"] for row in listed}, "the backends are listed", listed)
    offers = {row["name"]: set(row["offers"]) for row in listed}
    tap.ok({"changes", "health", "pool_records", "snapshots"} <= offers["file"]
           and offers["example"] == {"records", "node-local"}, "with what they offer", offers)
    options = place.command("backend", "options", "file").stdout
    tap.ok("directory" in options, "options of a backend come from its table", options)
    os.makedirs(place.pool)
    checked = place.command("backend", "check", "example", "--option", f"directory={place.pool}",
                            "--filter", "created once")
    tap.ok(checked.returncode == 0 and "ok 1 - " in checked.stdout, "a backend can be checked",
           checked.stdout, checked.stderr)
    wrong = place.command("backend", "check", "example", "--option", "directry=/x")
    tap.ok(wrong.returncode == 2 and "directory" in wrong.stderr, "with its options checked, too",
           wrong.stderr)


def check_full_output(tap, place):
    with open("/dev/full", "w", encoding="utf-8") as full:
        result = subprocess.run([FAIRLEAD, "help"], stdout=full, stderr=subprocess.PIPE, text=True,
                                check=False, env=place.environment)
    tap.ok(result.returncode == 1 and "cannot write" in result.stderr,
           "a result that cannot be written is a failure", result.returncode, result.stderr)


def main():
    tap = Tap()
    with Place() as place:
        check_help(tap, place)
        check_manual(tap, place)
        check_wrong(tap, place)
        check_tables(tap, place)
        check_terminal(tap, place)
        check_backends(tap, place)
        check_specification(tap, place)
        check_full_output(tap, place)
        check_doctor(tap, place)
    tap.end()


if __name__ == "__main__":
    main()
