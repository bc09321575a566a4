# SPDX-License-Identifier: Apache-2.0
"""What a program that prints TAP has said, statement by statement."""

import re

STATEMENT = re.compile(r"^(not )?ok\b *(\d+)? *-? *(.*?)(?: *# *SKIP\b *(.*))?$", re.IGNORECASE)
PLAN = re.compile(r"^1\.\.(\d+)(?: *# *SKIP\b *(.*))?$", re.IGNORECASE)

SKIPPED = 77  # exit status of a program that skips as a whole


class Verdict:
    def __init__(self):
        self.passed = 0
        self.failed = []  # what went wrong, one text each
        self.skipped = []  # (statement, reason)

    def read(self, output, status):
        """Takes in one program's output and exit status (None: its time was up)."""
        planned, seen = None, 0
        for line in output.splitlines():
            plan = PLAN.match(line)
            statement = STATEMENT.match(line)
            if plan:
                planned = int(plan.group(1))
                if planned == 0:
                    self.skipped.append(("all of it", plan.group(2) or "no reason given"))
            elif statement:
                seen += 1
                self._count(*statement.group(1, 3, 4))
            elif line.startswith("Bail out!"):
                self.failed.append(line)
        self._judge_program(output, status, planned, seen)

    def _count(self, negation, name, reason):
        if reason is not None:
            self.skipped.append((name, reason or "no reason given"))
        elif negation:
            self.failed.append(name)
        else:
            self.passed += 1

    def _judge_program(self, output, status, planned, seen):
        if status == SKIPPED and not seen:
            lines = output.strip().splitlines()
            if planned != 0:
                self.skipped.append(("all of it", lines[-1] if lines else "no reason given"))
            return
        if status is None:
            self.failed.append("its time was up")
        elif status != 0 and not self.failed:
            self.failed.append(f"ended with status {status}")
        if planned is None and status == 0:
            self.failed.append("printed no plan (1..N): it did not come to its end")
        elif planned is not None and planned != seen:
            self.failed.append(f"planned {planned} statements and made {seen}")
        if planned is None and seen == 0 and not self.failed:
            self.failed.append("made no statement")
