# SPDX-License-Identifier: Apache-2.0
"""How files begin and look, and what is written in none of them."""

import re
import subprocess

MACHINE = re.compile(r"(?<![\w.$}])/(?:work|home|root|Users)/")
UNFINISHED = re.compile(r"\b(?:TODO|FIXME|XXX|HACK)\b(?![_\w])")


def licence(tree):
    """the first line names the licence"""
    for file in tree.files:
        if not re.search(r"(\.[ch]|\.sh|\.py|\.cmake|CMakeLists\.txt)$", file.path):
            continue
        first = file.lines[1] if file.lines[0].startswith("#!") and len(file.lines) > 1 \
            else file.lines[0]
        if "SPDX-License-Identifier: Apache-2.0" not in first:
            yield file.path, 1, "the first line is not SPDX-License-Identifier: Apache-2.0"


def pragma_once(tree):
    """a header says #pragma once, and says what it is before that"""
    for file in tree.ending(".h"):
        if "#pragma once" not in file.lines:
            yield file.path, 1, "no #pragma once"
        elif not re.match(r"/\*.*\n/\* \w", file.text):
            yield file.path, 2, "no comment that says what the header is"


def formatted(tree):
    """clang-format has nothing to change"""
    paths = [f.path for f in tree.c()]
    if not paths:
        return
    result = subprocess.run(["clang-format", "--dry-run", "-Werror"] + paths, cwd=tree.root,
                            capture_output=True, text=True, check=False)
    seen = set()
    for path, line in re.findall(r"^(\S+?):(\d+):\d+: error:", result.stderr, re.MULTILINE):
        if path not in seen:
            seen.add(path)
            yield path, int(line), "not as clang-format would write it (here first)"
    if result.returncode and not seen:
        yield paths[0], 1, f"clang-format failed: {result.stderr.strip()[:200]}"


def whitespace(tree):
    """no trailing blanks, a newline at the end"""
    for file in tree.ending(".c", ".h", ".sh", ".py", ".md", ".txt", ".cases", ".cmake", ".yaml"):
        for number, line in enumerate(file.lines, 1):
            if line != line.rstrip():
                yield file.path, number, "blanks at the end of the line"
        if file.text and not file.text.endswith("\n"):
            yield file.path, len(file.lines), "no newline at the end of the file"


def machine(tree):
    """nothing depends on one person's machine, nothing is left for later"""
    for file in tree.files:
        if file.path.startswith("tests/lint/") or "\0" in file.text:
            continue
        for number, line in enumerate(file.lines, 1):
            if MACHINE.search(line):
                yield file.path, number, "a path of somebody's machine"
            if UNFINISHED.search(line):
                yield file.path, number, "something is left to do"


def links(tree):
    """a link in a page leads to a file"""
    for file in tree.ending(".md"):
        for number, line in enumerate(file.lines, 1):
            for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", line):
                if re.match(r"[a-z]+:", target):
                    continue
                path = f"{file.folder}/{target}" if file.folder else target
                if not tree.has(path):
                    yield file.path, number, f"{target} does not exist"
