# SPDX-License-Identifier: Apache-2.0
"""What must pass a compiler or checker by itself."""

import concurrent.futures
import json
import os
import re
import shlex
import subprocess

# Where there is no build (the self-test).
PLAIN = ["gcc", "-std=gnu11", "-D_GNU_SOURCE", "-Wall", "-Wextra"]


def compiler(tree):
    """The compiler and flags of the tree's own code, as the build folder has them."""
    path = os.path.join(tree.root, tree.build or "", "compile_commands.json")
    if not tree.build or not os.path.exists(path):
        return PLAIN + ["-I", tree.root]
    with open(path, encoding="utf-8") as stream:
        commands = json.load(stream)
    # The widest of all: cli/ sees every folder and library.
    command = next((c for c in commands if "/cli/" in c["file"]),
                   next(c for c in commands if "/csi/rpc/" in c["file"] or "/base/" in c["file"]))
    words = shlex.split(command["command"])
    if os.path.basename(words[0]) == "ccache":
        words = words[1:]
    keep = [w for w in words[1:] if w.startswith(("-I", "-D", "-W", "-std", "-isystem"))]
    generated = os.path.join(os.path.dirname(path), "generated")
    return [words[0]] + keep + ["-Wno-error", "-I", generated, "-I", tree.root]


def run(command, tree, text=None):
    result = subprocess.run(command, input=text, cwd=tree.root, capture_output=True, text=True,
                            check=False)
    return result.returncode, result.stdout + result.stderr


def headers_alone(tree):
    """a header compiles by itself, without a warning"""
    command = compiler(tree) + ["-Werror", "-fsyntax-only", "-x", "c", "-"]

    def check(file):
        code, output = run(command, tree, f'#include "{file.path}"\nint header_alone;\n')
        if code == 0:
            return None
        where = re.search(r":(\d+):\d+: (?:error|fatal error|warning): (.*)", output)
        return (file.path, int(where.group(1)) if where else 1,
                where.group(2) if where else output.strip()[:200])

    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        yield from filter(None, pool.map(check, tree.ending(".h")))


def shell(tree):
    """sh and shellcheck have no complaint about a shell script"""
    for file in tree.files:
        if not file.path.endswith(".sh") and not re.match(r"#!.*\bsh\b", file.lines[0]):
            continue
        code, output = run(["sh", "-n", file.path], tree)
        if code:
            yield file.path, 1, output.strip().split("\n")[0]
            continue
        _, output = run(["shellcheck", "-x", "-f", "gcc", file.path], tree)
        for line, text in re.findall(r"^[^:\n]+:(\d+):\d+: (?:error|warning|note): (.*)$", output,
                                     re.MULTILINE):
            yield file.path, int(line), text


def python(tree):
    """a Python file is Python"""
    for file in tree.ending(".py"):
        try:
            compile(file.text, file.path, "exec")
        except SyntaxError as error:
            yield file.path, error.lineno or 1, error.msg
