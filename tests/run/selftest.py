# SPDX-License-Identifier: Apache-2.0
"""Shows that the runner counts what programs say, and does not believe those that break off."""

import sys

from tap import Verdict

# (what it shows, output, exit status or None for a timeout, passed, failed, skipped)
CASES = [
    ("two good statements", "ok 1 - a\nok 2 - b\n1..2\n", 0, 2, 0, 0),
    ("a plan may come first", "1..1\nok 1 - a\n", 0, 1, 0, 0),
    ("a failure is counted once", "ok 1 - a\nnot ok 2 - b\n1..2\n", 1, 1, 1, 0),
    ("a failure counts whatever the status", "not ok 1 - a\n1..1\n", 0, 0, 1, 0),
    ("a skip has its reason", "ok 1 - a # SKIP no loop devices\n1..1\n", 0, 0, 0, 1),
    ("a program can skip as a whole", "needs root\n", 77, 0, 0, 1),
    ("a plan of nothing is a skip", "1..0 # SKIP no qemu\n", 77, 0, 0, 1),
    ("a crash after good statements fails", "ok 1 - a\n", -11, 1, 1, 0),
    ("a crash after the plan fails", "ok 1 - a\n1..1\n", 1, 1, 1, 0),
    ("an end without plan fails", "ok 1 - a\n", 0, 1, 1, 0),
    ("a statement that is missing fails", "1..2\nok 1 - a\n", 0, 1, 1, 0),
    ("silence fails", "", 0, 0, 1, 0),
    ("a timeout fails", "ok 1 - a\n", None, 1, 1, 0),
    ("bailing out fails", "ok 1 - a\nBail out! no disk\n1..1\n", 0, 1, 1, 0),
    ("words that begin with ok are no statements", "okay\nok 1 - a\n1..1\n", 0, 1, 0, 0),
]


def main():
    failed = 0
    for number, (name, output, status, *wanted) in enumerate(CASES, 1):
        verdict = Verdict()
        verdict.read(output, status)
        got = [verdict.passed, len(verdict.failed), len(verdict.skipped)]
        failed += got != wanted
        print(f"{'' if got == wanted else 'not '}ok {number} - {name}")
        if got != wanted:
            print(f"# passed, failed, skipped: {got}, wanted {wanted}")
    print(f"1..{len(CASES)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
