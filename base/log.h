/* SPDX-License-Identifier: Apache-2.0 */
/* Log: one line of key=value per event, to standard error, written with one write(2).
 *
 *	struct fl_log_line line;
 *	fl_log_begin(&line, FL_LOG_INFO, "rpc");
 *	fl_log_text(&line, "method", method);
 *	fl_log_number(&line, "ms", ms);
 *	fl_log_end(&line);
 *
 * gives `time=2026-01-02T03:04:05.678Z level=info event=rpc method=CreateVolume ms=12`.  Values
 * with anything but plain characters are quoted and escaped; a line is cut at 4 KiB.  Usable from
 * every thread.  Secrets are never handed to this module. */
#pragma once

#include <stdint.h>

#include "cleanup.h"
#include "error.h"

enum fl_log_level { FL_LOG_DEBUG, FL_LOG_INFO, FL_LOG_WARNING, FL_LOG_ERROR };

struct fl_log_line {
	enum fl_log_level level;
	unsigned n;
	char text[4096];
};

/* Lines below `level` are dropped.  The level at the start is FL_LOG_INFO. */
void fl_log_set_level(enum fl_log_level level);
/* "debug", "info", "warning", "error" → level; -1 and *err for another word. */
int fl_log_parse_level(const char *word, enum fl_log_level *ret, struct fl_error *err)
	fl_must_check;

void fl_log_begin(struct fl_log_line *line, enum fl_log_level level, const char *event);
/* NULL is written as an empty value. */
void fl_log_text(struct fl_log_line *line, const char *key, const char *value);
void fl_log_number(struct fl_log_line *line, const char *key, int64_t value);
/* Adds code=… and error="…" of *err. */
void fl_log_error(struct fl_log_line *line, const struct fl_error *err);
void fl_log_end(struct fl_log_line *line);

/* The short form: event and one text, `message="…"`. */
void fl_log(enum fl_log_level level, const char *event, const char *format, ...)
	fl_printf_like(3, 4);
