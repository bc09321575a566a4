/* SPDX-License-Identifier: Apache-2.0 */
/* Exit: what the exit code of every command means.  Scripts rely on it: numbers never change. */
#pragma once

#include <stddef.h>

#include "base/error.h"

enum cli_exit {
	CLI_DONE = 0,
	CLI_FAILED = 1,
	CLI_USAGE = 2,
	CLI_NOT_FOUND = 3,
	CLI_LATER = 4,
	CLI_REFUSED = 5,
	CLI_FULL = 6,
	CLI_UNHEALTHY = 7,
};

struct cli_exit_meaning {
	enum cli_exit code;
	const char *meaning;
};

/* One row per code, in ascending order. */
extern const struct cli_exit_meaning cli_exit_meanings[];
extern const size_t cli_exit_n_meanings;

enum cli_exit cli_exit_of(enum fl_error_code code);
