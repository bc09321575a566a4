# SPDX-License-Identifier: Apache-2.0
"""Printing TAP, as tests/test.h does for tests in C."""

import sys


class Tap:
    def __init__(self):
        self.number = 0
        self.failed = 0

    def _say(self, negation, name, more=""):
        self.number += 1
        name = name.replace("#", "no.").replace("\n", " ")
        print(f"{negation}ok {self.number} - {name}{more}", flush=True)

    def ok(self, good, name, *details):
        """One statement; details are printed when it does not hold."""
        if not good:
            self.failed += 1
            for detail in details:
                for line in str(detail).splitlines():
                    print(f"# {line}")
        self._say("" if good else "not ", name)
        return good

    def skip(self, name, reason):
        self._say("", name, f" # SKIP {reason}")

    def end(self):
        print(f"1..{self.number}")
        sys.exit(1 if self.failed or not self.number else 0)
