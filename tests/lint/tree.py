# SPDX-License-Identifier: Apache-2.0
"""The tree that is checked: its files, and C code with comments and strings blanked out."""

import functools
import os
import re

TOKENS = re.compile(
    r'(?P<comment>/\*.*?\*/|//[^\n]*)|(?P<string>"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\')',
    re.DOTALL)


def blank(match):
    """Spaces of the same shape, so that lines and columns stay."""
    return re.sub(r"[^\n]", " ", match.group())


class File:
    def __init__(self, root, path):
        self.path = path
        self.folder = os.path.dirname(path)
        with open(os.path.join(root, path), encoding="utf-8", errors="replace") as stream:
            self.text = stream.read()
        self.lines = self.text.split("\n")

    @functools.cached_property
    def without_comments(self):
        return TOKENS.sub(lambda m: blank(m) if m.group("comment") else m.group(), self.text)

    @functools.cached_property
    def code(self):
        """Neither comments nor what is inside strings."""
        return TOKENS.sub(blank, self.text)

    @functools.cached_property
    def functions(self):
        return list(find_functions(self.code))


class Function:
    """Bodies stand alone at the left edge: `{` opens one and `}` closes it."""

    def __init__(self, name, parameters, first, last):
        self.name = name
        self.parameters = parameters
        self.first = first  # line of the opening brace
        self.last = last  # line of the closing brace


def line_of(text, position):
    return text.count("\n", 0, position) + 1


def call_at(text, opening):
    """The arguments of the call whose opening parenthesis is at `opening`."""
    depth = 0
    for i in range(opening, len(text)):
        depth += {"(": 1, ")": -1}.get(text[i], 0)
        if depth == 0:
            return text[opening + 1:i]
    return text[opening + 1:]


def signature_before(lines, brace):
    first = brace
    while first > 0 and lines[first - 1].strip() and lines[first - 1][0] not in "}#":
        first -= 1
    text = " ".join(line.strip() for line in lines[first:brace])
    text = re.sub(r"__attribute__\s*\(\(.*?\)\)", " ", text)
    match = re.search(r"(\w+)\s*\(", text)
    if not match:
        return "?", []
    return match.group(1), [p.strip() for p in call_at(text, match.end() - 1).split(",")]


def find_functions(code):
    lines = code.split("\n")
    opening = None
    for i, line in enumerate(lines):
        if line.rstrip() == "{":
            opening = i
        elif line.rstrip() == "}" and opening is not None:
            name, parameters = signature_before(lines, opening)
            yield Function(name, parameters, opening + 1, i + 1)
            opening = None


class Tree:
    def __init__(self, root, build):
        self.root = root
        self.build = build
        self.files = [File(root, path) for path in sorted(self._paths())]

    def _paths(self):
        for folder, folders, names in os.walk(self.root):
            folders[:] = [f for f in folders
                          if f not in (".git", "__pycache__") and not f.startswith("build")]
            # Of a worktree .git is a file that says where the repository is.
            for name in names:
                if name == ".git":
                    continue
                yield os.path.relpath(os.path.join(folder, name), self.root)

    def ending(self, *ends):
        return [f for f in self.files if f.path.endswith(ends)]

    def c(self):
        return self.ending(".c", ".h")

    def has(self, path):
        return os.path.exists(os.path.join(self.root, path))
