/* SPDX-License-Identifier: Apache-2.0 */
#include "log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "text.h"

/* What may be added up to: behind it there is room for the end of a cut value and the newline. */
#define LOG_ROOM (sizeof(((struct fl_log_line *)0)->text) - 8)

static const char *const log_levels[] = { "debug", "info", "warning", "error" };
static _Atomic enum fl_log_level log_lowest = FL_LOG_INFO;

static bool log_is_wanted(enum fl_log_level level)
{
	return level >= atomic_load_explicit(&log_lowest, memory_order_relaxed);
}

void fl_log_set_level(enum fl_log_level level)
{
	atomic_store_explicit(&log_lowest, level, memory_order_relaxed);
}

int fl_log_parse_level(const char *word, enum fl_log_level *ret, struct fl_error *err)
{
	for (size_t i = 0; i < FL_COUNT(log_levels); i++) {
		if (strcmp(word, log_levels[i]) == 0) {
			*ret = (enum fl_log_level)i;
			return 0;
		}
	}
	return fl_error_set(err, FL_INVALID,
			    "log level \"%s\" is none of debug, info, warning, error", word);
}

/* Appends all of `text` or, when it does not fit, nothing. */
static bool log_add(struct fl_log_line *line, const char *text, size_t size)
{
	if (line->n + size > LOG_ROOM)
		return false;
	memcpy(line->text + line->n, text, size);
	line->n += (unsigned)size;
	return true;
}

static bool log_add_key(struct fl_log_line *line, const char *key)
{
	size_t n = strlen(key);

	/* Not even the key and a quote fit: the line is full, and half a pair would mislead. */
	if (line->n + n + 3 > LOG_ROOM)
		return false;
	return (line->n == 0 || log_add(line, " ", 1)) && log_add(line, key, n) &&
	       log_add(line, "=", 1);
}

static bool log_is_plain(const char *value)
{
	for (const char *c = value; *c; c++)
		if (*c <= ' ' || *c > '~' || *c == '"' || *c == '\\' || *c == '=')
			return false;
	return true;
}

/* One character of a quoted value; returns how many bytes of `c` it took, 0 when the line is full.
 * UTF-8 passes as it is; bytes that are none are escaped. */
static size_t log_add_escaped(struct fl_log_line *line, const char *c)
{
	char code[8];

	if (*c == '"' || *c == '\\') {
		snprintf(code, sizeof(code), "\\%c", *c);
		return log_add(line, code, 2) ? 1 : 0;
	}
	if (*c == '\n')
		return log_add(line, "\\n", 2) ? 1 : 0;
	for (size_t n = 1; n <= 4; n++) {
		if (fl_text_is_printable(c, n))
			return log_add(line, c, n) ? n : 0;
		if (c[n] == '\0')
			break;
	}
	snprintf(code, sizeof(code), "\\x%02x", (unsigned char)*c);
	return log_add(line, code, 4) ? 1 : 0;
}

static void log_add_quoted(struct fl_log_line *line, const char *value)
{
	size_t n = 1;

	log_add(line, "\"", 1);
	for (const char *c = value; *c && n; c += n)
		n = log_add_escaped(line, c);
	if (n == 0) {
		memcpy(line->text + line->n, "...", 3);
		line->n += 3;
	}
	line->text[line->n++] = '"';
}

void fl_log_begin(struct fl_log_line *line, enum fl_log_level level, const char *event)
{
	char stamp[80];
	struct timespec now;
	struct tm tm;

	line->level = level;
	line->n = 0;
	if (!log_is_wanted(level))
		return;
	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &tm);
	snprintf(stamp, sizeof(stamp), "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", tm.tm_year + 1900,
		 tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec,
		 (int)(now.tv_nsec / 1000000));
	fl_log_text(line, "time", stamp);
	fl_log_text(line, "level", log_levels[level]);
	fl_log_text(line, "event", event);
}

void fl_log_text(struct fl_log_line *line, const char *key, const char *value)
{
	if (!log_is_wanted(line->level) || !log_add_key(line, key) || !value)
		return;
	if (!*value || !log_is_plain(value) || !log_add(line, value, strlen(value)))
		log_add_quoted(line, value);
}

void fl_log_number(struct fl_log_line *line, const char *key, int64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRId64, value);
	fl_log_text(line, key, text);
}

void fl_log_error(struct fl_log_line *line, const struct fl_error *err)
{
	fl_log_text(line, "code", fl_error_name(err->code));
	fl_log_text(line, "error", err->text);
}

void fl_log_end(struct fl_log_line *line)
{
	int saved = errno;
	ssize_t n;

	if (log_is_wanted(line->level)) {
		line->text[line->n++] = '\n';
		/* Once only: the rest of a line after another thread's would be unreadable. */
		do
			n = write(STDERR_FILENO, line->text, line->n);
		while (n < 0 && errno == EINTR);
	}
	line->n = 0;
	errno = saved;
}

void fl_log(enum fl_log_level level, const char *event, const char *format, ...)
{
	struct fl_log_line line;
	char text[sizeof(line.text)];
	va_list args;

	if (!log_is_wanted(level))
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	fl_log_begin(&line, level, event);
	fl_log_text(&line, "message", text);
	fl_log_end(&line);
}
