/* SPDX-License-Identifier: Apache-2.0 */
#include "progress.h"

#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "table.h"

#define PROGRESS_EVERY_US 5000000

void progress_say(struct progress *progress, const char *text)
{
	fl_cleanup(fl_arena_release) struct fl_arena *arena = fl_arena_new(0);
	size_t width = table_screen(stderr);
	uint64_t now = fl_clock_us();

	if (isatty(STDERR_FILENO)) {
		fprintf(stderr, "\r\033[K%s", table_fit(arena, text, width > 1 ? width - 1 : 0));
		progress->is_shown = true;
	} else if (!progress->said_us || now - progress->said_us >= PROGRESS_EVERY_US) {
		fprintf(stderr, "%s\n", table_fit(arena, text, 0));
		progress->said_us = now;
	}
}

void progress_end(struct progress *progress)
{
	if (progress->is_shown)
		fprintf(stderr, "\r\033[K");
	progress->is_shown = false;
}
