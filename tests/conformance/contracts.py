#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""contracts.py: what a report of the conformance suite says about a call stands in backend.h."""

import os
import re

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
ROW = re.compile(r'\{ "([\w>-]*)",\s*((?:"(?:[^"\\]|\\.)*"\s*)+)\}')


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


def plain(text):
    """Words of comments, parted by single spaces."""
    return " ".join(re.sub(r"/\*|\*/|^\s*\*", " ", text, flags=re.MULTILINE).split())


def main():
    header = plain(read("backends/backend.h"))
    rows = ROW.findall(read("backends/check/contract.c"))
    failed = 0
    for number, (member, literals) in enumerate(rows, 1):
        text = "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', literals)).replace('\\"', '"')
        good = plain(text) in header
        failed += not good
        print(f"{'' if good else 'not '}ok {number} - backend.h says this of {member or 'every call'}")
    print(f"1..{len(rows)}")
    return 1 if failed or len(rows) < 10 else 0


if __name__ == "__main__":
    raise SystemExit(main())
