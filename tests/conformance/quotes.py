#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""quotes.py PAGE…: what a page quotes ("<!-- from FILE -->", then a block of code) stands in FILE."""

import os
import re
import sys

QUOTE = re.compile(r"<!-- from (\S+) -->\n```c\n(.*?)```", re.DOTALL)


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def main():
    root = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
    failed = number = 0
    for page in sys.argv[1:]:
        for path, text in QUOTE.findall(read(page)):
            number += 1
            good = text in read(os.path.join(root, path))
            failed += not good
            first = text.split("(")[0].strip().splitlines()[0]
            print(f"{'' if good else 'not '}ok {number} - {path} has: {first}")
    print(f"1..{number}")
    return 1 if failed or not number else 0


if __name__ == "__main__":
    sys.exit(main())
