/* SPDX-License-Identifier: Apache-2.0 */
#include "trace.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct trace trace;

void trace_begin(void)
{
	pthread_mutex_lock(&lock);
	memset(&trace, 0, sizeof(trace));
	pthread_mutex_unlock(&lock);
}

void trace_get(struct trace *ret)
{
	pthread_mutex_lock(&lock);
	*ret = trace;
	pthread_mutex_unlock(&lock);
}

static struct trace_line *trace_add_locked(void)
{
	if (trace.n == TRACE_LINES)
		memmove(&trace.lines[0], &trace.lines[1],
			(TRACE_LINES - 1) * sizeof(trace.lines[0]));
	else
		trace.n++;
	return &trace.lines[trace.n - 1];
}

int trace_note(const struct fl_error *err, const char *member, int result, const char *format, ...)
{
	char arguments[181]; /* with the longest error it still fits a line */
	struct trace_line *line;
	va_list args;

	va_start(args, format);
	vsnprintf(arguments, sizeof(arguments), format, args);
	va_end(args);
	pthread_mutex_lock(&lock);
	line = trace_add_locked();
	snprintf(line->member, sizeof(line->member), "%s", member);
	snprintf(line->text, sizeof(line->text), "%s(%s): %s%s%.200s", member, arguments,
		 fl_error_name(result == 0 ? FL_OK : err->code), result == 0 ? "" : ", ",
		 result == 0 ? "" : err->text);
	pthread_mutex_unlock(&lock);
	return result;
}
