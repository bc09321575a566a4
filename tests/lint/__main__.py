# SPDX-License-Identifier: Apache-2.0
"""lint [--root DIR] [--build DIR] [RULE…]: checks the tree, prints TAP and every violation."""

import argparse
import sys

import backends
import calls
import compiles
import includes
import layout
import sizes
from tree import Tree

RULES = {
    "include-direction": includes.direction,
    "library-home": includes.libraries,
    "file-lines": sizes.file_lines,
    "function-lines": sizes.function_lines,
    "parameters": sizes.parameters,
    "nesting": sizes.nesting,
    "banned-call": calls.banned,
    "close-on-exec": calls.close_on_exec,
    "exit": calls.exits,
    "plain-c": calls.jumps,
    "must-check": calls.must_check,
    "licence": layout.licence,
    "pragma-once": layout.pragma_once,
    "format": layout.formatted,
    "whitespace": layout.whitespace,
    "machine": layout.machine,
    "links": layout.links,
    "header-alone": compiles.headers_alone,
    "shell": compiles.shell,
    "python": compiles.python,
    "backend-documented": backends.documented,
    "backend-conforms": backends.conforms,
}


def main():
    parser = argparse.ArgumentParser(prog="lint", description=__doc__)
    parser.add_argument("--root", default=".")
    parser.add_argument("--build", help="build folder whose compiler flags are used")
    parser.add_argument("rules", nargs="*", metavar="RULE", help=", ".join(RULES))
    arguments = parser.parse_args()
    unknown = set(arguments.rules) - set(RULES)
    if unknown:
        parser.error(f"there is no rule {', '.join(sorted(unknown))}")

    tree = Tree(arguments.root, arguments.build)
    failed = 0
    chosen = arguments.rules or list(RULES)
    for number, rule in enumerate(chosen, 1):
        violations = list(RULES[rule](tree))
        for path, line, text in violations:
            print(f"{path}:{line}: {rule}: {text}")
        failed += bool(violations)
        print(f"{'not ' if violations else ''}ok {number} - {rule}: {RULES[rule].__doc__}")
    print(f"1..{len(chosen)}")
    print(f"# {len(tree.files)} files; {sizes.summary(tree)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
