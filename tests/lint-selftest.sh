#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# lint-selftest.sh: shows, rule by rule, that tests/lint.sh catches a planted violation.
set -eu
cd "$(dirname "$0")/.."
PYTHONDONTWRITEBYTECODE=1 exec python3 tests/lint/selftest.py
