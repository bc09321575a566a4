/* SPDX-License-Identifier: Apache-2.0 */
/* Progress: why a command has not ended yet, on standard error.
 *
 * On a terminal one line that is rewritten in place; elsewhere a line now and then. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"

struct progress {
	bool is_shown;    /* on a terminal: a line is there that must be wiped */
	uint64_t said_us; /* when a line was last written elsewhere; 0: never */
};

void progress_say(struct progress *progress, const char *text);
/* Before the command says anything else. */
void progress_end(struct progress *progress);
