# SPDX-License-Identifier: Apache-2.0
"""How long, how wide and how deep code may be."""

import re
import statistics

FILE_LINES = 600
FILE_LINES_WITHOUT_REASON = 400
FUNCTION_LINES = 60
PARAMETERS = 6
NESTING = 3

CONTROL = re.compile(r"^(\t+)(?:\} )?(?:if|else|for|while|do|switch)\b")
# Whose signature a library prescribes.
PRESCRIBED = {"http_handle"}
# What nearly every function has, and the length that belongs to an array, is not counted.
USUAL = re.compile(r"\b(?:op|arena|err|n_\w+|\w*size|\w*length)$|^void$|^\.\.\.$")


def code_files(tree):
    return tree.ending(".c", ".h", ".sh", ".py")


def file_lines(tree):
    """a file has at most 600 lines, and above 400 says because of what in its first 20"""
    for file in code_files(tree):
        n = len(file.lines) - 1
        if n > FILE_LINES:
            yield file.path, n, f"{n} lines, at most {FILE_LINES}"
        elif n > FILE_LINES_WITHOUT_REASON and \
                not re.search(r"\bbecause\b", " ".join(file.lines[:20]), re.IGNORECASE):
            yield file.path, n, f"{n} lines: say in the first 20 why (\"… because …\")"


def function_lines(tree):
    """a function has at most 60 lines"""
    for file in tree.c():
        for function in file.functions:
            n = function.last - function.first + 1
            if n > FUNCTION_LINES:
                yield file.path, function.first, f"{function.name} has {n} lines"


def parameters(tree):
    """a function has at most 6 parameters of its own"""
    for file in tree.c():
        for function in file.functions:
            own = [p for p in function.parameters if p and not USUAL.search(p)]
            if len(own) > PARAMETERS and function.name not in PRESCRIBED:
                yield file.path, function.first, f"{function.name} has {len(own)} parameters"


def nesting(tree):
    """control structures are nested at most 3 deep"""
    for file in tree.c():
        lines = file.code.split("\n")
        for function in file.functions:
            for number in range(function.first, function.last):
                match = CONTROL.match(lines[number])
                if match and len(match.group(1)) > NESTING:
                    yield file.path, number + 1, f"{len(match.group(1))} deep in {function.name}"


def summary(tree):
    sizes = [(len(f.lines) - 1, f.path) for f in tree.ending(".c")
             if not f.path.startswith("tests/")]
    if not sizes:
        return "no .c files"
    longest = max(sizes)
    return (f"{len(sizes)} .c files, median {statistics.median(n for n, _ in sizes):.0f} lines, "
            f"longest {longest[1]} with {longest[0]}")
